"""Tensors of layers that are none of a fully connected ReLU network, and the way out for each; the tests follow it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from verifier.errors import CheckpointError

Shape = tuple[int, ...]

# Names that only layers other than plain fully connected ones have.
_FOREIGN = (
    (
        r"running_mean|running_var|num_batches_tracked",
        "a batch-normalisation layer",
        "fold it into the linear layer before it: with both in eval mode put torch.nn.utils.fusion.fuse_linear_bn_eval(linear, bn) in the layer's place and "
        "torch.nn.Identity() in its own, then save again (one that comes after a ReLU cannot be folded so)",
    ),
    (
        r"parametrizations\.",
        "a layer under torch.nn.utils.parametrize (weight_norm, spectral_norm, orthogonal)",
        "make its value plain with torch.nn.utils.parametrize.remove_parametrizations(layer, 'weight') for each such layer, then save again; "
        "or hand the module itself to verifier.certify",
    ),
    (
        r"weight_[gv]$",
        "a layer under torch.nn.utils.weight_norm",
        "make its weight plain with torch.nn.utils.remove_weight_norm(layer), then save again",
    ),
    (
        r"weight_u$",
        "a layer under torch.nn.utils.spectral_norm",
        "make its weight plain with torch.nn.utils.remove_spectral_norm(layer), then save again",
    ),
    (
        r"weight_orig$|_mask$",
        "a pruned layer (or one under torch.nn.utils.spectral_norm)",
        "make its weight plain with torch.nn.utils.prune.remove(layer, 'weight') (or torch.nn.utils.remove_spectral_norm(layer)), then save again",
    ),
    (r"weight_ih|weight_hh", "a recurrent layer", "only fully connected ReLU networks are supported"),
    (r"in_proj_|out_proj|self_attn", "an attention layer", "only fully connected ReLU networks are supported"),
    (r"(^|[._])lora_", "a low-rank adapter", "merge it into its layer, then save again"),
    (
        r"(^|[._])kernel[0-9]*$",
        "a kernel, which Flax and Keras store transposed as (inputs, outputs)",
        "transpose each kernel and name it `<layer>.weight`; transposed storage is not guessed",
    ),
)


def refuse_foreign(shapes: Mapping[str, Shape], who: str) -> None:
    """Raise CheckpointError for names and shapes that no fully connected layer has, with what to do about them."""
    for key, shape in shapes.items():
        for pattern, what, advice in _FOREIGN:
            if re.search(pattern, key):
                raise CheckpointError(f"{who}: {key} {shape} belongs to {what}; {advice}")
        if len(shape) >= 3:
            raise CheckpointError(
                f"{who}: {key} has {len(shape)} dimensions {shape}, as in a convolution; only fully connected ReLU networks (2-D weights) are supported"
            )


def one_dimensional(key: str, shapes: Mapping[str, Shape]) -> str:
    """What has a weight of one dimension, said of this one."""
    if f"{key.removesuffix('weight')}bias" in shapes and key.endswith("weight"):
        return (
            "with a bias, as in a LayerNorm: it divides by each sample's own spread, so that no fully connected ReLU network is the same function, and only a "
            "network trained without it can be certified"
        )
    return "as in a PReLU (supported is one slope, given by --negative-slope), a normalisation without bias (not supported), or the buffer of a loss"
