"""How a data set that is named is to be read (docs/inputs.md)."""

from __future__ import annotations

from dataclasses import dataclass

from verifier.options.declare import hinted, option

SCALES = ("symmetric", "channels", "whiten")
TASKS = ("binary", "multiclass", "regression")


@hinted
@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Keywords of `load_data`."""

    target: str | None = option(
        help="target column of a table; several separated by commas", metavar="COLUMN", sweep=True
    )
    drop: str | None = option(
        help="columns of a table to leave out, separated by commas", metavar="COLUMNS", sweep=True
    )
    header: bool | None = option(
        help="whether the first line of a .csv file names the columns (default: yes, unless it looks like a sample)",
        sweep=True,
    )
    task: str | None = option(help="instead of inferring it from the targets", choices=TASKS, sweep=True)
    standardize: bool | None = option(help="zero mean and unit variance per feature", sweep=True)
    train_split: float | None = option(
        help="keep this share of the samples, drawn with seed 42", metavar="SHARE", sweep=True
    )
    scale: str | None = option(
        help="symmetric: all numbers to [-1, 1]; channels: zero mean and unit variance per channel of images; whiten: uncorrelated features (ZCA)",
        choices=SCALES,
        sweep=True,
    )
    sample_weight: str | None = option(
        help="a column of the table, an array of the .npz file, or FILE.npy: one number >= 0 per sample of --data",
        metavar="SOURCE",
    )
