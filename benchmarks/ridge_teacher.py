"""The 30 ridge-teacher pairs of the peer's data: certified gap over the listed level and over E, beside the peer's figures.

    python -m benchmarks.ridge_teacher ../shared/data

Objective: mean Huber loss (delta 0.25) + 0.002 l1 of theta, networks without biases. The peer's figures come from its own run (README of the data).
"""

from __future__ import annotations

import csv
import os
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from verifier.networks.network import one_hidden_layer
from verifier.pipeline.certify import certify

PEER = ("peer_dss_sampled_gap", "peer_dss_certified_gap", "peer_proof_certified_gap", "peer_line_certified_gap")


def main(folder: Path) -> None:
    arrays = np.load(folder / "ridge_teacher_n2_huber.npz")
    spent, failed = [], []
    print("width, pair | gap over E | gap over level | peer's best certified | method | CPU s")
    with open(folder / "ridge_teacher_n2_huber_pairs.csv", newline="") as handle, TemporaryDirectory() as scratch:
        for row in csv.DictReader(handle):
            width, level = int(row["width"]), float(row["level"])
            nets = [
                one_hidden_layer(*(arrays[f"w{width}_m{row[side]}_{part}"] for part in ("W", "theta")))
                for side in ("left", "right")
            ]
            start = time.process_time()
            r = certify(*nets, (arrays["X"], arrays["y"]), loss="huber", delta=0.25, kappa=0.002, penalty="l1", level=level,
                        method="exchange", out=Path(scratch) / "c.safetensors")  # fmt: skip
            if not all(v.accepted for v in r.check()):
                raise SystemExit("the kernel rejects what certify wrote")
            spent.append(time.process_time() - start)
            best, peer = r.bounds[0], min(float(row[name]) for name in PEER[1:])
            over = min(b.gap_over_level for b in r.bounds if b.gap_over_level is not None)
            if over > peer or best.gap > (0.0 if width >= 16 else 1e-5):
                failed.append((width, row["left"], row["right"]))
            print(
                f"{width}, {row['left']}-{row['right']} | {best.gap:.3g} | {over:.3g} | {peer:.3g} | {best.method} | {spent[-1]:.2f}",
                flush=True,
            )
    print(
        f"{len(spent)} pairs, targets missed on {len(failed)} {failed}; CPU s median {median(spent):.2f}, max {max(spent):.2f}"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data"))
