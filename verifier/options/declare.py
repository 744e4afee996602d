"""An option is a field of a frozen dataclass, declared with `option`; everything else about it is read from there."""

from __future__ import annotations

import difflib
import inspect
import numbers
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from functools import cache, wraps
from types import NoneType
from typing import Any, TypeVar, get_args, get_type_hints

from verifier.errors import UsageError

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
# What words on a command line and values in a TOML file can be.
KINDS = (bool, int, float, str)


def option(
    default: Any = None,
    *,
    help: str,
    choices: tuple[str, ...] = (),
    metavar: str | None = None,
    kind: type | None = None,
    python_only: bool = False,
    sweep: bool = False,
) -> Any:
    """A field of a class of options. help: one sentence. sweep: also a key of a sweep file. python_only: no flag of the command line.

    kind: what a command line gives where Python takes more; by default the field's annotation.
    """
    about = {
        "help": help,
        "choices": choices,
        "metavar": metavar,
        "kind": kind,
        "python_only": python_only,
        "sweep": sweep,
    }
    return field(default=default, metadata={"option": about})


@dataclass(frozen=True)
class Option:
    """One option as declared. kind: bool, int, float or str; None for values that only Python can give."""

    name: str
    kind: type | None
    default: Any
    help: str
    choices: tuple[str, ...]
    metavar: str | None
    python_only: bool
    sweep: bool
    loose: bool

    @property
    def flag(self) -> str:
        """As the command line writes it."""
        return f"--{self.name.replace('_', '-')}"


def options_of(cls: type) -> tuple[Option, ...]:
    """The declared options of a class, in order."""
    return _options_of(cls)


@cache
def _options_of(cls: Any) -> tuple[Option, ...]:
    hints = get_type_hints(cls)
    return tuple(_read(f, hints[f.name]) for f in fields(cls) if "option" in f.metadata)


def _read(f: Field[Any], hint: Any) -> Option:
    if f.default is MISSING:
        raise TypeError(f"option {f.name}: has no default")
    kinds = [k for k in (get_args(hint) or (hint,)) if k is not NoneType]
    about = dict(f.metadata["option"])
    # Where Python takes more than a command line can give, the class judges the value itself.
    about["loose"] = about["kind"] is not None
    kind = about.pop("kind") or (kinds[0] if len(kinds) == 1 and kinds[0] in KINDS else None)
    about["python_only"] = about["python_only"] or kind is None
    return Option(f.name, kind, f.default, **about)


def require_kinds(options: Any) -> None:
    """Raise UsageError for a value that is not of its option's kind: text where a number is meant, "no" where True or False is."""
    for o in options_of(type(options)):
        value = getattr(options, o.name)
        if value is None or o.kind is None or o.loose:
            continue
        number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
        fits = {bool: isinstance(value, bool), int: whole, float: number, str: isinstance(value, str)}[o.kind]
        if not fits:
            word = {bool: "True or False", int: "an integer", float: "a number", str: "text"}[o.kind]
            raise UsageError(f"{o.name}: expected {word}, got {value!r}")


def taken(cls: type[T], keywords: dict[str, Any], start: T | None = None) -> T:
    """Options of a class from keywords, which are removed from `keywords`; the others as in `start`, by default their defaults."""
    names = {o.name for o in options_of(cls)}
    mine = {name: keywords.pop(name) for name in list(keywords) if name in names}
    if start is None:
        return cls(**mine)
    # None is no choice: what the value says stands.
    changed: T = replace(start, **{name: v for name, v in mine.items() if v is not None})  # type: ignore[type-var]
    return changed


def require_none_left(function: str, keywords: Mapping[str, Any], *classes: type, own: tuple[str, ...] = ()) -> None:
    """Raise TypeError, as Python does, for a keyword that no class of options declares; with the closest one that there is.

    own: the function's other keywords.
    """
    for name in keywords:
        raise TypeError(_unexpected(function, name, [*own, *(o.name for c in classes for o in options_of(c))]))


def _unexpected(function: str, name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    hint = f"; did you mean {close[0]!r}?" if close else f"; expected some of {', '.join(known)}"
    return f"{function}() got an unexpected keyword argument {name!r}{hint}"


def hinted(cls: type[T]) -> type[T]:
    """Of a class of options: a keyword that is none of its fields is answered as a function that takes options answers it."""
    known = [f.name for f in fields(cls)]  # type: ignore[arg-type]
    made = cls.__init__

    @wraps(made)
    def init(self: T, *values: Any, **keywords: Any) -> None:
        for name in keywords:
            if name not in known:
                raise TypeError(_unexpected(cls.__name__, name, known))
        made(self, *values, **keywords)

    cls.__init__ = init  # type: ignore[assignment, method-assign]
    return cls


def accepts(*classes: type) -> Callable[[F], F]:
    """Of a function whose **keywords are options of these classes: `help` and `inspect` show each with its default and sentence."""

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        declared = [o for c in classes for o in options_of(c)]
        more = [inspect.Parameter(o.name, inspect.Parameter.KEYWORD_ONLY, default=o.default) for o in declared]
        function.__signature__ = signature.replace(parameters=[*own, *more])  # type: ignore[attr-defined]
        lines = "\n".join(f"    {o.name}: {o.help}{_default_words(o)}" for o in declared)
        function.__doc__ = f"{function.__doc__}\n    Keywords:\n\n{lines}\n    "
        return function

    return decorate


def _default_words(o: Option) -> str:
    return "" if o.default is None or o.default is False else f" (default: {o.default})"
