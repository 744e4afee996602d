"""How the user says a checkpoint is to be read, where its content leaves that open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from verifier.errors import UsageError
from verifier.options.declare import hinted, option, taken


@hinted
@dataclass(frozen=True)
class Reading:
    """layout: weight keys in order, each `weight` or `weight+bias`, as a list or comma-separated. key: name of the dict inside that holds the network, dotted
    where it is nested (`net`, `state.generator`), or a prefix of its keys. ignore: names or patterns (`criterion.*`) of entries that are no part of the
    network, as a list or comma-separated. model: a function, or `module:factory`, which is imported; called, it gives the torch module whose state dict
    the checkpoint holds. input_shape: (channels, height, width) of a sample of a convolutional network, as text or a tuple. data_shape:
    the same as the data say, which counts where nothing else does.
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

    model: str | Callable[[], Any] | None = option(
        help="import and call this function, e.g. nets:make, for the torch module whose state dict the checkpoint holds (convolutional networks)",
        metavar="MODULE:FACTORY",
        kind=str,
    )
    input_shape: str | Sequence[int] | None = option(
        help="channels, height and width of the image that a row of data is, e.g. 1,8,8, where neither model nor data say it",
        metavar="C,H,W",
        kind=str,
    )
    # As the data say it, where neither the user nor the module does; no option of its own.
    data_shape: Sequence[int] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.layout, Reading):
            raise UsageError("layout: expected weight keys in order, got a Reading; hand it over as reading=")
        if hasattr(self.model, "state_dict") and not isinstance(self.model, type):
            raise UsageError(
                f"model: expected the function that builds the torch module, got a {type(self.model).__name__} itself; "
                "hand the function over, or the loaded modules in the place of the checkpoints"
            )
        if self.model is not None and not isinstance(self.model, str) and not callable(self.model):
            raise UsageError(
                f"model: expected 'module:factory' or the function that builds the torch module, got {type(self.model).__name__}"
            )

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        """input_shape as numbers. Raises UsageError."""
        if self.input_shape is None:
            return None
        parts = split(self.input_shape) if isinstance(self.input_shape, str) else tuple(self.input_shape)
        try:
            found = tuple(int(p) for p in parts if not isinstance(p, float))
        except (TypeError, ValueError):
            found = ()
        if len(found) != 3 or min(found) < 1:
            raise UsageError(f"--input-shape {self.input_shape!r}: expected channels, height and width such as 1,8,8")
        return found[0], found[1], found[2]

    @property
    def ignored(self) -> tuple[str, ...]:
        return split(self.ignore) if isinstance(self.ignore, str) else tuple(self.ignore)

    def ignores(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) or name.startswith(f"{pattern}.") for pattern in self.ignored)


def split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def taken_reading(keywords: dict[str, Any], reading: Reading | None = None) -> Reading:
    """A door's reading: keywords named as fields of `Reading`, which are removed from `keywords`, in place of what `reading` says."""
    if reading is not None and not isinstance(reading, Reading):
        raise UsageError(f"reading: expected a verifier.Reading, got {type(reading).__name__}")
    return taken(Reading, keywords, Reading() if reading is None else reading)
