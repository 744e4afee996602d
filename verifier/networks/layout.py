"""Which tensor of a state dict is which layer: names and shapes only, no values.

Rules, in this order. Weights are the 2-D tensors, in PyTorch's orientation (outputs, inputs); a bias belongs to the weight with
the same stem (`fc1.weight`/`fc1.bias`, `W1`/`b1`, `weights.0`/`biases.0`).

1. `layout` given: it lists the weight keys in order, each alone or as `weight+bias`, and decides.
2. Names that differ in their numbers only (`0.weight 2.weight`, `net.fc1.weight net.fc2.weight`): the numbers order them, and the
   shapes must chain in that order.
3. Other names: exactly one order must chain by shape and respect the numbers of names alike.

Everything else is refused, and so is every tensor left over: a network that is not the one that was trained is the worst outcome.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from verifier.errors import CheckpointError
from verifier.networks.foreign_layers import Shape, one_dimensional, refuse_foreign
from verifier.numbers import plural

_ROLE = re.compile(r"(?P<stem>(?:.*[._])?)(?P<role>weights?|bias(?:es)?|[WwBb])(?P<tail>[._]?[0-9]*)")

_SEARCH_STEPS = 20_000  # chain search gives up, as ambiguous, long before it becomes slow


@dataclass(frozen=True)
class Layout:
    """Keys of the layers in order; `biases[l]` is None where layer l has none. `how` says what decided."""

    weights: tuple[str, ...]
    biases: tuple[str | None, ...]
    how: str

    @property
    def description(self) -> str:
        """For a reader: `0.weight+0.bias, 2.weight (ordered by number)`; the part before the bracket is a valid `layout`."""
        keys = ", ".join(w if b is None else f"{w}+{b}" for w, b in zip(self.weights, self.biases))
        return f"{keys} ({self.how})"


def find_layout(shapes: Mapping[str, Shape], layout: str | Sequence[str] | None, who: str) -> Layout:
    """Decide which keys are the weights and biases of layers 1..L.

    shapes: every tensor of the state dict, key to shape.
    layout: weight keys in order, as a list or separated by commas, each `weight` or `weight+bias`; None to decide by the rules above.
    who: how error messages name the source, e.g. the file's path.

    Raises CheckpointError, naming the keys, for foreign layers, left-over tensors, shapes that do not chain, an ambiguous order, or a
    network without a hidden layer.
    """
    if not shapes:
        raise CheckpointError(
            f"{who}: holds no tensors; expected the weights and biases of a network, as in model.state_dict()"
        )
    refuse_foreign(shapes, who)
    matrices, biases = _pair(shapes, who, given=layout is not None)
    if layout is not None:
        weights, chosen = _explicit(shapes, layout, biases, who)
        how = "order given"
    else:
        weights, how = _order(matrices, shapes, who)
        chosen = [biases.get(w) for w in weights]
    if not weights:
        raise CheckpointError(
            f"{who}: found no weight matrix among {_show(list(shapes), shapes)}; expected at least two"
        )
    if len(weights) < 2:
        raise CheckpointError(
            f"{who}: found one weight matrix, {_show(weights, shapes)}; expected at least two, since a network without hidden layer is linear"
        )
    left = [key for key in shapes if key not in {*weights, *chosen}]
    if left:
        raise CheckpointError(
            f"{who}: left-over tensors {_show(left, shapes)} beside the layers {', '.join(weights)}; every tensor must have a place "
            '(name each bias like its weight, or give --layout "weight1+bias1,weight2+bias2"); what is no part of the network is left out '
            f"with --ignore {','.join(left)}"
        )
    problem = _chain_problem(weights, shapes)
    if problem:
        raise CheckpointError(f"{who}: {problem}{_advice(weights, shapes, how)}")
    for weight, bias in zip(weights, chosen):
        if bias is not None and shapes[bias] != shapes[weight][:1]:
            raise CheckpointError(
                f"{who}: {_show([bias], shapes)} does not fit {_show([weight], shapes)}; expected a bias of shape ({shapes[weight][0]},), one per output"
            )
    return Layout(tuple(weights), tuple(chosen), how)


def _show(keys: Sequence[str], shapes: Mapping[str, Shape], limit: int = 8) -> str:
    text = ", ".join(f"{key} {shapes[key]}" for key in keys[:limit])
    return text if len(keys) <= limit else f"{text} and {len(keys) - limit} more"


def _parse(key: str) -> tuple[str, str] | None:
    """(stem with number, "weight" or "bias"), or None for a name that says neither."""
    match = _ROLE.fullmatch(key)
    if match is None:
        return None
    role = "bias" if match["role"][0] in "bB" else "weight"
    return f"{match['stem']}#{match['tail'].strip('._')}", role


def _pair(shapes: Mapping[str, Shape], who: str, given: bool) -> tuple[list[str], dict[str, str]]:
    """Weight keys in file order, and each weight's bias found by stem."""
    matrices: list[str] = []
    by_stem: dict[str, list[str]] = {}
    bias_by_stem: dict[str, list[str]] = {}
    for key, shape in shapes.items():
        parsed = _parse(key)
        if len(shape) == 2 and 0 in shape:
            raise CheckpointError(f"{who}: {key} is empty, shape {shape}")
        if parsed is not None and parsed[1] == "bias" and len(shape) == 1:
            bias_by_stem.setdefault(parsed[0], []).append(key)
        elif len(shape) == 2:
            matrices.append(key)
            if parsed is not None and parsed[1] == "weight":
                by_stem.setdefault(parsed[0], []).append(key)
        elif len(shape) == 1 and parsed is not None:
            raise CheckpointError(
                f"{who}: {key} is a 1-D weight, shape {shape}, {one_dimensional(key, shapes)}; if it is the last layer of a one-output network, reshape it to "
                f"(1, inputs); if it is no part of the network, such as the weight of a loss (which F does not use), leave it out: --ignore {key}"
            )
    for key in matrices if not given else ():
        parsed = _parse(key)
        if parsed is not None and parsed[1] == "bias" and parsed[0] in by_stem:
            raise CheckpointError(
                f"{who}: {key} is named a bias but is a matrix, shape {shapes[key]}; expected shape (outputs,). "
                'If it is a weight, say so with --layout "key1,key2"; if it is a bias, flatten it'
            )
    biases = {}
    for stem, keys in bias_by_stem.items():
        owners = by_stem.get(stem, [])
        if len(owners) == 1 and len(keys) == 1:
            biases[owners[0]] = keys[0]
        elif owners and not given:
            raise CheckpointError(
                f"{who}: cannot tell which of the biases {', '.join(keys)} belongs to which of the weights {', '.join(owners)}; "
                'say so with --layout "weight1+bias1,weight2+bias2"'
            )
    return matrices, biases


def _explicit(
    shapes: Mapping[str, Shape], layout: str | Sequence[str], biases: Mapping[str, str], who: str
) -> tuple[list[str], list[str | None]]:
    items = [item.strip() for item in (layout.split(",") if isinstance(layout, str) else layout)]
    weights: list[str] = []
    chosen: list[str | None] = []
    for item in items:
        weight, plus, bias = (part.strip() for part in item.partition("+"))
        for key, dimensions in ((weight, 2), (bias, 1)) if plus else ((weight, 2),):
            if key not in shapes:
                raise CheckpointError(
                    f"{who}: the layout names {key!r}, which is not there; the keys are {', '.join(shapes)}"
                )
            if len(shapes[key]) != dimensions:
                raise CheckpointError(
                    f"{who}: the layout wants {key} as a {'weight' if dimensions == 2 else 'bias'}, but its shape is {shapes[key]}"
                )
        weights.append(weight)
        chosen.append(bias if plus else biases.get(weight))
    named = [*weights, *(b for b in chosen if b is not None)]
    twice = sorted({key for key in named if named.count(key) > 1})
    if twice:
        raise CheckpointError(f"{who}: the layout uses {', '.join(twice)} more than once")
    return weights, chosen


Numbers = tuple[tuple[int, str], ...]


def _numbers(key: str) -> tuple[str, Numbers]:
    """The name with its numbers blanked, and the numbers as (length, digits): in integer order, without a limit on their length."""
    parsed = _parse(key)
    name = key if parsed is None else parsed[0]
    digits = [n.lstrip("0") for n in re.findall("[0-9]+", name)]
    return re.sub("[0-9]+", "0", name), tuple((len(n), n) for n in digits)


def _order(matrices: list[str], shapes: Mapping[str, Shape], who: str) -> tuple[list[str], str]:
    if len(matrices) < 2:
        return matrices, "one matrix"
    templates = {key: _numbers(key) for key in matrices}
    numbers = {numbers for _, numbers in templates.values()}
    if len({template for template, _ in templates.values()}) == 1 and len(numbers) == len(matrices):
        return sorted(matrices, key=lambda key: templates[key][1]), "ordered by number"

    found: list[list[str]] = []
    against: list[str] | None = None
    for chain in _chains(matrices, shapes):
        if chain is None:
            raise CheckpointError(
                f'{who}: too many ways to order {_show(matrices, shapes)}; give the order with --layout "key1,key2"'
            )
        if _respects(chain, templates):
            found.append(chain)
            if len(found) == 3:
                break
        else:
            against = against or chain
    if len(found) == 1:
        return found[0], "the only order that chains"
    if found:
        orders = " or ".join(f'"{",".join(chain)}"' for chain in found)
        raise CheckpointError(
            f"{who}: the order of the layers is ambiguous: the shapes chain as {orders}; say which with --layout"
        )
    if against:
        raise CheckpointError(
            f"{who}: the shapes chain as {', '.join(against)}, but only against the numbers in the names; "
            f'if that is the order of the layers, say so with --layout "{",".join(against)}"'
        )
    raise CheckpointError(
        f"{who}: no order of {_show(matrices, shapes)} chains: the inputs of each layer must be the outputs of the one before. "
        "Weights are (outputs, inputs) as in PyTorch; transposed storage is not guessed. Leave out what is no layer with --ignore NAME"
    )


def _respects(chain: Sequence[str], templates: Mapping[str, tuple[str, Numbers]]) -> bool:
    last: dict[str, Numbers] = {}
    for key in chain:
        template, numbers = templates[key]
        if numbers and last.get(template, ()) > numbers:
            return False
        last[template] = numbers
    return True


def _chains(matrices: list[str], shapes: Mapping[str, Shape]) -> Iterator[list[str] | None]:
    """All orders in which the shapes chain, in file order; None once when the search is too large to finish."""
    steps = 0
    stack: list[list[str]] = [[key] for key in reversed(matrices)]
    while stack:
        steps += 1
        if steps > _SEARCH_STEPS:
            yield None
            return
        chain = stack.pop()
        if len(chain) == len(matrices):
            yield chain
            continue
        outputs = shapes[chain[-1]][0]
        stack.extend([*chain, key] for key in reversed(matrices) if key not in chain and shapes[key][1] == outputs)


def _chain_problem(weights: Sequence[str], shapes: Mapping[str, Shape]) -> str | None:
    for before, after in pairwise(weights):
        if shapes[after][1] != shapes[before][0]:
            return (
                f"the shapes do not chain: {after} {shapes[after]} takes {plural(shapes[after][1], 'input')}, "
                f"but {before} {shapes[before]} before it has {plural(shapes[before][0], 'output')}"
            )
    return None


def _advice(weights: Sequence[str], shapes: Mapping[str, Shape], how: str) -> str:
    """What the user can do about shapes that do not chain: an order that would, and whether transposition would."""
    advice = ""
    other = next(_chains(list(weights), shapes), None)
    if other is not None and how == "ordered by number":
        advice += f'. If the order by number is not the order of the layers, give it: --layout "{",".join(other)}" would chain'
    turned = {key: (shapes[key][1], shapes[key][0]) for key in weights}
    if _chain_problem(weights, turned) is None:
        advice += ". If the file stores them transposed (they would chain), transpose them to (outputs, inputs): transposed storage is not guessed"
    return advice
