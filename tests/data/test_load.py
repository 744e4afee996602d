"""Names, presets, options, labels and records."""

import json

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, make_moons
from sklearn.model_selection import train_test_split

from verifier.data import Dataset, data_record, load_data, load_recorded
from verifier.errors import DataError, UsageError


def save(path, X, y, **more):
    np.savez(path, X=np.asarray(X), y=np.asarray(y), **more)
    return str(path)


@pytest.mark.parametrize(
    ("spec", "shape", "task", "classes"),
    [
        ("moons", (1000, 2), "binary", 2),
        ("moons:n=20,noise=0.1,seed=3", (20, 2), "binary", 2),
        ("breast_cancer", (569, 30), "binary", 2),
        ("digits", (1797, 64), "multiclass", 10),
        ("digits-unit", (1797, 64), "multiclass", 10),
        ("iris", (150, 4), "multiclass", 3),
        ("wine", (178, 13), "multiclass", 3),
        ("diabetes", (442, 10), "regression", None),
        ("paper-moons", (800, 2), "binary", 2),
        ("paper-breast-cancer", (455, 30), "binary", 2),
    ],
)
def test_names(spec, shape, task, classes):
    dataset = load_data(spec)
    assert (dataset.X.shape, dataset.task, dataset.classes) == (shape, task, classes)
    record = json.loads(json.dumps(data_record(dataset)))
    again = load_recorded(record)
    assert again.sha256() == dataset.sha256()
    assert json.loads(json.dumps(dataset.recipe)) == dataset.recipe == again.recipe


def test_moons_are_those_of_the_paper():
    X, y = make_moons(1000, noise=0.2, random_state=42)
    dataset = load_data("moons")
    assert np.array_equal(dataset.X, X)
    assert np.array_equal(dataset.y, y)


@pytest.mark.parametrize("spec", ["paper-moons", "paper-breast-cancer"])
def test_presets_follow_the_paper(spec):
    """Written out a second time: 80/20 with seed 42, mean and population standard deviation of the training part."""
    if spec == "paper-moons":
        X, y = make_moons(1000, noise=0.2, random_state=42)
        X, _, y, _ = train_test_split(X, y, test_size=0.2, random_state=42)
    else:
        X, y = load_breast_cancer(return_X_y=True)
        X, _, y, _ = train_test_split(X, y, test_size=0.2, random_state=42, stratify=y)
    dataset = load_data(spec)
    np.testing.assert_allclose(dataset.X, (X - X.mean(axis=0)) / X.std(axis=0), rtol=1e-9, atol=1e-12)
    assert np.array_equal(dataset.y, y)
    assert set(np.unique(dataset.y)) == {0, 1}


def test_digits_unit_is_an_exact_sixteenth():
    assert np.array_equal(load_data("digits-unit").X * 16, load_data("digits").X)
    assert {"divide_by": 16} in load_data("digits-unit").recipe["steps"]


def test_standardise_and_split_are_recorded():
    dataset = load_data("iris", standardize=True, train_split=0.5)
    assert dataset.samples == 75
    assert np.array_equal(np.bincount(dataset.y), [25, 25, 25])
    np.testing.assert_allclose(dataset.X.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(dataset.X.std(axis=0), 1)
    assert [next(iter(step)) for step in dataset.recipe["steps"]] == ["sklearn", "task", "train_split", "standardize"]
    assert load_recorded(data_record(dataset)).sha256() == dataset.sha256()


@pytest.mark.parametrize(
    ("spec", "options", "text"),
    [
        ("nope", {}, "data 'nope' is unknown; expected one of moons, .*openml:ID"),
        ("iris:n=3", {}, "data iris takes no options after a colon, got n"),
        ("moons:k=3", {}, "unknown option 'k'; expected n, noise or seed"),
        ("moons:n=x", {}, "n='x' is not an integer"),
        ("moons:noise=x", {}, "noise='x' is not a number"),
        ("moons:noise=nan", {}, "noise must be a finite number"),
        ("moons:n=1", {}, "n must lie between 2 and"),
        ("moons:seed=-1", {}, "seed must lie in"),
        ("moons:n", {}, "expected options as key=value"),
        ("moons:n=5,n=6", {}, "each once"),
        ("moons", {"task": "multiclass"}, "data moons is a binary task; leave --task out"),
        ("moons", {"task": "ranking"}, "task 'ranking' is unknown"),
        ("moons", {"target": "y"}, "--target y belongs to tables"),
        ("moons", {"train_split": 1.5}, "train_split must lie strictly between 0 and 1"),
        (
            "paper-moons",
            {"standardize": False},
            "fixes its own split and standardisation; leave these options out, or use moons",
        ),
        ("paper-moons:n=5", {}, "is unknown"),
        ("openml:iris", {}, "expected a number, as in openml:1464"),
    ],
)
def test_wrong_words_are_usage_errors(spec, options, text):
    with pytest.raises(UsageError, match=text) as caught:
        load_data(spec, **options)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("y", "task", "found", "expected", "labels"),
    [
        ([0, 1, 1, 0], None, "binary", [0, 1, 1, 0], None),
        ([-1, 1, 1, -1], None, "binary", [0, 1, 1, 0], [-1, 1]),
        ([1, 2, 3, 1], None, "multiclass", [0, 1, 2, 0], [1, 2, 3]),
        (
            [0, 2, 2, 0],
            None,
            "multiclass",
            [0, 2, 2, 0],
            None,
        ),  # class 1 has no sample; outputs are still numbered 0, 1, 2
        ([0, 2, 2, 0], "binary", "binary", [0, 1, 1, 0], [0, 2]),
        ([True, False, True, True], None, "binary", [1, 0, 1, 1], None),
        (["b", "a", "b", "c"], None, "multiclass", [1, 0, 1, 2], ["a", "b", "c"]),
        ([0.0, 1.0, 1.0, 0.0], None, "regression", [0.0, 1.0, 1.0, 0.0], None),
        ([0.0, 1.0, 1.0, 0.0], "binary", "binary", [0, 1, 1, 0], None),
        ([0, 1, 2, 3], "regression", "regression", [0.0, 1.0, 2.0, 3.0], None),
        ([[0.5, 1.0]] * 4, None, "regression", [[0.5, 1.0]] * 4, None),
        ([[1]] * 2 + [[0]] * 2, None, "binary", [1, 1, 0, 0], None),
        ([4, 2, 2, 4], "binary", "binary", [1, 0, 0, 1], [2, 4]),
        (["2", "10", "0", "1"], None, "multiclass", [2, 10, 0, 1], None),
    ],
)
def test_tasks_and_labels(tmp_path, y, task, found, expected, labels):
    dataset = load_data(save(tmp_path / "a.npz", np.arange(8.0).reshape(4, 2), y), task=task)
    assert dataset.task == found
    assert dataset.y.tolist() == expected
    step = next(step for step in dataset.recipe["steps"] if "task" in step)
    assert step["task"] == found
    assert step.get("labels") == labels


def test_many_integers_are_regression_unless_asked(tmp_path):
    path = save(tmp_path / "a.npz", np.ones((40, 1)), np.arange(40))
    assert load_data(path).task == "regression"
    assert load_data(path, task="multiclass").classes == 40


@pytest.mark.parametrize(
    ("y", "task", "text"),
    [
        (["a", "b", "a"], "regression", "the target is text, such as 'a'"),
        ([1, 1, 1], None, "are all the same .1.; expected at least two classes"),
        ([0, 1, 2], "binary", "3 distinct labels; a binary task needs two"),
        ([2, 4, 4], None, "labels 2, 4 are neither 0..K-1 nor 1..K .* say --task binary"),
        ([3, 5, 9], None, "labels 3, 5, 9 are neither"),
        ([0, 5, 900], "multiclass", "labels 0, 5, 900 are neither"),
        ([0.5, 1.0, 0.0], "binary", "holds fractions, such as 0.5"),
        ([0.5, np.nan, 0.0], None, "y holds NaN or infinity, first in row 2"),
        ([[1, 0], [1, 0], [1, 0]], "multiclass", "the targets are all the same"),
        ([[0.5, 0.5], [1, 0], [1, 0]], "multiclass", "give class numbers or one-hot rows"),
    ],
)
def test_targets_that_do_not_fit(tmp_path, y, task, text):
    with pytest.raises(DataError, match=text) as caught:
        load_data(save(tmp_path / "a.npz", np.ones((3, 2)), y), task=task)
    assert caught.value.exit_code == 4


def test_impossible_split(tmp_path):
    with pytest.raises(DataError, match=r"cannot keep a share of 0.5 of 3 rows"):
        load_data(save(tmp_path / "a.npz", np.ones((3, 2)), [0, 0, 1]), train_split=0.5)


def test_recorded_data_must_still_be_the_same(tmp_path):
    path = tmp_path / "a.npz"
    record = data_record(load_data(save(path, [[1.0], [2.0]], [0, 1])))
    assert record["spec"] == str(path)
    assert load_recorded(record).source_sha256 == record["source_sha256"]
    save(path, [[1.0], [2.5]], [0, 1])
    with pytest.raises(DataError, match="is no longer the data set that was recorded"):
        load_recorded(record)
    path.unlink()
    with pytest.raises(DataError, match="no such file"):
        load_recorded(record)
    for bad in ({}, {"spec": "iris", "options": 3, "sha256": ""}, {"spec": "iris", "options": {"x": 1}, "sha256": ""}):
        with pytest.raises(DataError, match="is malformed"):
            load_recorded(bad)


def test_data_made_in_memory_has_no_record():
    dataset = Dataset(np.ones((2, 1)), np.array([0, 1]), "mine", "binary")
    with pytest.raises(UsageError, match="data mine: was made in memory"):
        data_record(dataset)


def test_relative_paths_are_recorded_absolute(tmp_path, monkeypatch):
    save(tmp_path / "a.npz", [[1.0], [2.0]], [0, 1])
    monkeypatch.chdir(tmp_path)
    record = data_record(load_data("a.npz"))
    monkeypatch.chdir("/")
    assert load_recorded(record).name == "a.npz"
