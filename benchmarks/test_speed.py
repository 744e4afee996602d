"""Timings that the README and the notes quote; run with `make bench`. Ratios within the run are in `extra_info`."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from verifier.certificate import read_certificate
from verifier.data.load import load_data
from verifier.kernel import check
from verifier.pipeline.certify import certify
from verifier.programs import fast_head, solve_head
from verifier.training.train import train_network


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A Breast Cancer pair of width 200 with all certified constructions, and the CPU seconds it took."""
    data = load_data("paper-breast-cancer")
    nets = [train_network(data, 200, "logistic", seed=i, protocol="paper") for i in range(2)]
    out = tmp_path_factory.mktemp("bench") / "bc200.safetensors"
    start = time.process_time()
    certify(nets[0].network, nets[1].network, data, loss="logistic", kappa=0.001, penalty="l1", penalise_output_bias=True,
            method="exchange,halves,line,theorem2", out=out)  # fmt: skip
    return out, time.process_time() - start, nets[0], data


@pytest.mark.parametrize("evaluation", ["fast", "reference"])
def test_check_of_breast_cancer_200(benchmark, wide, evaluation):
    """Target: fast check under 2 s of CPU and at most a fifth of producing it."""
    out, produced, *_ = wide

    def run():
        c = read_certificate(out)
        return [check(c.problem, claim, evaluation=evaluation).accepted for claim in c.claims]

    start = time.process_time()
    run()
    spent = time.process_time() - start
    benchmark.extra_info |= {
        "cpu_seconds": round(spent, 3),
        "producing_cpu_seconds": round(produced, 2),
        "share_of_producing": round(spent / produced, 4),
    }
    assert all(benchmark.pedantic(run, rounds=3))


@pytest.mark.parametrize("words", [["--help"], ["check"]])
def test_start(benchmark, wide, words):
    """Target: --help and check start within 0.5 s. A check of a missing file is start-up and nothing else."""
    command = [sys.executable, "-m", "verifier", *(words if words == ["--help"] else ["check", "missing.safetensors"])]
    benchmark.pedantic(lambda: subprocess.run(command, capture_output=True, env=os.environ.copy()), rounds=5)


def test_head_solvers(benchmark, wide):
    """The direct Newton head against CVXPY + Clarabel on 455 x 200 logistic with l1."""
    _, _, net, data = wide
    objective = net.objective
    Z, y, prices = net.network.features(data.X), objective.loss.encode(data), objective.row_prices(net.network)
    start = time.process_time()
    reference = solve_head(Z, y, objective, prices, bias=True, name="bench")
    slow = time.process_time() - start
    _head, _bias, value = benchmark(lambda: fast_head(Z, y, objective, prices, True))
    benchmark.extra_info |= {
        "cvxpy_cpu_seconds": round(slow, 3),
        "difference": float(np.abs(value - reference.primal_value)),
    }
