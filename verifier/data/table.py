"""Tables with named columns: `.csv` by the standard library, `.parquet` by pyarrow (extra `data`)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from verifier.data.source import Source, check_size, choose_target, exact_float64, read_bytes, sha256
from verifier.data.weights import as_weights
from verifier.errors import DataError, UsageError
from verifier.numbers import plural

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)


def load_csv(
    path: Path, target: str | None, drop: str | None = None, header: bool | None = None, weight: str | None = None
) -> Source:
    """Comma-separated text in UTF-8; every column but the targets must be numbers, or True and False. weight: the column of sample weights, or None.

    header: whether the first line names the columns; None: it does, and one that looks like a sample is refused. An unnamed first column of distinct
    integers, as pandas writes its index, is left out and recorded.

    Raises DataError naming line and column of the first thing that is wrong.
    """
    data = read_bytes(path, str(path))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8 text ({error}); expected comma-separated values") from error
    if "\0" in text:
        raise DataError(f"{path}: holds NUL characters; expected comma-separated values in UTF-8")
    rows: list[list[str]] = []
    lines: list[int] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            if row:  # blank lines
                rows.append([cell.strip() for cell in row])
                lines.append(reader.line_num)
    except csv.Error as error:
        raise DataError(f"{path}: line {reader.line_num}: {error}") from error
    columns = _header(rows, header, path)
    if header is not False:
        rows, lines = rows[1:], lines[1:]
    if not rows:
        raise DataError(f"{path}: has a header line but no rows")
    check_size(len(rows) * len(columns), str(path))
    for line, row in zip(lines, rows):
        if len(row) != len(columns):
            raise DataError(
                f"{path}: line {line} has {plural(len(row), 'value')}, the first line has {plural(len(columns), 'column')}"
            )
    cells = {column: [row[i] for row in rows] for i, column in enumerate(columns)}
    counted = "" in cells
    if counted:
        index = cells.pop("")
        if columns.index("") or not all(map(_INTEGER.fullmatch, index)) or len(set(index)) < len(index):
            raise DataError(
                f"{path}: column {columns.index('') + 1} has no name in the header line and is no index (the first column, each integer once); "
                "give it a name (--drop NAME then leaves it out)"
            )
        columns = [column for column in columns if column]
    features, chosen = _roles(_beside(weight, columns, target, path), target, drop, path)
    X = np.column_stack([_numbers(_as_digits(cells[column]), column, lines, path) for column in features])
    y = _target(cells[chosen[0]], chosen[0], lines, path)
    if len(chosen) > 1:
        y = np.column_stack([_numbers(cells[column], column, lines, path) for column in chosen])
    steps = _steps("csv", features, chosen) + ([{"left_out": "the unnamed index column"}] if counted else [])
    weights = None
    if weight is not None:
        steps.append({"sample_weight": weight})
        weights = as_weights(_numbers(cells[weight], weight, lines, path), len(X), f"{path}: column {weight!r}")
    return Source(X, y, steps, sha256=sha256(data), weights=weights)


def _beside(weight: str | None, columns: Sequence[str], target: str | None, path: Path) -> list[str]:
    """The columns beside that of the sample weights, which is neither feature nor target."""
    if weight is not None and weight not in columns:
        raise DataError(
            f"{path}: has no column {weight!r} of sample weights; the columns are {', '.join(columns)} (weights of their own are FILE.npy)"
        )
    if weight is not None and weight == target:
        raise DataError(
            f"{path}: column {weight!r} cannot be both the target and the sample weights; name another for one of them"
        )
    return [column for column in columns if column != weight]


def _roles(columns: Sequence[str], target: str | None, drop: str | None, path: Path) -> tuple[list[str], list[str]]:
    """(features, targets): a name that holds a comma is meant before a list is."""
    dropped = [] if drop is None else [drop] if drop in columns else [name.strip() for name in drop.split(",")]
    unknown = [name for name in dropped if name not in columns]
    if unknown:
        raise DataError(f"{path}: --drop names no column {unknown[0]!r}; the columns are {', '.join(columns)}")
    left = [column for column in columns if column not in dropped]
    if target is None or target in left:
        chosen = [choose_target(left, target, str(path))]
    else:
        chosen = [choose_target(left, name.strip(), str(path)) for name in target.split(",")]
    if len(set(chosen)) < len(chosen):
        raise DataError(f"{path}: --target {target} names a column twice")
    features = [column for column in left if column not in chosen]
    if not features:
        raise DataError(
            f"{path}: {', '.join(chosen)} {'is the only column' if len(chosen) == 1 else 'are all columns'}; expected at least one feature beside the target"
        )
    return features, chosen


def _steps(kind: str, features: Sequence[str], targets: Sequence[str]) -> list[dict]:
    return [{kind: {"features": list(features), "target": targets[0] if len(targets) == 1 else list(targets)}}]


def _as_digits(cells: list[str]) -> list[str]:
    """True and False, as pandas writes them, as 1 and 0; a column that holds anything else stays as it is."""
    if not {cell.lower() for cell in cells} <= {"true", "false"}:
        return cells
    return ["1" if cell.lower() == "true" else "0" for cell in cells]


def _header(rows: list[list[str]], header: bool | None, path: Path) -> list[str]:
    if not rows:
        raise DataError(f"{path}: holds no rows")
    columns = rows[0]
    if len(columns) == 1 and (";" in columns[0] or "\t" in columns[0]):
        raise DataError(
            f"{path}: seems to be separated by {'semicolons' if ';' in columns[0] else 'tabs'}; expected commas"
        )
    if header is False:
        return [str(k) for k in range(len(columns))]
    values = [column for column in columns if _NUMBER.fullmatch(column) or column.lower() in ("true", "false", "nan")]
    # Numbers as names are pandas's own names of unnamed columns, 0, 1, 2, ...; two of them could as well be a sample.
    named_by_pandas = columns == [str(k) for k in range(len(columns))] and len(columns) > 2
    if values and header is None and not named_by_pandas:
        raise DataError(
            f"{path}: the first line, {', '.join(columns[:6])}{', ...' if len(columns) > 6 else ''}, looks like a sample, not like the names of the columns; "
            f"say --no-header if it is one (the columns are then called 0..{len(columns) - 1}, as in --target {len(columns) - 1}), --header if it holds names"
        )
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise DataError(f"{path}: the header names {', '.join(twice)} more than once")
    return columns


def _numbers(cells: Sequence[str], column: str, lines: Sequence[int], path: Path) -> np.ndarray:
    for cell, line in zip(cells, lines):
        if not _NUMBER.fullmatch(cell):
            what = "is empty" if cell == "" else f"is {cell!r}"
            raise DataError(
                f"{path}: column {column!r}, line {line}: {what}, not a number; clean the column, encode it as numbers, or drop it"
            )
    values = np.array([float(cell) for cell in cells])
    if not np.isfinite(values).all():
        line = lines[int(np.argmin(np.isfinite(values)))]
        raise DataError(f"{path}: column {column!r}, line {line}: too large for a float64")
    return values


def _target(cells: Sequence[str], column: str, lines: Sequence[int], path: Path) -> np.ndarray:
    """int64 when every cell is an integer, float64 when every cell is a number, text otherwise."""
    if "" in cells:
        raise DataError(f"{path}: target {column!r}, line {lines[list(cells).index('')]}: is empty")
    if all(_INTEGER.fullmatch(cell) and len(cell) <= 16 for cell in cells):
        return np.array([int(cell) for cell in cells], dtype=np.int64)
    numeric = [cell for cell in cells if _NUMBER.fullmatch(cell)]
    if len(numeric) == len(cells):
        return _numbers(cells, column, lines, path)
    if len(numeric) > len(cells) // 2:  # mostly numbers: a bad value, not a label
        _numbers(cells, column, lines, path)
    return np.array(list(cells))


def load_parquet(path: Path, target: str | None, drop: str | None = None, weight: str | None = None) -> Source:
    """Parquet table; every column but the target must be numbers or booleans without nulls. weight: the column of sample weights, or None.

    Raises UsageError when pyarrow is missing, DataError naming the column that is wrong.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise UsageError(f"{path}: reading Parquet needs pyarrow; pip install pyarrow") from error
    data = read_bytes(path, str(path))
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        check_size(file.metadata.num_rows * file.metadata.num_columns, str(path))
        table = file.read()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path}: not a Parquet file, or truncated or damaged ({error})") from error
    columns = table.column_names
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise DataError(f"{path}: names the columns {', '.join(twice)} more than once")
    if table.num_rows == 0:
        raise DataError(f"{path}: holds no rows")
    # The index of a pandas frame that has lost its name: a row count, no feature.
    index = [column for column in columns if column == "__index_level_0__"]
    named = [column for column in columns if column not in index]
    features, chosen = _roles(_beside(weight, named, target, path), target, drop, path)
    arrays = {c: _column(table.column(c), c, path, c in chosen) for c in (*features, *chosen)}
    X = np.column_stack([exact_float64(arrays[column], f"{path}: column {column!r}") for column in features])
    y = arrays[chosen[0]]
    if len(chosen) > 1:
        y = np.column_stack([exact_float64(arrays[column], f"{path}: column {column!r}") for column in chosen])
    steps = _steps("parquet", features, chosen) + ([{"left_out": "the frame's index"}] if index else [])
    weights = None
    if weight is not None:
        who = f"{path}: column {weight!r}"
        steps.append({"sample_weight": weight})
        weights = as_weights(exact_float64(_column(table.column(weight), weight, path, False), who), len(X), who)
    return Source(X, y, steps, sha256=sha256(data), weights=weights)


def _column(values: object, column: str, path: Path, is_target: bool) -> np.ndarray:
    import pyarrow as pa
    import pyarrow.types as pt

    kind = values.type  # type: ignore[attr-defined]
    if values.null_count:  # type: ignore[attr-defined]
        first = values.is_null().to_pylist().index(True)  # type: ignore[attr-defined]
        raise DataError(f"{path}: column {column!r}, row {first + 1}: is null; clean or impute it first")
    if pt.is_dictionary(kind):
        values, kind = values.cast(kind.value_type), kind.value_type  # type: ignore[attr-defined]
    if pt.is_string(kind) or pt.is_large_string(kind):
        if is_target:
            return np.array(values.to_pylist())  # type: ignore[attr-defined]
        raise DataError(f"{path}: column {column!r} is text; encode it as numbers, or drop it")
    if not (pt.is_integer(kind) or pt.is_floating(kind) or pt.is_boolean(kind)):
        raise DataError(
            f"{path}: column {column!r} has type {kind}; expected numbers" + (" or text" if is_target else "")
        )
    try:
        return np.asarray(values.to_numpy())  # type: ignore[attr-defined]
    except pa.ArrowException as error:
        raise DataError(f"{path}: column {column!r} cannot be read ({error})") from error
