"""From declared options to the command line: flags, and back to the value they were declared as (`verifier.options`)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from verifier.errors import CertificateFormatError, UsageError
from verifier.options.certify import CertifyOptions
from verifier.options.data import DataOptions
from verifier.options.declare import Option, options_of
from verifier.options.objective import ObjectiveOptions
from verifier.options.reading import Reading
from verifier.pipeline.constructions.registry import chosen, method_help

if TYPE_CHECKING:
    from verifier.campaign.runner import Runner

T = TypeVar("T")
# Options of certify that stand in groups of their own.
_WEIGHTS = ("class_weight", "pos_weight")


def add_options(
    parser: Any,
    cls: type,
    *,
    only: Collection[str] | None = None,
    leave_out: Collection[str] = (),
    required: Collection[str] = (),
    help: dict[str, str] | None = None,
) -> None:
    """One flag per option of a class; what is not given is None on the namespace, so that commands can tell. help: other sentences, by name."""
    for o in options_of(cls):
        if (o.python_only and only is None) or o.name in leave_out or (only is not None and o.name not in only):
            continue
        words = (help or {}).get(o.name, o.help)
        default = "" if o.default in (None, False) or "(default" in words else f" (default: {o.default})"
        parser.add_argument(
            o.flag, **_action(o), default=None, required=o.name in required, help=(words + default).replace("%", "%%")
        )


def _action(o: Option) -> dict[str, Any]:
    if o.kind is bool:
        return {"action": "store_true"} if o.default is False else {"action": argparse.BooleanOptionalAction}
    choices = {"choices": o.choices} if o.choices else {}
    return {"type": o.kind, "metavar": o.metavar, **choices}


def read_options(args: argparse.Namespace, cls: type[T], **more: Any) -> T:
    """The value of a class from the flags that were given and `more`. Raises UsageError as the class does."""
    names = [o.name for o in options_of(cls)]
    found = {name: value for name in names if (value := getattr(args, name, None)) is not None}
    return cls(**{**found, **more})


def add_data_arguments(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    group = parser.add_argument_group("data")
    group.add_argument(
        "--data",
        required=required,
        help="bundled name (moons, breast_cancer, digits, paper-moons, ...), .npz, .csv or .parquet file, openml:ID, idx:FOLDER, cifar10:FOLDER, fashion-mnist",
    )
    add_options(group, DataOptions, leave_out=("sample_weight",))


def data_options(args: argparse.Namespace) -> dict[str, Any]:
    """Only the options that were given, as `load_data` takes them."""
    return {o.name: v for o in options_of(DataOptions) if (v := getattr(args, o.name, None)) is not None}


def add_objective_arguments(parser: argparse.ArgumentParser) -> None:
    add_options(parser.add_argument_group("objective", "default: as the checkpoints recorded"), ObjectiveOptions)


def add_weight_arguments(parser: argparse.ArgumentParser) -> None:
    """Of commands whose mean over samples may be weighted."""
    group = parser.add_argument_group(
        "sample weights", "F is the weighted mean of the losses, weights divided by their sum"
    )
    add_options(group, DataOptions, only=("sample_weight",))
    add_options(group, CertifyOptions, only=_WEIGHTS)


def add_certify_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of a certification but its weights, which stand in a group of their own."""
    methods = f"{method_help()} (default: all; with --all: exchange)"
    add_options(parser, CertifyOptions, leave_out=_WEIGHTS, help={"method": methods})


def add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    """How checkpoints are to be read where their content leaves it open."""
    group = parser.add_argument_group("checkpoints", "needed only where a message asks for them")
    add_options(group, Reading)


def reading(args: argparse.Namespace) -> Reading | None:
    """None when none of its options is given."""
    given = any(getattr(args, o.name, None) is not None for o in options_of(Reading))
    return read_options(args, Reading) if given else None


def certify_options(args: argparse.Namespace, **more: Any) -> CertifyOptions:
    """What `certify --pair` and `certify --all` hand on alike."""
    return read_options(
        args,
        CertifyOptions,
        reading=reading(args),
        data_options=data_options(args),
        progress=sys.stderr.isatty(),
        **more,
    )


def add_worker_arguments(parser: argparse.ArgumentParser, title: str = "where tasks run") -> None:
    """Of commands that do many things: where they are done."""
    group = parser.add_argument_group(title)
    group.add_argument("--jobs", type=int, default=1, metavar="N", help="processes on this machine (default: 1)")
    group.add_argument(
        "--backend", choices=("local", "dask"), default="local", help="this machine or a dask cluster (default: local)"
    )
    group.add_argument(
        "--scheduler", metavar="ADDRESS", help="of dask, e.g. tcp://10.0.0.1:8786; results then lie on a shared disk"
    )


def require_workers(args: argparse.Namespace) -> None:
    """Raise UsageError for what contradicts itself about where tasks run."""
    from verifier.campaign import runner

    if (args.backend == "dask") != (args.scheduler is not None):
        raise UsageError("--backend dask and --scheduler ADDRESS go together")
    runner.require_workers(args.jobs, args.scheduler)


def workers(args: argparse.Namespace) -> AbstractContextManager[Runner]:
    """The runner that was asked for, with a bar on a terminal. Raises UsageError."""
    from verifier.campaign.runner import runner

    require_workers(args)
    return runner(args.jobs, args.scheduler, progress=sys.stderr.isatty(), say=say)


def say(text: str) -> None:
    """Progress and remarks: results alone go to stdout."""
    print(text, file=sys.stderr, flush=True)


def require_file(path: Path) -> None:
    """Refuse a folder where a certificate is meant."""
    if path.is_dir():
        found = sorted(path.glob("*.safetensors"))
        advice = f"name the certificates in it, such as {found[0]}" if found else "it holds no .safetensors file"
        raise CertificateFormatError(f"{path}: is a folder; {advice}")


def require_no_ignored(args: argparse.Namespace, default: str) -> None:
    """Refuse options of `certify` that would change nothing with these methods."""
    method = default if args.method is None else args.method
    if args.string is not None and method == "all":
        method = "string"
    what = f"--string {args.string}" if args.string is not None else f"method {method}"
    if args.exhaustive and (method != "all" or args.string is not None):
        raise UsageError(
            f"--exhaustive runs every construction of --method all, and would change nothing with {what}; leave it out"
        )
    found = chosen(method, up_to_permutation=True)
    of_dss = (("--dss-preset", args.dss_preset), ("--device", args.device))
    for name, value in of_dss if all(c.name != "dss" for c in found) else ():
        if value is not None:
            raise UsageError(f"{name} {value} is an option of DSS, and would change nothing with {what}; leave it out")


def require_report(args: argparse.Namespace, inputs: Iterable[Any]) -> None:
    """Refuse, before the work, a --report that cannot be written or would replace something else than a report."""
    from verifier.files import Kind, require_place

    if args.report is None:
        if args.out is not None and not args.no_report and not getattr(args, "all", None):
            from verifier.report.page import default_page

            require_place(default_page(args.out), Kind.PAGE, option="--report", inputs=inputs)
        return
    if args.no_report:
        raise UsageError(f"--report {args.report} and --no-report contradict each other; leave one out")
    require_place(args.report, Kind.PAGE, option="--report", inputs=inputs)
