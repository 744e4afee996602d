"""What a check costs at another commit and here: every claim of some certificates, checked in alternating processes of the two.

    git archive COMMIT | tar x -C /tmp/before
    python -m benchmarks.two_commits /tmp/before certificates/gallery-*.safetensors
    python -m benchmarks.two_commits /tmp/before --evaluation fast --moves 28 string.safetensors

Prints CPU seconds per kind of claim (the least of --rounds) and their ratio, and every computed number that differs by more than 1e-15 of itself. --moves:
only the first moves of each path, to the vertex that they reach. Verdicts that differ end the run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from verifier.certificate import read_certificate
from verifier.certificate.file import data_file
from verifier.kernel import check
from verifier.kernel.statements import PathUpperBound, apply_writes

Found = dict[str, tuple[float, bool, dict[str, float]]]
ANY = 2.0**60


def costs(files: list[str], evaluation: str, moves: int) -> Found:
    """Per claim CPU seconds, verdict and numbers, in this process."""
    out: Found = {}
    for file in files:
        certificate = read_certificate(Path(file), data=data_file(Path(file)))
        for k, claim in enumerate(certificate.claims):
            problem = certificate.problem
            if moves and not isinstance(claim, PathUpperBound):
                continue
            if moves:
                end = problem.A
                for move in claim.moves[:moves]:
                    end = apply_writes(end, move)
                problem = replace(problem, B=end)
                claim = replace(
                    claim, moves=claim.moves[:moves], sup=ANY, gap=ANY, gap_over_lower=ANY, permutation=None
                )
            start = time.process_time()
            verdict = check(problem, claim, evaluation=evaluation)
            spent = time.process_time() - start
            name = f"{Path(file).stem}|{type(claim).__name__} {getattr(claim, 'path', '')}|{k}"
            out[name] = spent, verdict.accepted, {n: float(v) for n, v in verdict.computed.items()}
    return out


def elsewhere(root: str, words: list[str]) -> Found:
    """The same with the package that lies in this folder."""
    code = f"import sys; sys.path.insert(0, {root!r}); exec(open({__file__!r}).read())"
    setting = {**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    words = [sys.executable, "-c", code, "--here", *words]
    return json.loads(subprocess.run(words, env=setting, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("places", nargs="+", metavar="FILE", help="the other commit's folder and the certificates")
    parser.add_argument("--evaluation", default="reference", choices=["fast", "reference"])
    parser.add_argument("--moves", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_intermixed_args()
    if args.here:
        print(json.dumps(costs(args.places, args.evaluation, args.moves)))
        return
    before, *files = args.places
    words = ["--evaluation", args.evaluation, "--moves", str(args.moves), *map(os.path.abspath, files)]
    here = str(Path(__file__).resolve().parent.parent)
    rounds = [(elsewhere(before, words), elsewhere(here, words)) for _ in range(args.rounds)]
    sums: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for name, (_, accepted, numbers) in rounds[0][0].items():
        _, accepted_here, numbers_here = rounds[0][1][name]
        assert accepted == accepted_here, f"{name}: another verdict"
        for n, x in numbers.items():
            if abs(numbers_here[n] - x) > 1e-15 * abs(x):
                print(f"{name}: {n} {x!r}, now {numbers_here[n]!r}")
        file, kind, _ = name.split("|")
        for key in ((file, kind), (file, "all")):
            for side in (0, 1):
                sums[key][side] += min(r[side][name][0] for r in rounds)
    for (file, kind), (old, new) in sums.items():
        print(f"{file:32s} {kind:28s} before {old:8.3f} s  now {new:8.3f} s  ratio {old / new:5.2f}")


if __name__ == "__main__":
    main()
