"""How the user says a checkpoint is to be read, where its content leaves that open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from verifier.options.declare import option


@dataclass(frozen=True)
class Reading:
    """layout: weight keys in order, each `weight` or `weight+bias`, as a list or comma-separated. key: name of the dict inside that holds the network, dotted
    where it is nested (`net`, `state.generator`), or a prefix of its keys. ignore: names or patterns (`criterion.*`) of entries that are no part of the
    network, as a list or comma-separated.
    """

    layout: str | Sequence[str] | None = option(
        help="weight keys in order, comma-separated, where a checkpoint leaves it open", metavar="KEYS", kind=str
    )
    key: str | None = option(
        help="the dict inside a checkpoint that holds the network, dotted where nested, or a prefix of its keys",
        metavar="NAME",
    )
    ignore: str | Sequence[str] = option(
        (),
        help="entries that are no part of the network, comma-separated, as names or patterns such as 'criterion.*'",
        metavar="NAMES",
        kind=str,
    )

    @property
    def ignored(self) -> tuple[str, ...]:
        return split(self.ignore) if isinstance(self.ignore, str) else tuple(self.ignore)

    def ignores(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) or name.startswith(f"{pattern}.") for pattern in self.ignored)


def split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def as_reading(layout: str | Sequence[str] | Reading | None) -> Reading:
    """A `Reading`; everything else is a layout alone."""
    return layout if isinstance(layout, Reading) else Reading(layout)
