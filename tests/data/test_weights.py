"""Sample weights of a data set: read, split, recorded, and put into one normal form."""

import numpy as np
import pytest

from verifier.data.dataset import Dataset
from verifier.data.load import data_record, load_data, load_recorded
from verifier.data.weights import Weighting, parse_class_weight, require_unweighted, weighed
from verifier.errors import DataError, UsageError

X, Y = np.arange(20.0).reshape(10, 2), np.array([0, 1] * 5)


def dataset(weights=None, y=Y, task="binary", labels=None):
    return Dataset(X, y, "mine", task, weights=weights, labels=labels)


def test_a_split_takes_the_weights_along_and_a_record_brings_them_back(tmp_path):
    w = np.arange(1.0, 11.0)
    np.savez(tmp_path / "d.npz", X=X, y=Y, w=w)
    np.save(tmp_path / "w.npy", w)
    for source in ("w", str(tmp_path / "w.npy")):
        data = load_data(str(tmp_path / "d.npz"), sample_weight=source, train_split=0.5)
        # Row k of X begins with 2k, and its weight is k + 1.
        assert np.array_equal(data.weights, data.X[:, 0] / 2 + 1)
        assert np.array_equal(load_recorded(data_record(data)).weights, data.weights)
    assert data.sha256() != load_data(str(tmp_path / "d.npz"), train_split=0.5).sha256()


def test_a_file_of_weights_is_for_all_samples_of_the_source(tmp_path):
    np.savez(tmp_path / "d.npz", X=X, y=Y)
    np.save(tmp_path / "w.npy", np.ones(9))
    with pytest.raises(UsageError, match=r"has shape \(9,\), the data set has 10 samples"):
        load_data(str(tmp_path / "d.npz"), sample_weight=str(tmp_path / "w.npy"))
    np.save(tmp_path / "o.npy", np.array([None] * 10), allow_pickle=True)
    with pytest.raises(DataError, match=r"not an \.npy file of numbers"):
        load_data(str(tmp_path / "d.npz"), sample_weight=str(tmp_path / "o.npy"))
    with pytest.raises(DataError, match="has no array 'v' of sample weights; it holds X, y"):
        load_data(str(tmp_path / "d.npz"), sample_weight="v")


def test_a_column_of_weights_is_no_feature_of_a_parquet_table(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    table = pa.table({"a": X[:, 0], "b": X[:, 1], "label": Y, "w": np.arange(10)})
    pq.write_table(table, tmp_path / "d.parquet")
    data = load_data(str(tmp_path / "d.parquet"), target="label", sample_weight="w")
    assert data.dimension == 2
    assert np.array_equal(data.weights, np.arange(10.0))


def test_zeros_are_left_out_once_all_factors_are_known():
    w = np.ones(10)
    w[3] = 0.0
    found = weighed(dataset(w), "logistic", Weighting(class_weight={0: 0, 1: 2}))
    # Class 0 has weight 0, sample 3 too; the rest is equal, hence the plain mean.
    assert found.weights is None
    assert np.array_equal(found.y, np.ones(4))
    assert "1 of 10 samples have weight 0" in found.recipe["sample weights"]
    assert "5 of 9 samples have weight 0" in found.recipe["sample weights"]
    assert found.recipe["targets"] == "labels: 0 -> class 0 (0 samples), 1 -> class 1 (4 samples)"


def test_balanced_counts_the_samples_that_stay():
    w = np.ones(10)
    w[:4:2] = 0.0  # two of class 0
    found = weighed(dataset(w), "logistic", Weighting(class_weight="balanced"))
    assert found.weights == pytest.approx(np.where(found.y == 0, 8 / (2 * 3), 8 / (2 * 5)))


def test_labels_are_named_as_the_source_does():
    named = dataset(labels=("cat", "dog"))
    found = weighed(named, "logistic", Weighting(class_weight=parse_class_weight("dog=2, cat=0.5")))
    assert np.array_equal(found.weights, np.where(Y == 1, 2.0, 0.5))
    with pytest.raises(UsageError, match="'cow' is none of the labels 'cat', 'dog'"):
        weighed(named, "logistic", Weighting(class_weight={"cow": 1}))


def test_numbers_have_no_classes():
    numbers = dataset(y=np.linspace(0, 1, 10), task="regression")
    with pytest.raises(UsageError, match="which have no classes"):
        weighed(numbers, "squared", Weighting(class_weight="balanced"))


def test_weights_twice_are_refused_and_weighing_again_changes_nothing():
    once = weighed(dataset(), "logistic", Weighting(weights=np.arange(1, 11)))
    with pytest.raises(UsageError, match="give them once"):
        weighed(once, "logistic", Weighting(weights=np.ones(10)))
    again = weighed(once, "logistic", Weighting())
    assert np.array_equal(again.weights, once.weights)
    assert again.recipe == once.recipe
    with pytest.raises(UsageError, match="leave them out"):
        require_unweighted(once, "training")


@pytest.mark.parametrize("bad", [np.ones(9), np.zeros(10), -np.ones(10), np.full(10, np.inf), ["a"] * 10])
def test_what_is_no_weight_is_refused(bad):
    with pytest.raises(UsageError, match="weights"):
        weighed(dataset(), "logistic", Weighting(weights=bad))


def test_products_that_leave_float64_are_refused():
    with pytest.raises(UsageError, match="leave float64"):
        weighed(dataset(np.full(10, 1e-200)), "logistic", Weighting(class_weight={0: 1e-200}))


def test_the_target_cannot_be_the_weights(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n1,0\n2,1\n")
    with pytest.raises(DataError, match="cannot be both the target and the sample weights"):
        load_data(str(tmp_path / "t.csv"), target="y", sample_weight="y", loss="logistic", outputs=1)
