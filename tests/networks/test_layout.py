"""Which key is which layer: decided by names and shapes, refused when they leave a doubt."""

import re

import pytest

from verifier.errors import CheckpointError
from verifier.networks.layout import find_layout


def weights(shapes, layout=None):
    return find_layout(shapes, layout, "net").weights


@pytest.mark.parametrize(
    ("shapes", "expected_weights", "expected_biases"),
    [
        (
            {"0.weight": (5, 3), "0.bias": (5,), "2.weight": (2, 5), "2.bias": (2,)},
            ("0.weight", "2.weight"),
            ("0.bias", "2.bias"),
        ),
        ({"0.weight": (5, 3), "2.weight": (2, 5)}, ("0.weight", "2.weight"), (None, None)),
        (
            {"fc2.weight": (2, 5), "fc1.weight": (5, 3), "fc1.bias": (5,)},
            ("fc1.weight", "fc2.weight"),
            ("fc1.bias", None),
        ),
        ({"W1": (5, 3), "b1": (5,), "W2": (2, 5), "b2": (2,)}, ("W1", "W2"), ("b1", "b2")),
        ({"fc1_w": (5, 3), "fc1_b": (5,), "fc2_w": (2, 5)}, ("fc1_w", "fc2_w"), ("fc1_b", None)),
        ({"weights.0": (5, 3), "weights.1": (2, 5), "biases.1": (2,)}, ("weights.0", "weights.1"), (None, "biases.1")),
        ({"weight1": (5, 3), "weight2": (2, 5), "bias1": (5,)}, ("weight1", "weight2"), ("bias1", None)),
        (
            {"out.weight": (2, 5), "hid.weight": (5, 3), "hid.bias": (5,)},
            ("hid.weight", "out.weight"),
            ("hid.bias", None),
        ),
        # ten comes after nine, as numbers and not as text
        ({f"{i}.weight": (4, 4) for i in (10, 9, 2)}, ("2.weight", "9.weight", "10.weight"), (None,) * 3),
        # names that do not order themselves, with a numbered part whose numbers are respected
        (
            {"out.weight": (1, 4), "fc2.weight": (4, 4), "fc1.weight": (4, 4), "in.weight": (4, 7)},
            ("in.weight", "fc1.weight", "fc2.weight", "out.weight"),
            (None,) * 4,
        ),
        ({"A": (5, 3), "B": (2, 5)}, ("A", "B"), (None, None)),
    ],
)
def test_layers_are_found(shapes, expected_weights, expected_biases):
    found = find_layout(shapes, None, "net")
    assert (found.weights, found.biases) == (expected_weights, expected_biases)


@pytest.mark.parametrize(
    ("shapes", "text"),
    [
        ({}, "net: holds no tensors"),
        ({"0.weight": (5, 3)}, r"found one weight matrix, 0.weight \(5, 3\); expected at least two"),
        ({"0.bias": (5,)}, "no weight matrix"),
        (
            {"0.weight": (5, 3), "2.weight": (2, 4)},
            r"2.weight \(2, 4\) takes 4 inputs, but 0.weight \(5, 3\) before it has 5",
        ),
        (
            {"0.weight": (5, 3), "2.weight": (2, 5), "2.bias": (5,)},
            r"2.bias \(5,\) does not fit 2.weight .* expected a bias of shape \(2,\)",
        ),
        (
            {"0.weight": (5, 3), "2.weight": (2, 5), "scale": (7,)},
            r"left-over tensors scale \(7,\) beside the layers 0.weight, 2.weight",
        ),
        ({"0.weight": (5, 3), "2.weight": (2, 5), "t": ()}, r"left-over tensors t \(\)"),
        ({"0.weight": (5, 3), "1.weight": (5,), "2.weight": (2, 5)}, "1.weight is a 1-D weight, .* normalisation"),
        ({"0.weight": (5, 3), "1.running_mean": (5,), "2.weight": (2, 5)}, "batch-normalisation layer; fold it"),
        ({"0.weight": (5, 3), "1.num_batches_tracked": (), "2.weight": (2, 5)}, "batch-normalisation"),
        ({"conv.weight": (8, 1, 3, 3), "fc.weight": (10, 8)}, "4 dimensions .* convolution"),
        ({"conv.weight": (8, 1, 3), "fc.weight": (10, 8)}, "3 dimensions .* convolution"),
        (
            {"0.weight_g": (5, 1), "0.weight_v": (5, 3), "2.weight": (2, 5)},
            "under torch.nn.utils.weight_norm; .*remove_weight_norm",
        ),
        (
            {"0.parametrizations.weight.original0": (5, 3), "2.weight": (2, 5)},
            "under torch.nn.utils.parametrize .*remove_parametrizations",
        ),
        ({"rnn.weight_ih_l0": (5, 3), "rnn.weight_hh_l0": (5, 5)}, "recurrent layer"),
        ({"a.in_proj_weight": (9, 3), "fc.weight": (2, 3)}, "attention layer"),
        ({"fc1.lora_A": (2, 3), "fc1.lora_B": (5, 2)}, "low-rank adapter"),
        ({"Dense_0.kernel": (3, 5), "Dense_1.kernel": (5, 2)}, "Flax and Keras store transposed"),
        ({"0.weight": (5, 0), "2.weight": (2, 5)}, "0.weight is empty"),
        ({"b1": (1, 5), "W1": (5, 3), "W2": (2, 5)}, "b1 is named a bias but is a matrix"),
        (
            {"fc.w": (5, 3), "fc.weight": (2, 5), "fc.bias": (5,)},
            "cannot tell which of the biases fc.bias belongs to which",
        ),
        ({"x.weight": (5, 3), "y.weight": (4, 6)}, r"no order of x.weight \(5, 3\), y.weight \(4, 6\) chains"),
        (
            {"x.weight": (4, 4), "y.weight": (4, 4)},
            'chain as "x.weight,y.weight" or "y.weight,x.weight"; say which with --layout',
        ),
        ({f"{c}.weight": (4, 4) for c in "abcdefghijklmnop"}, "ambiguous"),
        (
            {f"{c}.weight": (4 + i, 4) for i, c in enumerate("abcdefghijklmnop")}
            | {f"{c}{c}.weight": (4, 4 + i) for i, c in enumerate("abcdefghijklmnop")},
            "ambiguous|too many ways",
        ),
        ({"fc1.weight": (2, 5), "fc2.weight": (5, 3)}, '--layout "fc2.weight,fc1.weight" would chain'),
        ({"fc1.weight": (3, 5), "fc2.weight": (5, 2)}, "transposed storage is not guessed"),
        ({"fc2.weight": (4, 3), "fc1.weight": (5, 4), "out.weight": (1, 5)}, "only against the numbers in the names"),
    ],
)
def test_doubt_is_refused(shapes, text):
    with pytest.raises(CheckpointError, match=text) as caught:
        find_layout(shapes, None, "net")
    assert caught.value.exit_code == 4
    assert str(caught.value).startswith("net: ")


def test_layout_decides():
    square = {"x.weight": (4, 4), "y.weight": (4, 4), "y.bias": (4,)}
    assert find_layout(square, "y.weight, x.weight", "net").biases == ("y.bias", None)
    assert weights(square, ["x.weight", "y.weight"]) == ("x.weight", "y.weight")
    odd = {"W": (5, 3), "b": (5,), "theta": (2, 5), "c": (2,)}
    assert find_layout(odd, "W,theta+c", "net").biases == ("b", "c")
    against = {"fc1.weight": (2, 5), "fc2.weight": (5, 3)}
    assert weights(against, "fc2.weight,fc1.weight") == ("fc2.weight", "fc1.weight")


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        ("x.weight,z.weight", "names 'z.weight', which is not there; the keys are x.weight, y.weight, y.bias"),
        ("x.weight", "found one weight matrix"),
        ("x.weight,x.weight", "uses x.weight more than once"),
        ("x.weight,y.bias", "wants y.bias as a weight"),
        ("x.weight+y.weight,y.weight", "wants y.weight as a bias"),
        ("x.weight+y.bias,y.weight", "uses y.bias more than once"),
        ("", "names ''"),
    ],
)
def test_wrong_layout_is_refused(layout, text):
    with pytest.raises(CheckpointError, match=text):
        find_layout({"x.weight": (4, 4), "y.weight": (4, 4), "y.bias": (4,)}, layout, "net")


def test_layout_must_use_every_tensor():
    with pytest.raises(CheckpointError, match=re.escape("left-over tensors z.weight (4, 4)")):
        find_layout({"x.weight": (4, 4), "y.weight": (4, 4), "z.weight": (4, 4)}, "x.weight,y.weight", "net")


def test_description_begins_with_a_layout():
    """What a certificate records can be given back as --layout."""
    shapes = {"0.weight": (5, 3), "2.weight": (2, 5), "2.bias": (2,)}
    found = find_layout(shapes, None, "net")
    again = find_layout(shapes, found.description.partition(" (")[0], "net")
    assert (again.weights, again.biases) == (found.weights, found.biases)
