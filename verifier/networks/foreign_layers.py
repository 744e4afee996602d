"""Tensors of layers that are none of a fully connected ReLU network, and the way out for each; the tests follow it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from verifier.errors import CheckpointError

Shape = tuple[int, ...]

# A scale of batch normalisation is divided by the root of a variance, which is no float: folding rounds, and is the user's to do.
_FOLDED = (
    "torch.nn.Identity() in its own. Folding rounds, so that the folded network, another one by 1e-15 in float64, is the one that is certified; one that comes "
    "after an activation cannot be folded so. A function that --model names must build the folded network, and the file hold its state dict"
)
FOLD_CONVOLUTION = (
    "fold it into the convolution before it: model.double().eval(), torch.nn.utils.fusion.fuse_conv_bn_eval(conv, bn) in that layer's place and "
    + _FOLDED
)
FOLD_LINEAR = (
    "fold it into the linear layer before it: model.double().eval(), torch.nn.utils.fusion.fuse_linear_bn_eval(linear, bn) in that layer's place and "
    + _FOLDED
)
# Last steps that belong to the loss, and the loss that takes the outputs before them.
OF_THE_LOSS = {
    "LogSoftmax": "loss='cross_entropy' (the same as NLLLoss after LogSoftmax)",
    "Softmax": "loss='cross_entropy' (minus the log of the probability)",
    "Sigmoid": "loss='logistic' (the same as BCELoss after Sigmoid)",
    "LogSigmoid": "loss='logistic'",
}

# Names that only layers other than plain fully connected ones have.
_FOREIGN = (
    (
        r"running_mean|running_var|num_batches_tracked",
        "a batch-normalisation layer",
        f"{FOLD_LINEAR}; then save again",
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
    maps = [key for key, shape in shapes.items() if len(shape) >= 3]
    if maps:
        normalised = any(re.search(r"running_(mean|var)$", key) for key in shapes)
        also = f"; and batch normalisation first: {FOLD_CONVOLUTION}" if normalised else ""
        raise CheckpointError(
            f"{who}: {maps[0]} has {len(shapes[maps[0]])} dimensions {shapes[maps[0]]}, as in a convolution. A state dict says nothing of stride, padding, "
            "pooling and the order of layers: name a function that builds the torch module with --model MODULE:FACTORY (it is imported and called; in Python "
            f"model=make_network), or hand the module itself to verifier.certify{also}"
        )
    for key, shape in shapes.items():
        for pattern, what, advice in _FOREIGN:
            if re.search(pattern, key):
                raise CheckpointError(f"{who}: {key} {shape} belongs to {what}; {advice}")


def one_dimensional(key: str, shapes: Mapping[str, Shape]) -> str:
    """What has a weight of one dimension, said of this one."""
    if f"{key.removesuffix('weight')}bias" in shapes and key.endswith("weight"):
        return (
            "with a bias, as in a LayerNorm: it divides by each sample's own spread, so that no fully connected ReLU network is the same function, and only a "
            "network trained without it can be certified"
        )
    return "as in a PReLU (supported is one slope, given by --negative-slope), a normalisation without bias (not supported), or the buffer of a loss"
