"""`verifier regions`: count activation regions, settle rank and minimum of a network's own region, or redo the experiments of K23."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from verifier.cli.options import (
    add_data_arguments,
    add_reading_arguments,
    add_worker_arguments,
    data_options,
    reading,
    require_workers,
    workers,
)
from verifier.cli.options import say as _say
from verifier.errors import UsageError
from verifier.files import Kind, require_place
from verifier.numbers import plural
from verifier.outcomes import Finding, Outcome

# Rationals in the region program: neurons times samples times input coordinates.
LARGEST_PROGRAM = 300_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_data_arguments(parser)
    one = parser.add_argument_group("regions of a data set, or one network's region")
    one.add_argument(
        "--network", metavar="FILE", help="checkpoint of one hidden layer: settle rank and minimum of its region"
    )
    one.add_argument(
        "--width", type=int, metavar="M", help="neurons of the layer whose regions are counted (default: 1)"
    )
    one.add_argument("--no-bias", action="store_true", help="hidden layer without biases, when counting")
    one.add_argument("--limit", type=int, default=1_000_000, metavar="P", help="most cones of one neuron to enumerate")
    add_reading_arguments(parser)
    run = parser.add_argument_group("experiments of Karhadkar et al. 2023")
    run.add_argument("--preset", choices=(
        "figure2", "figure3", "figure6", "figure7", "figure8", "theorem10", "theorem12"
    ), help="random regions over a grid of samples and widths; run again to resume")  # fmt: skip
    run.add_argument("--size", choices=("full", "small"), default="full", help="grid (default: full, up to hours)")
    run.add_argument("--trials", type=int, metavar="T", help="random regions per cell (default: the paper's)")
    run.add_argument("--seed", type=int, default=0, help="of the experiment (default: 0)")
    run.add_argument("--same-data", action="store_true", help="one data set for all trials of a cell (figures 6 to 8)")
    run.add_argument("--no-report", action="store_true", help="write the cells' results only")
    add_worker_arguments(parser)
    parser.add_argument(
        "--out",
        metavar="PLACE",
        help="folder of a preset (default: regions/PRESET) or certificate of a network's region",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout instead of the verdict line")


def _require_no_ignored(args: argparse.Namespace) -> None:
    """Each option belongs to one of the three things this command does."""
    experiment = {"--trials": args.trials is not None, "--same-data": args.same_data, "--size": args.size != "full", "--jobs": args.jobs != 1,
                  "--backend": args.backend != "local",
                  "--no-report": args.no_report, "--seed": args.seed != 0}  # fmt: skip
    others = {f"--{name.replace('_', '-')}": True for name in data_options(args)} | {
        "--no-bias": args.no_bias,
        "--limit": args.limit != 1_000_000,
    }
    ignored = [name for name, given in (others if args.preset else experiment).items() if given]
    if ignored:
        raise UsageError(
            f"regions: {ignored[0]} {'does not belong to' if args.preset else 'belongs to'} --preset; leave it out"
        )
    if reading(args) is not None and args.network is None:
        raise UsageError("regions: --layout, --key and --ignore belong to --network; leave them out")
    if args.out is not None and args.preset is None and args.network is None:
        raise UsageError(f"regions: --out {args.out}: counting regions writes no file; leave it out")


def run(args: argparse.Namespace) -> int:
    _require_no_ignored(args)
    if args.preset is not None:
        if args.network or args.data or args.width:
            raise UsageError(
                "regions: --preset draws its own data and networks; leave --data, --network and --width out"
            )
        return _preset(args)
    if args.network is not None:
        return _network(args)
    if args.data is None:
        raise UsageError(
            "regions: name a data set with --data, a checkpoint with --network, or an experiment with --preset"
        )
    return _count(args)


def _finish(args: argparse.Namespace, found: Finding, more: dict[str, Any]) -> int:
    about = {"outcome": found.outcome.value, "sentence": found.sentence, "exit_code": found.exit_code}
    print(json.dumps({**about, **more}, allow_nan=False) if args.json else found.sentence)
    return found.exit_code


def _count(args: argparse.Namespace) -> int:
    from verifier.data.load import load_data
    from verifier.regions.arrangement import make_arrangement
    from verifier.regions.cones import enumerate_cones
    from verifier.regions.patterns import in_general_position, proposition_6

    width = 1 if args.width is None else args.width
    if width < 1:
        raise UsageError(f"regions: --width {width}: expected at least 1")
    data = load_data(args.data, **data_options(args))
    arrangement = make_arrangement(data.X, not args.no_bias)
    cones = enumerate_cones(arrangement, args.limit)
    one, N = len(cones.patterns), len(data.X)
    expected = proposition_6(N, arrangement.n, width)
    generic = in_general_position(arrangement)
    _say(
        f"{plural(N, 'sample')}, {plural(len(arrangement.classes), 'input')} that are not 0 and not parallel, "
        f"spanning dimension {arrangement.rank} of {arrangement.n}"
    )
    _say("general position: " + {True: "yes", False: "no", None: "not examined, too many subsets"}[generic])
    if generic and one**width != expected:
        text = f"Proposition 6: {one**width} regions counted, {expected} by its formula"
        return _finish(args, Finding.of(Outcome.REFUTED, text), {})
    power = f"{one}^{width} = {_whole(one**width)}" if width > 1 else str(one)
    relation = "as" if one**width == expected else "where" if generic else "fewer than the"
    text = f"{power} activation regions of {plural(width, 'neuron')} on {plural(N, 'sample')}"
    text += (
        f", {relation} Proposition 6 gives {_whole(expected)}"
        if relation == "as"
        else f", {relation} {_whole(expected)} of general position"
    )
    return _finish(
        args,
        Finding.of(Outcome.COUNTED, text),
        {"cones": one, "regions": str(one**width), "proposition_6": str(expected), "general_position": generic},
    )


def _whole(count: int) -> str:
    text = str(count)
    return text if len(text) <= 20 else f"about {text[0]}.{text[1:4]}e+{len(text) - 1}"


def _network(args: argparse.Namespace) -> int:
    import numpy as np

    from verifier.certificate import make_document, write_certificate
    from verifier.data.targets import said
    from verifier.elaboration import kernel_problem
    from verifier.kernel import check
    from verifier.objective import Risk, make_objective
    from verifier.pipeline.endpoints import read_data, read_endpoint
    from verifier.pipeline.provenance import provenance
    from verifier.regions.arrangement import make_arrangement
    from verifier.regions.decide import decide
    from verifier.regions.patterns import augmented, network_pattern
    from verifier.regions.program import make_program
    from verifier.regions.rank import region_rank
    from verifier.regions.region_claims import jacobian_rank_claim, network_minimum_claim, verdict_words

    if args.out is not None:
        require_place(args.out, Kind.CERTIFICATE, inputs=(args.network, args.data))
    if args.width is not None or args.no_bias:
        raise UsageError(
            "regions: --width and --no-bias are for counting; with --network they come from the checkpoint"
        )
    endpoint = read_endpoint(args.network, "A", reading(args))
    network = endpoint.network
    weights = augmented(network)
    if network.theta.shape[0] != 1:
        raise UsageError(
            f"regions: expected one output, got {network.theta.shape[0]}; region programs are about scalar networks"
        )
    data = read_data(args.data, endpoint, endpoint, data_options(args), "squared")
    if data.y.ndim > 1 and data.y.shape[1] != 1:
        raise UsageError(f"regions: expected one target per sample, got {data.y.shape[1]}; choose another data set")
    for line in said(data):
        _say(line)
    arrangement = make_arrangement(data.X, network.b is not None)
    pattern, interior = network_pattern(network, arrangement)
    if not interior:
        raise UsageError(
            "regions: the network lies on a boundary between regions (a pre-activation is exactly 0); move it a little, e.g. by another training step"
        )
    y, head = np.asarray(data.y, dtype=np.float64).ravel(), network.theta[0]
    rank = region_rank(arrangement, pattern)
    claims: list[Any] = [c for c in [jacobian_rank_claim(arrangement, pattern, rank, "network")] if c is not None]
    words = {
        True: "the Jacobian has full column rank",
        False: "the Jacobian lacks full column rank",
        None: "the rank is undecided",
    }[rank.full]
    _say(
        f"{plural(len(y), 'sample')}, {plural(len(head), 'neuron')}: rank {rank.rank} of {len(y)}{'' if rank.full is None else ', exact verdict'}"
    )
    minimum = None
    problem = kernel_problem(network, network, Risk(make_objective("squared", kappa=0.0), data.X, y[:, None]))
    if head.all() and pattern.size * arrangement.n <= LARGEST_PROGRAM:
        c = 0.0 if network.c is None else float(network.c[0])
        verdict = decide(make_program(arrangement, head, pattern, y - c, weights))
        minimum = network_minimum_claim(problem, verdict, "network", of="A", bias=c)
        claims.append(minimum)
        kept = "its output layer kept" + ("" if network.c is None else ", bias included")
        words += f"; {verdict_words(minimum)}, with {kept}"
    else:
        _say(
            "region program left out: "
            + ("an output weight is 0" if not head.all() else "too large for exact arithmetic")
        )
    verdicts = [check(problem, c) for c in claims]
    for v in verdicts:
        _say(v.sentence)
    if not all(v.accepted for v in verdicts):
        text = "by the kernel: a defect of verifier, please report the lines above"
        return _finish(args, Finding(Outcome.REJECTED, text, 1), {})
    settled = rank.full is not None and minimum is not None and minimum.verdict != "interval"
    place = None
    if claims and args.out is not None:
        record = provenance({"command": "regions", "network": str(args.network), "data": data.name})
        document, arrays = make_document(problem, claims, data_name=data.name, labels={}, record=record)
        write_certificate(Path(args.out), document, arrays)
        place = str(args.out)
        _say(f"certificate {place}")
    more = {"rank": rank.full, "minimum": None if minimum is None else minimum.verdict, "certificate": place}
    return _finish(args, Finding.of(Outcome.CERTIFIED if settled else Outcome.INCONCLUSIVE, words), more)


def _preset(args: argparse.Namespace) -> int:
    from verifier.regions.experiment import run_preset
    from verifier.regions.presets import make_preset
    from verifier.regions.summary import summarise

    require_workers(args)
    preset = make_preset(args.preset, args.size, trials=args.trials, seed=args.seed, same_data=args.same_data)
    out = Path(args.out) if args.out else Path("regions") / args.preset
    with workers(args) as run_on:
        results = list(run_preset(preset, out, workers=run_on, say=_say))
    summary = summarise(preset, results)
    for line in summary.lines:
        _say(line)
    report = None
    if not args.no_report:
        from verifier.pages.regions import write_regions_report

        report = write_regions_report(preset, results, out / "report.html")
        _say(f"report {report}")
    more = {
        "folder": str(out),
        "report": None if report is None else str(report),
        "cells": len(results),
        "regions": summary.trials,
    }
    return _finish(args, summary.finding, more)
