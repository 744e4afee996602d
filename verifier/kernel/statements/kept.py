"""Which layers a claim's paths keep as they are in A and B: the words of `output_layer` (docs/mathematics.md, section 8)."""

from __future__ import annotations

# What paths may move besides the rows of the last hidden layer: all other parameters ("trained"), those but the output layer, or, with several hidden
# layers, the output layer alone, or nothing.
ABOVE = " above frozen layers"
OUTPUT_LAYERS = ("trained", "frozen", "trained" + ABOVE, "frozen" + ABOVE)


def kept_word(output_layer: str, hidden_layers: str) -> str:
    """The word for an output layer, and hidden layers below the last one, that are "trained" or "frozen"."""
    return output_layer + (ABOVE if hidden_layers == "frozen" else "")


def keeps_output(output_layer: str) -> bool:
    return output_layer.startswith("frozen")


def keeps_below(output_layer: str) -> bool:
    """Whether all hidden layers below the last one are kept."""
    return output_layer.endswith(ABOVE)


def kept_layers(output_layer: str) -> str:
    """In words; nothing where all layers move."""
    kept = ["the hidden layers below the last one"] * keeps_below(output_layer) + ["the output layer"] * keeps_output(
        output_layer
    )
    return " and ".join(kept)
