"""`--model module:factory`: the torch module that a state dict belongs to, built by a function that the user names."""

from __future__ import annotations

import importlib
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from verifier.errors import CheckpointError, UsageError
from verifier.networks.tensors import MAX_PARAMETERS, StoredTensor
from verifier.numbers import plural, show_up


@dataclass(frozen=True)
class Witness:
    """On how many random samples a module's own outputs were compared, and the largest difference, relative to 1 + the largest output."""

    samples: int
    difference: float

    def __str__(self) -> str:
        return f"agrees with torch on {plural(self.samples, 'random sample')} to {show_up(self.difference, 2)}"


@dataclass(frozen=True)
class ModelFactory:
    """name: as `module:factory`. file: that was imported. witness: of the module with the checkpoint's numbers."""

    name: str
    file: str
    witness: Witness


def built(model: str | Callable[[], Any] | None) -> tuple[Any, str, str]:
    """(torch module, name, file): what the factory gives, called without arguments. One that is named is imported, from the working directory first.

    This runs the user's code: it is done only where the user names it, and said. Raises UsageError.
    """
    import torch

    module, name, file = _imported(model) if isinstance(model, str) else _called(model)
    if not isinstance(module, torch.nn.Module):
        raise UsageError(
            f"model {name}: gave {type(module).__name__}; expected a torch.nn.Module, built as it was for training"
        )
    return module, name, file


def _imported(model: str) -> tuple[Any, str, str]:
    name, _, factory = model.partition(":")
    if not name or not factory:
        raise UsageError(f"--model {model!r}: expected MODULE:FACTORY, e.g. nets:make for the function make in nets.py")
    import torch

    here = os.getcwd()
    sys.path.insert(0, here)
    try:
        found = importlib.import_module(name)
        file = getattr(found, "__file__", None) or name
        for part in factory.split("."):
            found = getattr(found, part)
        return found() if callable(found) and not isinstance(found, torch.nn.Module) else found, model, str(file)
    except (Exception, SystemExit) as error:  # the user's code; a script that ends the program would end this one
        raise UsageError(f"--model {model}: {_what_failed(error, name, here)}") from error
    finally:
        if here in sys.path:
            sys.path.remove(here)


def _called(factory: Any) -> tuple[Any, str, str]:
    name = f"{getattr(factory, '__module__', '?')}:{getattr(factory, '__qualname__', type(factory).__name__)}"
    file = getattr(sys.modules.get(getattr(factory, "__module__", "")), "__file__", None)
    try:
        return factory(), name, str(file or "this Python session")
    except Exception as error:  # the user's code
        raise UsageError(
            f"model {name}: was called without arguments, and failed ({type(error).__name__}: {error}); hand over a function that needs none, "
            "such as lambda: Net(width=8)"
        ) from error


def _what_failed(error: BaseException, name: str, here: str) -> str:
    """In words, for the user whose code it is."""
    if isinstance(error, ModuleNotFoundError) and error.name is not None and (name + ".").startswith(error.name + "."):
        meant = f"; {name} is a file's name: leave the .py out" if name.endswith(".py") else ""
        return f"Python finds no module {error.name}, looked for in {here} first; expected MODULE:FACTORY, e.g. nets:make for make in nets.py{meant}"
    if isinstance(error, SystemExit):
        return (
            f"the module or the function ended the program (SystemExit: {error}), as scripts do that train; put the function in a module of its own, "
            "or what trains under if __name__ == '__main__'"
        )
    return f"was found, and failed ({type(error).__name__}: {error}); it must work when it is imported and called without arguments"


def loaded(module: Any, tensors: Mapping[str, StoredTensor], prefix: str, who: str) -> Any:
    """The module in double precision with a checkpoint's numbers, exactly; each of them has its place there. prefix: that all names may have in common.

    Raises CheckpointError for names and shapes that are not the module's, and for what is no finite number of a floating type.
    """
    import torch

    module = module.double().eval()
    expected = {k: tuple(v.shape) for k, v in module.state_dict().items() if v.is_floating_point()}
    # Counters, such as those of batch normalisation, are no parameters.
    state = {key: tensor for key, tensor in tensors.items() if tensor.floating or tensor.shape}
    if not any(key in expected for key in state):
        state = {key.removeprefix(prefix): tensor for key, tensor in state.items()}
    missing, left = sorted(expected.keys() - state.keys()), sorted(state.keys() - expected.keys())
    if missing or left:
        parts = [_few("the model lacks", left), _few("the file lacks", missing)]
        raise CheckpointError(
            f"{who}: is no state dict of this model: {'; '.join(p for p in parts if p)}; name the function that builds the model that was trained"
        )
    wrong = [k for k, shape in expected.items() if state[k].shape != shape]
    if wrong:
        raise CheckpointError(
            f"{who}: {wrong[0]} has shape {state[wrong[0]].shape}, in the model {expected[wrong[0]]}; name the function that builds the model that was trained"
        )
    total = sum(math.prod(shape) for shape in expected.values())
    if total > MAX_PARAMETERS:
        raise CheckpointError(f"{who}: holds {total} parameters; at most {MAX_PARAMETERS} are read")
    arrays = {key: torch.from_numpy(_finite(tensor, f"{who}: {key}")) for key, tensor in state.items()}
    module.load_state_dict(arrays, strict=False)
    return module


def _finite(tensor: StoredTensor, what: str) -> np.ndarray:
    if tensor.problem is not None:
        raise CheckpointError(f"{what} {tensor.problem}")
    with np.errstate(invalid="ignore"):  # widening a signalling NaN would warn; it is refused here
        array = np.ascontiguousarray(tensor.read())
    if not np.isfinite(array).all():
        raise CheckpointError(f"{what} holds NaN or infinity; the training diverged or the file is damaged")
    return array if array.flags.writeable else array.copy()


def _few(words: str, names: Sequence[str]) -> str:
    """Some of the names; "" where there are none."""
    if not names:
        return ""
    return f"{words} {', '.join(names[:6])}{f' and {len(names) - 6} more' if len(names) > 6 else ''}"
