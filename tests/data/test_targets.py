"""Labels are decided with loss and outputs, over all samples, alike for files and for arrays."""

import numpy as np
import pytest

from verifier.data import Dataset, load_data
from verifier.data.arrays import dataset_from
from verifier.data.targets import fitted, scale_words, target_words
from verifier.errors import DataError, UsageError


def both(tmp_path, y, **known):
    """The same targets through a file and through memory."""
    y = np.asarray(y)
    X = np.arange(2.0 * len(y)).reshape(-1, 2)
    np.savez(tmp_path / "a.npz", X=X, y=y)
    file, memory = load_data(str(tmp_path / "a.npz"), **known), dataset_from((X, y), **known)
    assert (file.task, file.labels) == (memory.task, memory.labels)
    assert file.sha256() == memory.sha256()
    return file


@pytest.mark.parametrize(
    ("y", "loss", "outputs", "expected", "labels"),
    [
        # how many outputs there are decides what 1, 2, 3 mean
        ([1, 2, 3, 1], "cross_entropy", 4, [1, 2, 3, 1], (0, 1, 2, 3)),
        ([1, 2, 3, 1], "cross_entropy", 3, [0, 1, 2, 0], (1, 2, 3)),
        ([1, 3, 3, 1], "cross_entropy", 3, [0, 2, 2, 0], (1, 2, 3)),
        ([1, 2, 2, 1], "cross_entropy", 3, [1, 2, 2, 1], (0, 1, 2)),
        ([0, 2, 2, 0], "cross_entropy", 3, [0, 2, 2, 0], (0, 1, 2)),
        ([0.0, 2.0, 1.0, 0.0], "cross-entropy", 3, [0, 2, 1, 0], (0, 1, 2)),
        ([-1, 1, 1, -1], "cross_entropy", 2, [0, 1, 1, 0], (-1, 1)),
        (["b", "a", "b", "c"], "cross_entropy", 3, [1, 0, 1, 2], ("a", "b", "c")),
        (["1", "2", "3", "1"], "cross_entropy", 4, [1, 2, 3, 1], (0, 1, 2, 3)),
        ([[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]], "cross_entropy", 3, [1, 0, 2, 1], (0, 1, 2)),
        ([0, 1, 1, 0], "squared", 2, [0, 1, 1, 0], (0, 1)),
        ([0, 1, 1, 0], "squared", 3, [0, 1, 1, 0], (0, 1, 2)),
        ([True, False, True, True], "logistic", 1, [1, 0, 1, 1], (0, 1)),
        ([-1.0, 1.0, 1.0, -1.0], "logistic", 1, [0, 1, 1, 0], (-1, 1)),
        ([0.0, 1.0, 1.0, 0.0], "hinge", 1, [0, 1, 1, 0], (0, 1)),
        ([[1], [0], [0], [1]], "logistic", 1, [1, 0, 0, 1], (0, 1)),
        ([2, 4, 4, 2], "logistic", 1, [0, 1, 1, 0], (2, 4)),
        ([1, 1, 1, 1], "logistic", 1, [1, 1, 1, 1], (0, 1)),
        ([0, 1, 1, 0], "squared", 1, [0, 1, 1, 0], (0, 1)),
        # losses of numbers compare with the numbers as they stand
        ([-1, 1, 1, -1], "squared", 1, [-1.0, 1.0, 1.0, -1.0], None),
        ([1, 2, 3, 1], "huber", 1, [1.0, 2.0, 3.0, 1.0], None),
        ([[0.5, 1.0]] * 4, "squared", 2, [[0.5, 1.0]] * 4, None),
    ],
)  # fmt: skip
def test_what_labels_mean(tmp_path, y, loss, outputs, expected, labels):
    dataset = both(tmp_path, y, loss=loss, outputs=outputs)
    assert dataset.y.tolist() == expected
    assert dataset.labels == labels
    assert dataset.classes == (None if labels is None else len(labels))


@pytest.mark.parametrize(
    ("y", "loss", "outputs", "kind", "text"),
    [
        ([0, 1, 2, 3, 4], "cross_entropy", 3, UsageError, r"label 3 \(first in sample 4\) has no output: .* the networks have 3 outputs"),
        ([5, 6, 7, 5], "cross_entropy", 3, UsageError, "label 5 .first in sample 1. has no output"),
        (["a", "b", "a"], "cross_entropy", 3, UsageError, "2 text labels .'a', 'b'., the networks have 3 outputs"),
        ([0, 1, 2], "logistic", 1, DataError, "3 distinct labels .* use --loss cross_entropy"),
        ([0.5, 1.0, 0.0], "cross_entropy", 2, DataError, "fractions, such as 0.5"),
        ([[0.5, 0.5], [1.0, 0.0]], "cross_entropy", 2, DataError, "give class numbers or one-hot rows"),
        ([[0.5, 1.0]] * 3, "squared", 1, UsageError, "has 2 targets per sample, the networks have 1 output"),
        ([0.5, 1.0, 0.0], "squared", 3, UsageError, "has 1 target per sample, the networks have 3 outputs"),
        (["a", "b", "c"], "squared", 1, DataError, "3 distinct labels"),
    ],
)  # fmt: skip
def test_what_does_not_fit(tmp_path, y, loss, outputs, kind, text):
    for read in (
        lambda: dataset_from((np.ones((len(y), 2)), y), loss=loss, outputs=outputs),
        lambda: both(tmp_path, y, loss=loss, outputs=outputs),
    ):
        with pytest.raises(kind, match=text):
            read()


def test_fitted_says_what_is_what():
    data = Dataset(np.ones((4, 2)), np.array([0, 2, 2, 0]), "mine", "multiclass")
    seen = fitted(data, "squared", 4)
    assert (seen.classes, seen.task) == (4, "multiclass")
    assert seen.recipe["targets"] == (
        "labels: 0 -> class 0 (2 samples), 1 -> class 1 (0 samples), 2 -> class 2 (2 samples), 3 -> class 3 (0 samples)"
    )
    assert seen.recipe["scale"].endswith("torch's mean, over outputs too, is this loss / 4")
    assert scale_words("cross_entropy", 4) is None
    assert scale_words("squared", 1) is None
    with pytest.raises(
        UsageError, match=r"class numbers go up to 2 \(first in sample 2\), the networks have 2 outputs"
    ):
        fitted(data, "squared", 2)
    with pytest.raises(
        UsageError, match="logistic loss is for networks with one output, these have 2; use --loss cross_entropy"
    ):
        fitted(data, "logistic", 2)
    numbers = Dataset(np.ones((2, 2)), np.array([[0.5, 1], [2, 3]]), "mine", "regression")
    assert target_words(numbers) == "targets: numbers from 0.5 to 3, 2 per sample"


@pytest.mark.parametrize(
    ("y", "loss", "outputs"),
    [
        ([1, 2, 3, 1], "cross_entropy", 4), ([1, 2, 3, 1], "cross_entropy", 3), ([1, 2, 3, 1], "squared", 4), ([1, 2, 3, 1], "squared", 1),
        ([-1, 1, 1, -1], "squared", 1), ([-1, 1, 1, -1], "logistic", 1), ([-1.0, 1.0, 1.0, -1.0], "logistic", 1), ([0.0, 1.0, 2.0, 0.0], "cross_entropy", 3),
        ([0.0, 1.0, 2.0, 0.0], "squared", 3), (["a", "b", "a", "b"], "squared", 1), (["a", "b", "a", "b"], "cross_entropy", 2), ([0, 1, 1, 0], "squared", 2),
        ([[0.0, 1.0], [1.0, 0.0]] * 2, "cross_entropy", 2), ([0.5, 1.0, 2.0, 0.0], "squared", 1),
    ],
)  # fmt: skip
def test_a_data_set_loaded_without_the_networks_is_the_one_loaded_with_them(tmp_path, y, loss, outputs):
    """Its numbering is undone: 1, 2, 3 that became 0, 1, 2 are the last three of four outputs again."""
    early = fitted(load_data_of(tmp_path, y), loss, outputs)
    late = fitted(load_data_of(tmp_path, y, loss=loss, outputs=outputs), loss, outputs)
    assert (early.task, early.labels, early.y.tolist()) == (late.task, late.labels, late.y.tolist())
    assert early.recipe["targets"] == late.recipe["targets"]


def test_a_part_of_the_samples_keeps_the_numbering_of_all(tmp_path):
    """Where class 3 falls out with the split, 1 and 2 are still the first two of three outputs."""
    y = [1] * 10 + [2] * 9 + [3]
    whole = load_data_of(tmp_path, y)
    split = Dataset(whole.X[:19], whole.y[:19], "part", whole.task, whole.recipe, labels=whole.labels)
    seen = fitted(split, "cross_entropy", 3)
    assert seen.labels == (1, 2, 3)
    assert seen.y.tolist() == [0] * 10 + [1] * 9
    with pytest.raises(UsageError, match=r"label 3 \(in a sample that is not used\) has no output"):
        fitted(Dataset(whole.X[:19], whole.y[:19], "part", whole.task, labels=(0, 1, 3)), "cross_entropy", 3)


def load_data_of(tmp_path, y, **known):
    np.savez(tmp_path / "a.npz", X=np.arange(2.0 * len(y)).reshape(-1, 2), y=np.asarray(y))
    return load_data(str(tmp_path / "a.npz"), **known)


OTHERS = [
    ([-1, 1], "binary"),
    ([0, 2], "binary"),
    ([-1, 0], "multiclass"),
    ([0.5, 1], "binary"),
    ([[0], [1]], "binary"),
]


@pytest.mark.parametrize(("y", "task"), OTHERS)
def test_a_callers_own_dataset_has_class_numbers(y, task):
    with pytest.raises(DataError, match=r"class numbers .* hand \(X, y\) over instead"):
        Dataset(np.ones((2, 1)), np.array(y), "mine", task)


def forms():
    """One data set in the forms users have, by name."""
    import pandas as pd
    import scipy.sparse as sp
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    X, y = np.array([[1.0, 2], [3, 4], [5, 6]]), np.array([0, 1, 1])
    tensors = TensorDataset(torch.tensor(X), torch.tensor(y))
    frame = pd.DataFrame(X, columns=["a", "b"])

    class Mine(torch.utils.data.Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, k):
            return X[k], int(y[k])

    return {
        "lists": (X.tolist(), y.tolist()), "column": (X, y[:, None]), "bool": (X, y == 1), "floats": (X, y.astype(float)), "signs": (X, 2 * y - 1),
        "text": (X, ["no", "yes", "yes"]), "objects": (X.astype(object), np.array(["no", "yes", "yes"], dtype=object)),
        "frame": (frame, pd.DataFrame({"y": y})), "series": (frame, pd.Series(y)), "categories": (frame, pd.Series(["no", "yes", "yes"], dtype="category")),
        "mixed frame": (pd.DataFrame({"a": [1, 3, 5], "b": [2.0, 4, 6]}), pd.Series(y)), "list of two": [X, y],
        "sparse": (sp.csr_matrix(X), y), "sparse array": (sp.csr_array(X), y), "tensors": (torch.tensor(X, requires_grad=True), torch.tensor(y)),
        "bfloat16": (torch.tensor(X).bfloat16(), torch.tensor(y)), "TensorDataset": tensors, "DataLoader": DataLoader(tensors, batch_size=2, shuffle=True),
        "map-style": Mine(), "loader of map-style": DataLoader(Mine()), "images": (X.reshape(3, 1, 2), y),
    }  # fmt: skip


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_form_is_the_same_data_set():
    found = {name: dataset_from(data, loss="logistic", outputs=1) for name, data in forms().items()}
    assert {name: d.sha256() for name, d in found.items()} == dict.fromkeys(found, found["lists"].sha256())
    assert found["text"].labels == ("no", "yes")
    assert found["signs"].labels == (-1, 1)


def test_what_is_no_data_is_a_usage_error():
    import pandas as pd
    import torch
    from torch.utils.data import (
        BatchSampler,
        DataLoader,
        RandomSampler,
        SequentialSampler,
        SubsetRandomSampler,
        TensorDataset,
    )

    X, y = np.ones((3, 2)), [0, 1, 1]

    class Endless(torch.utils.data.IterableDataset):
        def __iter__(self):
            yield X[0], 0

    class Augmented(torch.utils.data.Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, k):
            return np.random.default_rng().normal(size=2), 0

    tensors = TensorDataset(torch.ones(3, 2), torch.ones(3))
    for data, text in (
        (3, "got a int; expected a Dataset"),
        ((X, y, y), "a tuple of 3 objects; expected"),
        ((X, y[:2]), "X has 3 samples, y has shape"),
        ((X[0], y), r"X has shape .* hand over X.reshape\(-1, 1\)"),
        (({"a": 1}, y), "X holds object|cannot be read|X has shape"),
        (([[1, 2], [3]], y[:2]), "X cannot be read as an array"),
        ((pd.DataFrame({"a": [1, 2, 3], "b": ["u", "v", "w"]}), y), "X, column 'b' is text"),
        ((pd.DataFrame({"a": pd.to_datetime(["2020"] * 3)}), y), "X, column 'a' holds datetime64"),
        ((X, [0, None, 1]), "y cannot be read .*mixes NoneType, int"),
        ((X, [0, "a", 1.5]), "y cannot be read .*mixes float, int, str"),
        (TensorDataset(torch.ones(3, 2)), "a TensorDataset of 1 tensors"),
        (DataLoader(tensors, sampler=SubsetRandomSampler([0, 1])), "does not visit every sample once"),
        (DataLoader(tensors, batch_size=2, drop_last=True), "drop_last does not visit"),
        (
            DataLoader(tensors, batch_sampler=BatchSampler(SequentialSampler(tensors), 2, True)),
            "drop_last does not visit",
        ),
        (DataLoader(tensors, sampler=RandomSampler(tensors, replacement=True)), "with replacement, does not visit"),
        (DataLoader(tensors, sampler=RandomSampler(tensors, num_samples=2)), "draws 2 samples of 3"),
        (DataLoader(Endless()), "over an iterable data set"),
        ((np.ma.masked_equal(X, 1), y), "X has masked values"),
        (Augmented(), "other numbers when read twice"),
    ):
        with pytest.raises(UsageError, match=text):
            dataset_from(data, loss="logistic", outputs=1)
