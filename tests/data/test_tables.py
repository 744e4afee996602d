"""Tables as people have them: no sample becomes a header, and the way out that an error names works."""

import numpy as np
import pytest

from verifier.data import data_record, load_data, load_recorded
from verifier.data.arrays import dataset_from
from verifier.data.targets import said
from verifier.errors import DataError, UsageError


def table(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    return str(tmp_path / "a.csv")


HEADERLESS = {
    "text target": "5.1,3.5,Iris-setosa\n4.9,3.0,Iris-versicolor\n4.7,3.2,Iris-setosa\n",
    "numbers": "0.5,1.5,0\n0.25,1.0,1\n0.0,2.0,0\n",
    "two columns of integers": "0,1\n1,0\n2,1\n",
    "booleans": "True,x\nFalse,y\nTrue,x\n",
}


@pytest.mark.parametrize("name", HEADERLESS)
def test_a_first_sample_never_becomes_the_header(tmp_path, name):
    path = table(tmp_path, HEADERLESS[name])
    for target in (None, HEADERLESS[name].split("\n")[0].split(",")[-1]):
        with pytest.raises(
            DataError, match=r"looks like a sample, .* say --no-header .* as in --target (\d)"
        ) as caught:
            load_data(path, target=target)
    advised = str(caught.value).split("--target ")[1][0]
    dataset = load_data(path, target=advised, header=False)
    assert dataset.samples == 3
    assert load_recorded(data_record(dataset)).sha256() == dataset.sha256()


def test_numbers_as_names(tmp_path):
    """pandas calls unnamed columns 0, 1, 2; other numbers are names when the user says so."""
    assert load_data(table(tmp_path, "0,1,2\n5.1,3.5,0.0\n4.9,3.0,1.0\n"), target="2", loss="logistic").samples == 2
    path = table(tmp_path, "2019,2020,label\n5.1,3.5,0\n4.9,3.0,1\n")
    with pytest.raises(DataError, match=r"--header if it holds names"):
        load_data(path)
    assert load_data(path, header=True).samples == 2


def test_pandas_index_and_booleans(tmp_path):
    dataset = load_data(
        table(tmp_path, ",flag,x,label\n0,True,1.5,-1.0\n1,False,2.5,1.0\n"), loss="logistic", outputs=1
    )
    assert dataset.X.tolist() == [[1.0, 1.5], [0.0, 2.5]]
    assert dataset.y.tolist() == [0, 1]
    assert {"left_out": "the unnamed index column"} in dataset.recipe["steps"]
    shuffled = load_data(table(tmp_path, ",x,label\n7,1.5,0\n3,2.5,1\n"))
    assert shuffled.X.tolist() == [[1.5], [2.5]]
    assert "left out of a.csv: the unnamed index column" in said(shuffled)
    for text in (",x,label\n7,1.5,0\n7,2.5,1\n", ",x,label\na,1.5,0\nb,2.5,1\n", "x,,label\n1.5,1,0\n2.5,2,1\n"):
        with pytest.raises(DataError, match=r"has no name in the header line and is no index .*--drop NAME"):
            load_data(table(tmp_path, text))


def test_several_targets_and_columns_left_out(tmp_path):
    path = table(tmp_path, "a,b,t1,t2\n1,2,0.5,1\n3,4,1.5,2\n")
    assert load_data(path, target="t1,t2").y.tolist() == [[0.5, 1.0], [1.5, 2.0]]
    one = load_data(path, target="t1", drop="t2, b")
    assert (one.X.tolist(), one.y.tolist()) == ([[1.0], [3.0]], [0.5, 1.5])
    assert load_recorded(data_record(one)).sha256() == one.sha256()
    for options, text in (
        ({"target": "t1,t1"}, "names a column twice"), ({"target": "t1,t3"}, "no column 't3'"), ({"target": "t1", "drop": "t3"}, "--drop names no column 't3'"),
        ({"target": "t1", "drop": "t1"}, "no column 't1'"), ({"target": "a,b,t1,t2"}, "are all columns"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=text):
            load_data(path, **options)
    for options, text in (({"drop": "x"}, "--drop x belongs to tables"), ({"header": True}, "belong to .csv files")):
        with pytest.raises(UsageError, match=text):
            load_data("moons", **options)


def test_the_index_of_a_pandas_frame_is_no_feature(tmp_path):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"a": [1.5, 2.5, 3.5], "t1": [0.5, 1.5, 2.5], "t2": [1, 2, 3]}, index=[7, 3, 5])
    frame.to_parquet(tmp_path / "a.parquet")
    dataset = load_data(str(tmp_path / "a.parquet"), target="t1,t2")
    assert dataset.X.tolist() == [[1.5], [2.5], [3.5]]
    assert dataset.y.tolist() == [[0.5, 1.0], [1.5, 2.0], [2.5, 3.0]]
    assert load_data(str(tmp_path / "a.parquet"), target="t1", drop="t2").y.tolist() == [0.5, 1.5, 2.5]
    assert "left out of a.parquet: the frame's index" in said(dataset)


def test_pixels_that_nobody_scaled_are_said():
    """Training scales images and forgets to say so; F at the endpoints then tells too late what is wrong."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (20, 64)).astype(float)
    y = rng.integers(0, 2, 20)

    def words(X):
        return " ".join(said(dataset_from((X, y))))

    assert "whole numbers from 0 to 255" in words(X)
    for other in (X / 255, X[:, :5], np.minimum(X, 16.0), X - 100, X + 0.5):
        assert "whole numbers" not in words(other)
