"""What `verifier.certify`, `verifier certify` and sweeps may be told besides networks, data and objective."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verifier.errors import UsageError
from verifier.options.declare import hinted, option, require_kinds
from verifier.options.reading import Reading

DSS_PRESETS = ("plain", "paper", "freeman-bruna")
LAYERS = ("trained", "frozen")
# Methods whose searches may be kept in a file and gone on with.
SEARCHES = ("exact", "cones")


@hinted
@dataclass(frozen=True, kw_only=True)
class CertifyOptions:
    """One value from the door to the constructions.

    Raises UsageError for numbers outside their range; names of methods and devices are judged by the run (`verifier.pipeline.constructions`).
    """

    level: float | None = option(
        help="also bound the gap over this value of F: does a path stay at or below it", sweep=True
    )
    method: str = option(
        "all",
        help="all (constructions until the gap over E is 0, then DSS), or some of the constructions, comma-separated",
    )
    exhaustive: bool = option(False, help="with method all: run every construction")
    string: Any = option(
        help="certify this .npz polyline (W1, b1, W2, b2 stacked over its vertices), or bezier:FILE or polychain:FILE, a checkpoint of a trained curve",
        metavar="FILE",
        kind=str,
    )
    polish: bool = option(False, help="first train both endpoints on towards stationarity", sweep=True)
    pad: bool = option(
        False, help="where hidden widths differ, add dead neurons to the narrower layers: the same function, exactly"
    )
    seed: int = option(0, help="of DSS and of Theorem 2's reference network", sweep=True)
    l: Any = option(
        help="Theorem 2: how many neurons theta* may have, some of 1 to m - 1, comma-separated (default: a grid)",
        metavar="L,L",
        kind=str,
        sweep=True,
    )
    alpha: Any = option(
        help="Theorem 2: angles in radians within which rows may turn or be merged, comma-separated (default: a grid)",
        metavar="ALPHA,ALPHA",
        kind=str,
        sweep=True,
    )
    dss_preset: str = option(
        "plain",
        help="settings of DSS: paper as Baturin 2026 samples one hidden layer, with rows of length 1; plain: the same search, any depth, rows as they are; "
        "freeman-bruna: the algorithm's first",
        choices=DSS_PRESETS,
        sweep=True,
    )
    estimate_seconds: float | None = option(
        help="CPU seconds for DSS (default: 4 times what the proof took, at least 10)", metavar="S"
    )
    tight: float = option(
        1e-4, help="cut chords until certified and sampled maximum agree to this factor", metavar="FACTOR", sweep=True
    )
    device: str = option("cpu", help="torch device of DSS")
    negative_slope: float | None = option(
        help="the networks' activation is Leaky ReLU max(z, A z), as PyTorch names it; unset: as recorded, else ReLU",
        metavar="A",
    )
    class_weight: Any = option(
        help="balanced, or a weight per label such as 0=1,1=2.5; in Python {label: weight} (others: 1)",
        metavar="WEIGHTS",
        kind=str,
        sweep=True,
    )
    pos_weight: float | None = option(help="logistic loss: weight of the samples of class 1", metavar="W", sweep=True)
    weights: Any = option(
        help="one number >= 0 per sample of the prepared data: F is the weighted mean of the losses (docs/weights.md)",
        python_only=True,
    )
    reading: Reading | None = option(
        help="how checkpoints are read, a `verifier.Reading`, where keywords below or a checkpoint's content do not say it",
        python_only=True,
    )
    data_options: Any = option(
        help="how data that are named are read: keywords of `verifier.load_data`", python_only=True
    )
    most_cells: int = option(200_000, help="of method exact: the most cells to visit", python_only=True)
    state: Any = option(
        help="of methods exact and cones: .npz file (cones: NAME-cones.npz) to which a search that stops early is saved, and from which the next run goes on",
        metavar="FILE",
        kind=str,
    )
    output_layer: str = option(
        "trained",
        help="frozen asks for paths that keep the output layer, which both networks must share; of method exact alone",
        choices=LAYERS,
        python_only=True,
    )
    hidden_layers: str = option(
        "trained",
        help="frozen asks for paths that keep all hidden layers below the last one, which both deep networks must share",
        choices=LAYERS,
    )
    progress: bool = option(False, help="bars on stderr", python_only=True)

    def state_file(self, method: str) -> Path | None:
        """Where the search of a method, one of SEARCHES, is kept: `state`, or beside it, as both may run for one pair. Either name is understood."""
        if self.state is None:
            return None
        given = Path(self.state)
        stem = given.stem.removesuffix(f"-{SEARCHES[1]}")
        return given.parent / f"{stem}{'' if method == SEARCHES[0] else f'-{method}'}{given.suffix}"

    def __post_init__(self) -> None:
        require_kinds(self)
        if self.pos_weight is not None and not 0.0 <= self.pos_weight < math.inf:
            raise UsageError(f"pos_weight: expected a finite number >= 0, got {self.pos_weight}")
        if self.level is not None:
            if not math.isfinite(self.level):
                raise UsageError(f"level must be a finite number, got {self.level}")
            object.__setattr__(self, "level", float(self.level))
        if not 0.0 < self.tight < float("inf"):
            raise UsageError(f"tight must be a positive number such as 1e-4, got {self.tight}")
        if self.estimate_seconds is not None and not self.estimate_seconds > 0.0:
            raise UsageError(
                f"estimate_seconds must be a positive number of CPU seconds, got {self.estimate_seconds}; "
                "name the methods, without dss, to have no estimate"
            )
        object.__setattr__(self, "l", _numbers("l", self.l, int))
        object.__setattr__(self, "alpha", _numbers("alpha", self.alpha, float))
        for name, allowed in (("dss_preset", DSS_PRESETS), ("output_layer", LAYERS), ("hidden_layers", LAYERS)):
            if getattr(self, name) not in allowed:
                raise UsageError(f"{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}")


def _numbers(name: str, value: Any, kind: type) -> tuple[Any, ...] | None:
    """A number, several, or text with commas between them, as a tuple. Raises UsageError."""
    if value is None:
        return None
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, (list, tuple)) else [value]
    try:
        found = tuple(kind(p) for p in parts)
    except (TypeError, ValueError):
        found = ()
    good = all(v >= 1 for v in found) if kind is int else all(0.0 <= v < math.pi / 2 for v in found)
    exact = all(isinstance(p, str) or p == v for p, v in zip(parts, found))
    if not found or not good or not exact or len(set(found)) < len(found):
        expected = "integers of at least 1" if kind is int else "angles in [0, pi/2)"
        raise UsageError(f"{name}: expected {expected}, each once and comma-separated, got {value!r}")
    return found
