"""`verifier stability`: experiments (A) and (B) of N21 section 6 on the user's checkpoints or on networks trained here, with pages like its figures."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verifier.cli.options import (
    add_data_arguments,
    add_objective_arguments,
    add_options,
    add_reading_arguments,
    add_worker_arguments,
    data_options,
    read_options,
    reading,
    require_report,
    require_workers,
    workers,
)
from verifier.cli.options import say as _say
from verifier.errors import UsageError
from verifier.options.objective import ObjectiveOptions
from verifier.options.training import TrainingOptions

if TYPE_CHECKING:
    from verifier.campaign.runner import Runner
    from verifier.outcomes import Finding
    from verifier.stability.measure import Judge
    from verifier.stability.plan import Member, Preset, Settings, Source
    from verifier.stability.summary import Summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--networks", nargs="+", metavar="FILE", help="checkpoints: .pt, .pth or .safetensors")
    what.add_argument(
        "--preset",
        choices=("figure3a", "figure3b", "figure3c", "figure3d", "figure4"),
        help="networks trained here: per layer (10 hidden layers of 245, 5 of 500, VGG-11), along the paths of a pair, against width "
        "(figures of Nguyen et al. 2021)",
    )
    add_data_arguments(parser)
    parser.add_argument(
        "--test-data",
        metavar="DATA",
        help="samples to test on, prepared as those of --data (default: those that --train-split leaves out; a preset's own)",
    )
    add_objective_arguments(parser)
    add_reading_arguments(parser)
    net = parser.add_argument_group("networks of a preset")
    net.add_argument(
        "--widths",
        metavar="M1,M2,...",
        help="hidden widths instead of the figure's; with figure4 the widths to compare (default: 10 to 2000)",
    )
    net.add_argument("--depth", type=int, metavar="L", help="weight matrices; all hidden layers then have one width")
    net.add_argument("--width-factor", type=float, metavar="C", help="of VGG-11, figure3c (default: 1)")
    net.add_argument(
        "--seeds", metavar="A:B", help="a range 0:10 or a list 0,3,5 (default: the figure's, 0:10, 0:5, 0:2 or 0:3)"
    )
    add_options(
        net, TrainingOptions, only=("protocol", "epochs", "lr", "batch"),
        help={
            "protocol": "sgd: minibatches of 100 as in the paper; default: full-batch Adam, fit for small data (default: sgd)",
            "epochs": "passes of SGD, or Adam steps (default: 40; 150, figure4: 500)",
            "lr": "largest step size of SGD, or Adam's (default: 0.05; 0.001, figure4: 0.003)",
        },
    )  # fmt: skip
    spent = parser.add_argument_group("what is spent")
    spent.add_argument("--draws-a", type=int, default=20, metavar="T_A", help="subsets per layer of (A) (default: 20)")
    spent.add_argument(
        "--draws-b", type=int, default=200, metavar="T_B", help="subsets per layer of (B) (default: 200)"
    )
    spent.add_argument("--steps", type=int, default=200, help="of L-BFGS per sub-network (default: 200)")
    spent.add_argument(
        "--exhaustive",
        action="store_true",
        help="go on below the network's own loss, where the theorem's bound gains nothing",
    )
    spent.add_argument(
        "--dropout",
        type=float,
        default=0.5,
        metavar="RATIO",
        help="share of a layer's neurons that (B) removes and sub-networks of (A) have (default: 0.5)",
    )
    spent.add_argument("--forgotten-biases", action="store_true", help="also (B) with the mistake of the public code")
    spent.add_argument("--draw-seed", type=int, default=0, metavar="S", help="of the draws (default: 0)")
    spent.add_argument("--device", default="cpu", help="torch device of a preset's training (default: cpu)")
    add_worker_arguments(parser)
    parser.add_argument(
        "--certify", action="store_true", help="certify both paths of disjoint pairs (figure3d: always)"
    )
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        help="results, resumed when run again (default: stability/PRESET or stability/networks)",
    )
    parser.add_argument("--report", metavar="FILE", help="page (default: report.html in the folder)")
    parser.add_argument("--no-report", action="store_true", help="write the results only")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout instead of the verdict line")


def run(args: argparse.Namespace) -> int:
    from verifier.campaign import folder as store
    from verifier.stability.experiment import judged
    from verifier.stability.plan import PRESETS, Settings

    settings = Settings(
        args.draws_a, args.draws_b, args.steps, args.draw_seed, args.exhaustive, args.forgotten_biases, args.dropout
    )
    settings.check()
    require_workers(args)
    out = Path(args.out) if args.out else Path("stability") / (args.preset or "networks")
    require_report(args, inputs=(*(args.networks or ()), args.data))
    members, source = _trained(args, out.absolute()) if args.preset else _named(args)
    preset = PRESETS[args.preset] if args.preset else None
    measure = preset is None or preset.measured
    about = {"command": "stability", "networks": len(members), **asdict(settings)}
    with store.opened(out, about) as folder:
        with workers(args) as run:
            records = _records(members, source, settings, folder, run, measure)
        certify = args.certify or (preset is not None and preset.certified)
        certificates, codes = _certified(records, source, settings.seed, folder) if certify else ([], [])
        judge = judged(members[0], source)[1] if certificates else None
        return _finish(args, records, settings, (certificates, codes), judge, folder)


def _trained(args: argparse.Namespace, out: Path) -> tuple[list[Member], Source]:
    from verifier.cli.train import parse_seeds
    from verifier.data.load import data_record, load_data
    from verifier.data.shape import sample_shape
    from verifier.objective.objective import made
    from verifier.stability.plan import PRESETS, Source, trained_members

    preset = PRESETS[args.preset]
    if reading(args) is not None:
        raise UsageError("stability: --layout, --key and --ignore belong to --networks; a preset trains its own")
    architectures = _architectures(args, preset)
    seeds = preset.seeds if args.seeds is None else parse_seeds(args.seeds)
    if (preset.certified or args.certify) and len(seeds) < 2:
        raise UsageError(f"stability: certifying paths needs a pair, but --seeds names {len(seeds)} network")
    spec, test, given = args.data or preset.data, args.test_data, data_options(args)
    if spec is None:
        raise UsageError(
            f"stability: {args.preset} is about CIFAR-10; name its folder, --data cifar10:FOLDER --test-data cifar10-test:FOLDER, or other data"
        )
    if args.data is None:
        test, given = test or preset.test, {"scale": preset.scale, **given}
    loss = args.loss or "cross_entropy"
    dataset = load_data(spec, **given, loss=loss)
    asked = replace(read_options(args, ObjectiveOptions), loss=loss)
    objective = made(asked)
    objective.loss.encode(dataset)
    adam = args.protocol == "default"
    epochs, lr = (preset.epochs_adam, preset.lr_adam) if adam else (preset.epochs, preset.lr)
    batch = {} if args.batch is None else {"batch": args.batch}
    options = {
        **asdict(asked), "protocol": args.protocol or "sgd", **batch,
        "epochs": epochs if args.epochs is None else args.epochs, "lr": lr if args.lr is None else args.lr, "device": args.device,
    }  # fmt: skip
    shape = sample_shape(dataset) if preset.vgg else None
    if preset.vgg and shape is None:
        raise UsageError(
            f"stability: {args.preset} is about images, and data {spec} do not say that their samples are some"
        )
    return trained_members(architectures, seeds, data_record(dataset), options, out, shape), Source(test=test)


def _architectures(args: argparse.Namespace, preset: Preset) -> tuple[tuple[int, ...], ...]:
    """Hidden widths of each architecture that --preset, --widths, --depth and --width-factor ask for."""
    from verifier.training.vgg import vgg11_widths

    usual = preset.widths
    if args.width_factor is not None and not (preset.vgg and 0.0 < args.width_factor <= 4.0):
        raise UsageError(f"stability: --width-factor {args.width_factor:g}: expected a number in (0, 4], and figure3c")
    if preset.vgg:
        if args.depth is not None or args.widths is not None:
            raise UsageError(
                "stability: the widths of figure3c, VGG-11, are decided by --width-factor; leave --depth and --widths out"
            )
        return (vgg11_widths(1.0 if args.width_factor is None else args.width_factor),)
    if args.depth is not None and not 2 <= args.depth <= 1000:
        raise UsageError(f"stability: --depth {args.depth}: expected 2 (one hidden layer) or more, at most 1000")
    widths = None if args.widths is None else _integers(args.widths)
    if args.preset == "figure4":
        hidden = 2 if args.depth is None else args.depth - 1
        chosen = [h[0] for h in usual] if widths is None else widths
        if len(set(chosen)) < len(chosen):
            raise UsageError(f"stability: --widths {args.widths}: a width is named twice")
        return tuple((m,) * hidden for m in chosen)
    if widths is None:
        widths = list(usual[0])
    if args.depth is not None:
        if len(set(widths)) > 1:
            raise UsageError(
                "stability: --depth goes with one width; these --widths already say how many layers there are"
            )
        widths = widths[:1] * (args.depth - 1)
    return (tuple(widths),)


def _integers(text: str) -> list[int]:
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) < 1:
        raise UsageError(
            f"stability: --widths {text!r}: expected positive integers separated by commas, such as 245,245"
        )
    return found


def _named(args: argparse.Namespace) -> tuple[list[Member], Source]:
    """The user's checkpoints; all must agree on data and objective, or the options say which."""
    from verifier.pipeline.endpoints import read_endpoint, read_objective, with_shape_of
    from verifier.stability.plan import Source, named_members

    for name in ("widths", "depth", "width_factor", "seeds", "epochs", "lr", "protocol", "batch"):
        if getattr(args, name) is not None:
            raise UsageError(
                f"stability: --{name.replace('_', '-')} belongs to --preset; the checkpoints bring their own networks"
            )
    members = named_members(args.networks)
    source = Source(args.data, data_options(args), read_options(args, ObjectiveOptions), reading(args), args.test_data)
    endpoints = [read_endpoint(m.file, m.name, with_shape_of(args.data, reading(args))) for m in members]
    for m, e in zip(members, endpoints):
        read_objective(endpoints[0], e, source.objective)
        first, other = (x.settings.get("data") for x in (endpoints[0], e))
        if args.data is None and first is not None and other is not None and first.get("sha256") != other.get("sha256"):
            raise UsageError(
                f"stability: {members[0].name} and {m.name} were trained on different data; choose one with --data"
            )
    shapes = [e.network.architecture for e in endpoints]
    if args.certify and len(set(shapes)) == len(shapes):
        raise UsageError("stability: --certify needs two networks of one architecture")
    return members, source


def _records(
    members: list[Member], source: Source, settings: Settings, folder: Path, run: Runner, measure: bool
) -> list[dict[str, Any]]:
    from verifier.stability.experiment import run_members

    found = run_members(members, source, settings, folder, workers=run, measure=measure, say=_say)
    place = {m.name: k for k, m in enumerate(members)}
    return sorted(found, key=lambda r: place[r["name"]])


def _certified(
    records: list[dict[str, Any]], source: Source, seed: int, folder: Path
) -> tuple[list[tuple[str, Path]], list[int]]:
    from verifier.stability.pairs import certified_pair, disjoint_pairs

    certificates, codes = [], []
    for a, b in disjoint_pairs(records):
        place, code = certified_pair(a, b, source, seed, folder, _say)
        certificates.append((f"{a['name']} and {b['name']}", place))
        codes.append(code)
    return certificates, codes


def _finish(
    args: argparse.Namespace, records: list[dict[str, Any]], settings: Settings, certified: tuple[list[tuple[str, Path]], list[int]],
    judge: Judge | None, folder: Path,
) -> int:  # fmt: skip
    """certified: certificates of pairs and their exit codes. judge: of the networks they are about."""
    certificates, codes = certified
    from verifier.files import atomic_write_bytes
    from verifier.outcomes import worst_exit_code
    from verifier.pages.stability import certified_pairs, headline, write_stability_report
    from verifier.stability.summary import summarise, table_csv

    summary = summarise(records, args.preset or "networks")
    for line in summary.lines:
        _say(line)
    pairs = certified_pairs(certificates, judge)
    for p in pairs:
        _say(p.sentence)
    found = headline(summary, pairs)
    atomic_write_bytes(folder / "figures.csv", table_csv(summary.groups).encode())
    report = None
    if not args.no_report:
        place = Path(args.report) if args.report else folder / "report.html"
        report = write_stability_report(summary, asdict(settings), pairs, place)
        _say(f"report {report}")
    code = worst_exit_code([*codes, found.exit_code])
    if args.json:
        print(json.dumps(_as_json(summary, found, code, records, certificates, folder, report), allow_nan=False))
    else:
        print(found.sentence)
    return code


def _as_json(
    summary: Summary, found: Finding, code: int, records: list[dict[str, Any]], certificates: list[tuple[str, Path]],
    folder: Path, report: Path | None,
) -> dict[str, Any]:  # fmt: skip
    mean: Callable[[Any], dict[str, Any]] = asdict
    return {
        "outcome": found.outcome.value, "sentence": found.sentence, "exit_code": code, "folder": str(folder), "report": None if report is None else str(report),
        "architectures": [
            {
                "widths": list(g.hidden), "trained": mean(g.reference), "largest": {n: mean(m) for n, m in g.maxima.items()},
                "layers": {n: [{"layer": l, **mean(m)} for l, m in rows.items()] for n, rows in g.layers.items()},
                "draws": g.draws, "cpu_seconds": g.seconds,
            }
            for g in summary.groups
        ],
        "networks": records, "certificates": [str(place) for _, place in certificates],
    }  # fmt: skip
