"""What commands cost from start to end, in CPU seconds: `python -m benchmarks.commands [--against REVISION] [ROW ...]`.

Rows are run in turn for this working tree and for the other revision, so that a busy machine slows both; `proof` is the CPU time when the line with exchange's
bound is printed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

ROOT = Path(__file__).resolve().parents[1]
# Name, what makes its networks (in a folder), and the command that is measured.
TRAIN = {
    "small": "train --data paper-breast-cancer --loss logistic --protocol paper --width 20 --seeds 0:4 --out {place}/small-{{seed}}.pt",
    "digits": "train --data digits --loss cross_entropy --width 64 --seeds 0:2 --out {place}/digits-{{seed}}.safetensors",
}
ROWS = {
    "demo": ("small", "certify --pair {place}/small-0.pt {place}/small-1.pt --out {out}/c.safetensors --report {out}/r.html"),
    "digits": ("digits", "certify --pair {place}/digits-0.safetensors {place}/digits-1.safetensors --out {out}/c.safetensors --report {out}/r.html"),
    "exchange-pt": ("small", "certify --pair {place}/small-0.pt {place}/small-1.pt --method exchange --no-report --out {out}/c.safetensors"),
    "exchange-safetensors": (
        "digits", "certify --pair {place}/digits-0.safetensors {place}/digits-1.safetensors --method exchange --no-report --out {out}/c.safetensors",
    ),
    "six-pairs": ("small", "certify --all {place}/small-0.pt {place}/small-1.pt {place}/small-2.pt {place}/small-3.pt --method exchange --out {out}/all"),
}  # fmt: skip


def measured(tree: Path, command: str) -> tuple[float, float | None]:
    """CPU seconds of the whole process with its children, and of the process when it said exchange's bound (None when it did not)."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(tree)}
    words = [sys.executable, "-m", "verifier", *command.split()]
    before = os.times()
    proof = None
    with subprocess.Popen(
        words, cwd=tree, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as run:
        watched = psutil.Process(run.pid)
        assert run.stderr is not None
        for line in run.stderr:
            if proof is None and line.startswith("exchange: certified gap"):
                spent = watched.cpu_times()
                proof = spent.user + spent.system
    if run.returncode not in (0, 3):
        raise SystemExit(f"{' '.join(words)}: exit code {run.returncode}")
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return used, proof


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", nargs="*", choices=[[], *ROWS])
    parser.add_argument("--against", metavar="REVISION")
    parser.add_argument("--repeat", type=int, default=2, help="the least of so many")
    args = parser.parse_args()
    trees = {"now": ROOT}
    with ExitStack() as stack:
        place = Path(stack.enter_context(TemporaryDirectory()))
        if args.against:
            other = place / "other"
            subprocess.run(
                ["git", "worktree", "add", "--detach", "--quiet", str(other), args.against], cwd=ROOT, check=True
            )
            stack.callback(subprocess.run, ["git", "worktree", "remove", "--force", str(other)], cwd=ROOT, check=True)
            trees["before"] = other
        names = args.rows or list(ROWS)
        for kind in dict.fromkeys(ROWS[n][0] for n in names):
            measured(ROOT, TRAIN[kind].format(place=place))
        print("| run | CPU s now (proof printed) | before (proof printed) | ratio |\n|---|---|---|---|")
        for name in names:
            best: dict[str, tuple[float, float | None]] = {}
            for _ in range(args.repeat):
                for label, tree in trees.items():
                    with TemporaryDirectory() as out:
                        found = measured(tree, ROWS[name][1].format(place=place, out=out))
                    best[label] = min(best.get(label, found), found, key=lambda f: f[0])
            cells = [f"{t:.2f}" + ("" if p is None else f" ({p:.2f})") for t, p in best.values()]
            ratio = f"{best['now'][0] / best['before'][0]:.2f}" if "before" in best else ""
            print(f"| {name} | {' | '.join(cells)} | {ratio} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
