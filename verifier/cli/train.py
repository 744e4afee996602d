"""`python -m verifier train`: train networks on a data set and store what `certify` needs to know about them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verifier.cli.options import add_data_arguments, add_options, data_options, read_options
from verifier.cli.options import say as _say
from verifier.errors import CheckpointError, UsageError
from verifier.files import Kind, require_place
from verifier.numbers import plural
from verifier.options.objective import ObjectiveOptions
from verifier.options.training import TrainingOptions

if TYPE_CHECKING:
    from verifier.training.protocols import Plan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `train` to `parser`."""
    parser.description = (
        "Train ReLU networks and store each with its data set, loss, kappa, penalty and seed, "
        "so that `certify --pair a.pt b.pt` alone works on them."
    )
    add_data_arguments(parser, required=True)
    net = parser.add_argument_group("network")
    size = net.add_mutually_exclusive_group(required=True)
    size.add_argument("--width", type=int, metavar="M", help="neurons of each hidden layer")
    size.add_argument("--widths", metavar="M1,M2,...", help="neurons of the hidden layers")
    net.add_argument(
        "--depth", type=int, metavar="L", help="number of weight matrices with --width (default 2: one hidden layer)"
    )
    add_options(net, TrainingOptions, only=("bias", "negative_slope"))
    fit = parser.add_argument_group("training")
    add_options(fit, ObjectiveOptions, only=("loss",), required=("loss",))
    add_options(fit, TrainingOptions, leave_out=("bias", "negative_slope"))
    seeds = parser.add_argument_group("seeds and files").add_mutually_exclusive_group()
    seeds.add_argument("--seed", type=int, help="default 0")
    seeds.add_argument(
        "--seeds",
        metavar="A:B",
        help="several networks: a range 0:8 (8 left out) or a list 0,3,5; --out then contains {seed}",
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="FILE.pt or FILE.safetensors; {seed} is replaced")


def run(args: argparse.Namespace) -> int:
    """Train, save, and print each path on stdout and each network's figures on stderr. Returns 0; raises VerifierError subclasses."""
    seeds = parse_seeds(args.seeds) if args.seeds is not None else [0 if args.seed is None else args.seed]
    widths = _widths(args)
    outs = _outs(args.out, seeds, args.data)
    options = read_options(args, TrainingOptions)

    from verifier.data.load import data_record, load_data
    from verifier.data.targets import said
    from verifier.networks.checkpoint import save_checkpoint
    from verifier.training.protocols import plan
    from verifier.training.train import train_network

    dataset = load_data(args.data, **data_options(args), loss=args.loss)
    record = data_record(dataset)
    classes = "" if dataset.classes is None else f", {plural(dataset.classes, 'class', 'classes')}"
    _say(
        f"data {dataset.name}: {plural(dataset.samples, 'sample')}, {plural(dataset.dimension, 'feature')}, {dataset.task}{classes}"
    )
    for words in said(dataset):
        _say(words)
    for seed, out in zip(seeds, outs):
        _require_repetition(out, plan(widths, args.loss, seed, options), record)
    for seed, out in zip(seeds, outs):
        with _Progress(f"seed {seed}") as progress:
            trained = train_network(dataset, widths, args.loss, seed=seed, options=options, progress=progress.update)
        objective, network = trained.objective, trained.network
        targets = objective.loss.encode(dataset)
        final = {
            "loss": objective.loss_value(network, dataset.X, targets),
            "penalty": objective.penalty_value(network),
            "accuracy": objective.accuracy(network, dataset),
        }
        save_checkpoint(
            out, network, {**trained.settings, "data": record, "final": final, "network_sha256": network.sha256()}
        )
        accuracy = "" if final["accuracy"] is None else f", accuracy {final['accuracy']:.4f}"
        _say(f"seed {seed}: loss {final['loss']:.6g}, kappa P {final['penalty']:.6g}{accuracy}")
        print(out, flush=True)
    return 0


def parse_seeds(text: str) -> list[int]:
    """`0:8` to 0..7, `0,3,5` to a list. Raises UsageError for anything else, an empty range, or a seed twice."""
    try:
        if ":" in text:
            first, last = (int(part) for part in text.split(":"))
            if last - first > 100_000:
                raise UsageError(f"--seeds {text}: {plural(last - first, 'network')} in one run; at most 100000")
            seeds = list(range(first, last))
        else:
            seeds = [int(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(f"--seeds {text!r}: expected a range such as 0:8 or a list such as 0,3,5") from error
    if not seeds or len(set(seeds)) != len(seeds) or min(seeds) < 0:
        raise UsageError(f"--seeds {text!r}: expected at least one seed, each 0 or more and named once")
    return seeds


def _widths(args: argparse.Namespace) -> tuple[int, ...]:
    if args.widths is not None:
        if args.depth is not None:
            raise UsageError("--depth goes with --width; --widths already says how many hidden layers there are")
        try:
            return tuple(int(part) for part in args.widths.split(","))
        except ValueError as error:
            raise UsageError(
                f"--widths {args.widths!r}: expected integers separated by commas, such as 64,64"
            ) from error
    depth = 2 if args.depth is None else args.depth
    if not 2 <= depth <= 1000:
        raise UsageError(f"--depth {depth}: expected 2 (one hidden layer) or more, at most 1000")
    return (args.width,) * (depth - 1)


def _outs(template: str, seeds: list[int], data: str) -> list[str]:
    if len(seeds) > 1 and "{seed}" not in template:
        raise UsageError(f"--out {template}: {len(seeds)} networks need {{seed}} in the name, as in 'nets/{{seed}}.pt'")
    outs = [template.replace("{seed}", str(seed)) for seed in seeds]
    for out in outs:
        require_place(out, Kind.CHECKPOINT, inputs=[data])
    return outs


def _require_repetition(out: str, p: Plan, record: dict[str, Any]) -> None:
    """Raise UsageError where another network lies already: a trained checkpoint is replaced only by the same training, run again."""
    from verifier.networks.checkpoint import load_checkpoint

    if not Path(out).exists():
        return
    wanted = {
        **p.settings,
        "data": record["sha256"],
        "negative_slope": p.options.negative_slope,  # recorded of Leaky ReLU alone
    }
    try:
        stored = load_checkpoint(out).metadata
    except CheckpointError as error:
        raise UsageError(f"--out {out}: exists and cannot be read as a network ({error}); move it") from error
    found = {"negative_slope": 0.0, **stored, "data": (stored.get("data") or {}).get("sha256")}
    differing = [key for key, value in wanted.items() if found.get(key) != value]
    if differing:
        raise UsageError(
            f"--out {out}: holds a network trained with another {' and '.join(differing[:3])}; "
            "only the same training, run again, replaces it. Choose another name, or remove the file"
        )


class _Progress:
    """A bar on stderr when that is a terminal, nothing otherwise."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.bar: Any = None

    def __enter__(self) -> _Progress:
        if sys.stderr.isatty():
            from tqdm import tqdm

            self.bar = tqdm(desc=self.label, leave=False, unit="step")
        return self

    def update(self, steps: int, objective: float) -> None:
        if self.bar is not None:
            self.bar.update(1)
            self.bar.set_postfix(objective=f"{objective:.4g}", refresh=False)

    def __exit__(self, *exception: object) -> None:
        if self.bar is not None:
            self.bar.close()
