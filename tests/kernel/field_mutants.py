"""Every array of every claim, moves and writes included, emptied, truncated, of another type, permuted, all -1, negated, or copied from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

Rng = np.random.Generator


def operators(array: np.ndarray, rng: Rng, others: list[np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    """(name, mutant) of one array; others: arrays of other claims."""
    yield "empty", array[:0]
    yield "truncated", array[:-1]
    yield "doubled", np.concatenate([array, array])
    small = np.abs(array).max(initial=0) < 2**53
    with np.errstate(over="ignore"):
        yield "dtype", array.astype(np.float64 if array.dtype.kind == "i" else np.int64 if small else np.float32)
    yield "minus one", np.full_like(array, -1)
    yield "zeros", np.zeros_like(array)
    yield "negated", -array
    yield "permuted", array[rng.permutation(len(array))]
    if array.ndim == 2 and array.size:
        yield "columns permuted", array[:, rng.permutation(array.shape[1])]
        yield "a row repeated", array[rng.integers(len(array), size=len(array))]
        yield "columns cut", array[:, :-1]
    if array.size:
        one = array.copy().reshape(-1)
        one[int(rng.integers(one.size))] *= -1
        yield "one negated", one.reshape(array.shape)
        two = array.copy().reshape(-1)
        two[int(rng.integers(two.size))] = two[int(rng.integers(two.size))]
        yield "one copied", two.reshape(array.shape)
    fitting = [o for o in others if o.shape == array.shape and o.dtype == array.dtype] or others
    if fitting:
        yield "from another claim", fitting[int(rng.integers(len(fitting)))]


def places(value: Any) -> Iterator[tuple[tuple[Any, ...], np.ndarray]]:
    """(path of field names and positions, array) of every array inside a claim."""
    if isinstance(value, np.ndarray):
        yield (), value
    elif isinstance(value, tuple):
        for k, v in enumerate(value):
            yield from (((k, *rest), a) for rest, a in places(v))
    elif is_dataclass(value):
        for f in fields(value):
            yield from (((f.name, *rest), a) for rest, a in places(getattr(value, f.name)))


def put(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    """The claim with the array at `place` replaced."""
    if not place:
        return new
    head, rest = place[0], place[1:]
    if isinstance(value, tuple):
        return (*value[:head], put(value[head], rest, new), *value[head + 1 :])
    return replace(value, **{head: put(getattr(value, head), rest, new)})


def mutants(claim: Any, rng: Rng, others: list[np.ndarray]) -> Iterator[tuple[str, Any]]:
    """(name, mutant): every operator on every array; for claims of many moves a sample of the places."""
    found = list(places(claim))
    for k in rng.permutation(len(found))[:24].tolist():
        place, array = found[k]
        for name, new in operators(array, rng, others):
            yield f"{'.'.join(map(str, place))} {name}", put(claim, place, np.ascontiguousarray(new))
