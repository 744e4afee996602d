"""Options that several commands share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any


def add_data_arguments(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    group = parser.add_argument_group("data")
    group.add_argument(
        "--data",
        required=required,
        help="bundled name (moons, breast_cancer, digits, paper-moons, ...), .npz, .csv or .parquet file, openml:ID, or idx:FOLDER",
    )
    group.add_argument("--target", metavar="COLUMN", help="target column of a table; several separated by commas")
    group.add_argument("--drop", metavar="COLUMNS", help="columns of a table to leave out, separated by commas")
    group.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="whether the first line of a .csv file names the columns (default: yes, unless it looks like a sample)",
    )
    group.add_argument(
        "--task", choices=("binary", "multiclass", "regression"), help="instead of inferring it from the targets"
    )
    group.add_argument(
        "--standardize",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="zero mean and unit variance per feature",
    )
    group.add_argument(
        "--train-split", type=float, metavar="SHARE", help="keep this share of the samples, drawn with seed 42"
    )


def data_options(args: argparse.Namespace) -> dict[str, Any]:
    """Only the options that were given."""
    names = ("target", "task", "standardize", "train_split", "drop", "header", "sample_weight")
    return {name: getattr(args, name) for name in names if getattr(args, name, None) is not None}


def add_objective_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("objective", "default: as the checkpoints recorded")
    group.add_argument("--loss", choices=("logistic", "cross_entropy", "squared", "huber", "hinge", "absolute"))
    group.add_argument("--delta", type=float, help="Huber's delta")
    group.add_argument("--kappa", type=float, help="weight of the penalty, at least 0")
    group.add_argument("--penalty", choices=("none", "l1", "path", "weight_decay"), help="default with kappa > 0: path")
    group.add_argument(
        "--penalise-output-bias",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="whether l1 and path include the output bias",
    )


def add_weight_arguments(parser: argparse.ArgumentParser) -> None:
    """Of commands whose mean over samples may be weighted."""
    group = parser.add_argument_group(
        "sample weights", "F is the weighted mean of the losses, weights divided by their sum"
    )
    group.add_argument(
        "--sample-weight",
        metavar="SOURCE",
        help="a column of the table, an array of the .npz file, or FILE.npy: one number >= 0 per sample of --data",
    )
    group.add_argument(
        "--class-weight", metavar="WEIGHTS", help="balanced, or a weight per label such as 0=1,1=2.5 (others: 1)"
    )
    group.add_argument("--pos-weight", type=float, metavar="W", help="logistic loss: weight of the samples of class 1")


def add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    """How checkpoints are to be read where their content leaves it open."""
    group = parser.add_argument_group("checkpoints", "needed only where a message asks for them")
    group.add_argument(
        "--layout", metavar="KEYS", help="weight keys in order, comma-separated, where a checkpoint leaves it open"
    )
    group.add_argument(
        "--key",
        metavar="NAME",
        help="the dict inside a checkpoint that holds the network, dotted where nested, or a prefix of its keys",
    )
    group.add_argument(
        "--ignore",
        metavar="NAMES",
        help="entries that are no part of the network, comma-separated, as names or patterns such as 'criterion.*'",
    )


def reading(args: argparse.Namespace) -> Any:
    """For `layout`: None when none of its options is given."""
    from verifier.networks.reading import Reading

    given = args.layout is not None or args.key is not None or args.ignore is not None
    return Reading(args.layout, args.key, args.ignore or ()) if given else None


def require_file(path: Path) -> None:
    """Refuse a folder where a certificate is meant."""
    from verifier.errors import CertificateFormatError

    if path.is_dir():
        found = sorted(path.glob("*.safetensors"))
        advice = f"name the certificates in it, such as {found[0]}" if found else "it holds no .safetensors file"
        raise CertificateFormatError(f"{path}: is a folder; {advice}")


def require_no_ignored(args: argparse.Namespace, default: str) -> None:
    """Refuse options of `certify` that would change nothing with these methods."""
    from verifier.errors import UsageError

    method = default if args.method is None else args.method
    if args.string is not None and method == "all":
        method = "string"
    what = f"--string {args.string}" if args.string is not None else f"method {method}"
    if args.exhaustive and (method != "all" or args.string is not None):
        raise UsageError(
            f"--exhaustive runs every construction of --method all, and would change nothing with {what}; leave it out"
        )
    for name, value in (("--dss-preset", args.dss_preset), ("--device", args.device)):
        if value is not None and method != "all" and "dss" not in method:
            raise UsageError(f"{name} {value} is an option of DSS, and would change nothing with {what}; leave it out")


def require_report(args: argparse.Namespace, inputs: Iterable[Any]) -> None:
    """Refuse, before the work, a --report that cannot be written or would replace something else than a report."""
    from verifier.errors import UsageError
    from verifier.files import Kind, require_place

    if args.report is None:
        if args.out is not None and not args.no_report and not getattr(args, "all", None):
            from verifier.report.page import default_page

            require_place(default_page(args.out), Kind.PAGE, option="--report", inputs=inputs)
        return
    if args.no_report:
        raise UsageError(f"--report {args.report} and --no-report contradict each other; leave one out")
    require_place(args.report, Kind.PAGE, option="--report", inputs=inputs)


def certify_options(args: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """What `certify --pair` and `certify --all` hand on alike."""
    from verifier.data.weights import parse_class_weight

    names = (
        "loss", "delta", "kappa", "penalty", "penalise_output_bias", "level", "out", "seed", "tight",
        "polish", "exhaustive", "negative_slope", "pos_weight", "pad",
    )  # fmt: skip
    return {
        **{name: getattr(args, name) for name in names},
        "dss_preset": args.dss_preset or "paper",
        "device": args.device or "cpu",
        "layout": reading(args),
        "class_weight": None if args.class_weight is None else parse_class_weight(args.class_weight),
        "data_options": data_options(args),
        "progress": sys.stderr.isatty(),
        "say": say,
    }
