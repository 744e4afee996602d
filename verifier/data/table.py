"""Tables with named columns: `.csv` by the standard library, `.parquet` by pyarrow (extra `data`)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from verifier.data.source import Source, check_size, choose_target, exact_float64, read_bytes, sha256
from verifier.errors import DataError, UsageError

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)


def load_csv(path: Path, target: str | None) -> Source:
    """Comma-separated text in UTF-8 with one header line; every column but the target must be numbers.

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
    columns = _header(rows, path)
    if len(rows) < 2:
        raise DataError(f"{path}: has a header line but no rows")
    check_size((len(rows) - 1) * len(columns), str(path))
    for line, row in zip(lines, rows):
        if len(row) != len(columns):
            raise DataError(f"{path}: line {line} has {len(row)} values, the header has {len(columns)} columns")
    chosen = choose_target(columns, target, str(path))
    features = [column for column in columns if column != chosen]
    if not features:
        raise DataError(f"{path}: {chosen} is the only column; expected at least one feature beside the target")
    cells = {column: [row[i] for row in rows[1:]] for i, column in enumerate(columns)}
    X = np.column_stack([_numbers(cells[column], column, lines[1:], path) for column in features])
    return Source(
        X, _target(cells[chosen], chosen, lines[1:], path), _steps("csv", features, chosen), sha256=sha256(data)
    )


def _steps(kind: str, features: Sequence[str], target: str) -> list[dict]:
    return [{kind: {"features": list(features), "target": target}}]


def _header(rows: list[list[str]], path: Path) -> list[str]:
    if not rows:
        raise DataError(f"{path}: holds no rows")
    columns = rows[0]
    if len(columns) == 1 and (";" in columns[0] or "\t" in columns[0]):
        raise DataError(
            f"{path}: seems to be separated by {'semicolons' if ';' in columns[0] else 'tabs'}; expected commas"
        )
    if all(_NUMBER.fullmatch(column) for column in columns):
        raise DataError(f"{path}: the first line is numbers; expected a header line with the names of the columns")
    if "" in columns:
        raise DataError(f"{path}: column {columns.index('') + 1} has no name in the header line")
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


def load_parquet(path: Path, target: str | None) -> Source:
    """Parquet table; every column but the target must be numbers or booleans without nulls.

    Raises UsageError when pyarrow is missing, DataError naming the column that is wrong.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise UsageError(f"{path}: reading Parquet needs pyarrow; pip install verifier[data]") from error
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
    chosen = choose_target(columns, target, str(path))
    features = [column for column in columns if column != chosen]
    if not features:
        raise DataError(f"{path}: {chosen} is the only column; expected at least one feature beside the target")
    arrays = {column: _column(table.column(column), column, path, column == chosen) for column in columns}
    X = np.column_stack([exact_float64(arrays[column], f"{path}: column {column!r}") for column in features])
    return Source(X, arrays[chosen], _steps("parquet", features, chosen), sha256=sha256(data))


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
