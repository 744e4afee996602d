"""Sample weights of a data set, decided once: those of the source or the caller, times those of the classes.

`F` is the weighted mean, `sum_j w_j loss_j / sum_j w_j`: only ratios of weights matter. torch's `CrossEntropyLoss(weight=...)` with its reduction "mean"
is this number exactly; its `BCEWithLogitsLoss(pos_weight=p)` divides by N instead of by `sum_j w_j` (docs/weights.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from verifier.data.dataset import Dataset
from verifier.data.targets import target_words
from verifier.errors import UsageError
from verifier.numbers import plural

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Weighting:
    """What the caller asks for. weights: (N,) numbers >= 0, one per sample of the prepared data set, or None.

    class_weight: "balanced" (N / (classes * samples of the class)), a mapping from labels as the source calls them, or from class numbers, to numbers
    >= 0 (1 for those left out), or one number per class in the order of the outputs. pos_weight: of the samples of class 1 under the logistic loss.
    """

    weights: Any = None
    class_weight: Any = None
    pos_weight: float | None = None

    @property
    def asked(self) -> bool:
        return any(x is not None for x in (self.weights, self.class_weight, self.pos_weight))


# No more weights than the data set has.
AS_GIVEN = Weighting()


def as_weights(values: Any, samples: int, who: str) -> Array:
    """(N,) float64 numbers, finite, >= 0 and not all 0. Raises UsageError."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{who}: cannot be read as numbers ({error}); expected one number >= 0 per sample") from error
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.shape != (samples,):
        raise UsageError(
            f"{who}: has shape {array.shape}, the data set has {plural(samples, 'sample')}; expected one weight per sample"
        )
    if not np.isfinite(array).all() or (array < 0).any():
        bad = int(np.flatnonzero(~(np.isfinite(array) & (array >= 0)))[0])
        raise UsageError(f"{who}: sample {bad + 1} has weight {array[bad]}; expected finite numbers >= 0")
    if not array.any():
        raise UsageError(f"{who}: all are 0, so that F is the mean of nothing")
    return array


def weighed(dataset: Dataset, loss: str, asked: Weighting) -> Dataset:
    """The data set with its final weights: what it holds already, times what is asked for.

    Samples of weight 0 are left out, as F does not depend on them; weights that are all equal are none, as F is then the plain mean. The recipe says
    what was done. dataset: as its targets are fitted to loss and outputs. Raises UsageError for weights that do not fit it.
    """
    words: list[str] = []
    if asked.weights is not None:
        if dataset.weights is not None:
            raise UsageError(
                "weights and sample_weight: the data set has sample weights already; give them once, multiplied"
            )
        dataset = replace(dataset, weights=as_weights(asked.weights, dataset.samples, "weights"))
    if dataset.weights is not None and "sample weights" not in dataset.recipe:
        words.append("one weight per sample")
    dataset = _without_zeros(dataset, words)
    factors = _class_factors(dataset, loss, asked, words)
    if factors is not None:
        given = np.ones(dataset.samples) if dataset.weights is None else dataset.weights
        final = as_weights(_product(given, factors[dataset.y]), dataset.samples, "sample weights times class weights")
        dataset = replace(dataset, weights=final)
        dataset = _without_zeros(dataset, words)
    w = dataset.weights
    if w is None:
        return dataset
    if (w == w[0]).all():
        words.append("all are equal, so this is the plain mean")
        dataset = replace(dataset, weights=None)
    elif words:
        words.append(
            f"F is the weighted mean, the weights divided by their sum; they lie between {float(w.min()):g} and {float(w.max()):g}"
        )
    if not words:
        return dataset
    about = {"sample weights": f"sample weights: {'; '.join(words)}", "targets": target_words(dataset)}
    return replace(dataset, recipe={**dataset.recipe, **about})


def _product(a: Array, b: Array) -> Array:
    """Entrywise; a product that leaves float64 would turn a weight into 0 or infinity."""
    with np.errstate(over="ignore", under="ignore"):
        out = a * b
    if not np.isfinite(out).all() or ((out == 0) & (a > 0) & (b > 0)).any():
        raise UsageError("sample weights times class weights leave float64; scale one of them")
    return out


def _without_zeros(dataset: Dataset, words: list[str]) -> Dataset:
    w = dataset.weights
    if w is None or (w > 0).all():
        return dataset
    kept = w > 0
    words.append(f"{int((~kept).sum())} of {len(w)} samples have weight 0 and are left out")
    # Classes keep their numbers, so that they keep their outputs.
    return replace(dataset, X=dataset.X[kept], y=dataset.y[kept], weights=w[kept])


def _class_factors(dataset: Dataset, loss: str, asked: Weighting, words: list[str]) -> Array | None:
    """A factor per class number, or None."""
    if asked.pos_weight is not None:
        return _positive(dataset, loss, asked, words)
    if asked.class_weight is None:
        return None
    if dataset.task == "regression":
        raise UsageError(
            f"class_weight: with loss {loss} the targets of data {dataset.name} are numbers, which have no classes; use sample weights"
        )
    classes = max(dataset.classes or 0, int(dataset.y.max()) + 1)
    names = list(dataset.labels or range(classes))
    wanted = parse_class_weight(asked.class_weight) if isinstance(asked.class_weight, str) else asked.class_weight
    if isinstance(wanted, str):
        counts = np.bincount(dataset.y, minlength=classes)
        factors = np.where(counts > 0, dataset.samples / ((counts > 0).sum() * np.maximum(counts, 1)), 1.0)
        words.append("balanced classes")
        return factors
    if isinstance(wanted, Mapping):
        factors, seen = np.ones(classes), set()
        for label, value in wanted.items():
            k = _class_of(label, names)
            if k in seen:
                raise UsageError(
                    f"class_weight: {label!r} is the class {names[k]!r}, which has a weight already; give one per class"
                )
            seen.add(k)
            factors[k] = _number(f"class_weight of {label!r}", value)
    else:
        listed = np.atleast_1d(np.asarray(wanted)).tolist()
        if len(listed) != classes:
            raise UsageError(
                f"class_weight: {len(listed)} numbers for {plural(classes, 'class', 'classes')} ({', '.join(map(repr, names[:12]))}); "
                "expected one per class, or a mapping"
            )
        factors = np.array([_number("class_weight", value) for value in listed])
    words.append("classes weighted " + ", ".join(f"{n!r}: {w:g}" for n, w in zip(names, factors)))
    return factors


def _positive(dataset: Dataset, loss: str, asked: Weighting, words: list[str]) -> Array:
    if asked.class_weight is not None:
        raise UsageError("pos_weight and class_weight both weigh the classes; give one of them")
    if loss != "logistic" or dataset.task != "binary":
        raise UsageError(
            f"pos_weight belongs to the logistic loss of two classes, but the loss is {loss}; weigh classes with class_weight"
        )
    p = _number("pos_weight", asked.pos_weight)
    mass = float(np.where(dataset.y == 1, p, 1.0).mean())
    words.append(
        f"samples of class 1 count {p:g} times; torch's BCEWithLogitsLoss(pos_weight={p:g}) is this loss times {mass:.6g}"
        if dataset.weights is None
        else f"samples of class 1 count {p:g} times"
    )
    return np.array([1.0, p])


def _class_of(label: Any, names: list[Any]) -> int:
    """A label as it is, or as the command line writes it."""
    found = [k for k, n in enumerate(names) if n == label or str(n) == str(label) or _same_number(n, label)]
    if len(found) != 1:
        raise UsageError(f"class_weight: {label!r} is none of the labels {', '.join(map(repr, names[:12]))}")
    return found[0]


def _same_number(a: Any, b: Any) -> bool:
    try:
        return float(a) == float(b)
    except (TypeError, ValueError):
        return False


def _number(what: str, value: Any) -> float:
    try:
        x = float(value)
    except (TypeError, ValueError):
        raise UsageError(f"{what}: expected a number >= 0, got {value!r}") from None
    if not (np.isfinite(x) and x >= 0):
        raise UsageError(f"{what}: expected a finite number >= 0, got {value!r}")
    return x


def parse_class_weight(text: str) -> str | dict[str, float]:
    """`balanced`, or `label=w,label=w`, as a command line gives it. Raises UsageError."""
    if text.strip() == "balanced":
        return "balanced"
    out: dict[str, float] = {}
    for item in text.split(","):
        label, equals, value = item.rpartition("=")
        label = label.strip()
        if not equals or not label or label in out:
            raise UsageError(
                f"class_weight {text!r}: expected balanced, or each label once with its weight, as in 0=1,1=2.5; got {item!r}"
            )
        out[label] = _number(f"class_weight of {label}", value)
    return out


def require_unweighted(dataset: Dataset, who: str) -> None:
    """Refuse sample weights where they would change nothing. Raises UsageError."""
    if dataset.weights is not None:
        raise UsageError(
            f"{who}: takes the plain mean over samples, and the data set has sample weights; leave them out"
        )
