"""`verifier landscape`: every minimum and pass of a tiny problem, or the exact gap of one pair."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

from verifier.cli.options import (
    add_data_arguments,
    add_objective_arguments,
    add_reading_arguments,
    add_worker_arguments,
    data_options,
    read_options,
    reading,
    require_workers,
    workers,
)
from verifier.cli.options import say as _say
from verifier.errors import UsageError
from verifier.options.certify import CertifyOptions
from verifier.options.objective import ObjectiveOptions
from verifier.pipeline.constructions.registry import chosen, names_of

CELLS = {"pair": 200_000, "tree": 2_000_000}
# Constructions beside the exact gap; of deep networks, on paths that keep the hidden layers below the last one.
METHODS, ABOVE = "line,halves,exchange,theorem2,dss", "line,exchange,descent,homotopy"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_data_arguments(parser)
    what = parser.add_argument_group("what")
    what.add_argument("--width", type=int, metavar="M", help="the whole landscape of networks of this width")
    what.add_argument("--widths", metavar="A:B", help="several: 1:4 is 1, 2, 3; or a list such as 1,3")
    what.add_argument(
        "--critical-width", action="store_true",
        help="widths from 1 on, up to the least one of which every set {F <= X} is connected, certified",
    )  # fmt: skip
    what.add_argument(
        "--pair",
        nargs=2,
        metavar=("A", "B"),
        help="two checkpoints: their exact gap, by a search that visits few cells",
    )
    what.add_argument(
        "--hidden-bias",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="biases in the hidden layer (default: yes)",
    )
    what.add_argument(
        "--output-bias", action=argparse.BooleanOptionalAction, default=False, help="an output bias (default: no)"
    )
    add_objective_arguments(parser)
    add_reading_arguments(parser)
    parser.add_argument(
        "--most-cells", type=int, metavar="N",
        help=f"limit of cells: of a whole landscape (default {CELLS['tree']:,}), or visited for a pair (default {CELLS['pair']:,})",
    )  # fmt: skip
    parser.add_argument(
        "--compare", type=int, default=2, metavar="K",
        help="pairs of minima per width whose gap is certified and set beside the constructions (default 2)",
    )  # fmt: skip
    parser.add_argument(
        "--certify-faces", type=int, default=40_000, metavar="N",
        help="distinct cells and faces up to which a whole landscape is written as a certificate and checked (default 40,000; 0: never)",
    )  # fmt: skip
    parser.add_argument(
        "--methods", metavar="M,M",
        help="constructions to compare (default: line, halves, exchange, theorem2, dss)",
    )  # fmt: skip
    parser.add_argument(
        "--frozen-output-layer", action="store_true",
        help="with --pair: paths that keep the output layer, which both networks must share (no constructions are compared)",
    )  # fmt: skip
    parser.add_argument(
        "--frozen-hidden-layers", action="store_true",
        help="with --pair, of deep networks: paths that keep all hidden layers below the last one, which both must share (no constructions are compared)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="of DSS and of Theorem 2's reference network")
    parser.add_argument(
        "--out", metavar="DIR", help="folder of results (default: landscapes/<data>); run again to resume"
    )
    add_worker_arguments(parser)
    parser.add_argument("--no-report", action="store_true", help="write no HTML page")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout instead of the verdict line")


def run(args: argparse.Namespace) -> int:
    if sum(x is not None for x in (args.width, args.widths, args.pair, args.critical_width or None)) != 1:
        raise UsageError("name one of --width M, --widths A:B, --critical-width and --pair A B")
    for name, value, least in (
        ("--compare", args.compare, 0),
        ("--most-cells", args.most_cells, 1),
        ("--certify-faces", args.certify_faces, 0),
    ):
        if value is not None and value < least:
            raise UsageError(f"{name} {value}: expected at least {least}")
    require_workers(args)
    tree = {
        "--compare": args.compare != 2,
        "--certify-faces": args.certify_faces != 40_000,
        "--jobs": args.jobs != 1,
        "--backend": args.backend != "local",
        "--output-bias": args.output_bias,
        "--no-hidden-bias": not args.hidden_bias,
    }
    ignored = [name for name, given in tree.items() if given]
    if args.pair and ignored:
        raise UsageError(
            f"{ignored[0]}: belongs to --width and --widths; a --pair brings its own networks. Leave it out"
        )
    if reading(args) is not None and not args.pair:
        raise UsageError("--layout, --key and --ignore: only with --pair; whole landscapes read no checkpoint")
    for flag, given in (
        ("--frozen-output-layer", args.frozen_output_layer),
        ("--frozen-hidden-layers", args.frozen_hidden_layers),
    ):
        if given and not args.pair:
            raise UsageError(f"{flag}: only with --pair; whole landscapes train all layers")
    return _pair(args) if args.pair else _trees(args)


def parse_widths(text: str) -> list[int]:
    """`1:4` to 1, 2, 3; `1,3` to a list. Raises UsageError for anything else."""
    try:
        if ":" in text:
            first, last = (int(part) for part in text.split(":"))
            widths = list(range(first, min(last, first + 1000)))
        else:
            widths = [int(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(f"--widths {text!r}: expected a range such as 1:4 or a list such as 1,3") from error
    if not widths or min(widths) < 1 or len(set(widths)) != len(widths):
        raise UsageError(f"--widths {text!r}: expected at least one width, each 1 or more and named once")
    return widths


def _folder(args: argparse.Namespace) -> Path:
    name = "pair" if args.data is None else Path(args.data.split(",")[0]).stem.replace(":", "-")
    if args.pair:
        # A pair is another finding than the landscape of its data: each keeps its page.
        name = "-".join([name, *(Path(n).stem for n in args.pair)])
    return Path(args.out) if args.out else Path("landscapes") / name


def _trees(args: argparse.Namespace) -> int:
    from verifier.data.load import load_data
    from verifier.objective.objective import made
    from verifier.pipeline.landscape_run import LandscapeTask, run_landscape

    if args.data is None:
        raise UsageError("--data is missing: a whole landscape needs a data set")
    if args.loss is None:
        raise UsageError("--loss is missing: choose squared, logistic or huber")
    constructions = chosen(args.methods or METHODS)
    methods = names_of(constructions)
    if any(c.needs_file or c.bounds_below for c in constructions):
        raise UsageError("--methods: name constructions such as line, halves, exchange, theorem2, descent, dss")
    data = load_data(args.data, **data_options(args), loss=args.loss, outputs=1)
    objective = made(read_options(args, ObjectiveOptions))
    task = LandscapeTask(
        data, objective, args.hidden_bias, args.output_bias, args.most_cells or CELLS["tree"], args.compare, methods, args.seed, args.certify_faces,
        args.critical_width,
    )  # fmt: skip
    widths = [] if args.critical_width else [args.width] if args.width is not None else parse_widths(args.widths)
    with workers(args) as run_on:
        result = run_landscape(task, widths, _folder(args), workers=run_on, say=_say)
    report = None
    if not args.no_report:
        from verifier.pages.landscape import write_landscape_report

        report = write_landscape_report(result.record, result.folder / "report.html")
        _say(f"report {report}")
    if args.json:
        brief = [{k: v for k, v in w.items() if k not in ("minima", "joins", "steps")} for w in result.record["widths"]]
        print(
            json.dumps(
                {
                    "sentence": result.sentence,
                    "folder": str(result.folder),
                    "report": report and str(report),
                    "widths": brief,
                    "critical": result.record["critical"],
                }
            )
        )
    else:
        print(result.sentence)
    return result.exit_code


def _pair(args: argparse.Namespace) -> int:
    from verifier.cli.certify import as_json
    from verifier.files import claim_folder
    from verifier.pipeline.certify import certify

    folder = claim_folder(_folder(args), pages=("report.html",))
    a, b = args.pair
    kept = args.methods or (ABOVE if args.frozen_hidden_layers else METHODS)
    method = "exact" if args.frozen_output_layer else f"exact,{kept}"
    options = CertifyOptions(
        method=method, exhaustive=True, seed=args.seed, reading=reading(args), data_options=data_options(args),
        most_cells=args.most_cells or CELLS["pair"], state=folder / "search.npz", estimate_seconds=math.inf,
        output_layer="frozen" if args.frozen_output_layer else "trained",
        hidden_layers="frozen" if args.frozen_hidden_layers else "trained", progress=sys.stderr.isatty(),
    )  # fmt: skip
    objective = read_options(args, ObjectiveOptions)
    result = certify(a, b, args.data, objective=objective, options=options, out=folder / "pair.safetensors", say=_say)
    report = None
    if not args.no_report:
        report = result.report(folder / "report.html")
        _say(f"report {report}")
    found: Any = as_json(result, report)
    print(json.dumps(found, allow_nan=False) if args.json else result.sentence)
    if (why := result.refused.get("exact")) is not None:
        # The question was the exact gap; what --methods certified besides is no answer to it.
        print(f"verifier landscape: {why}", file=sys.stderr)
        return UsageError.exit_code
    return result.outcome.exit_code
