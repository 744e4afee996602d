"""A real dask scheduler with two worker processes, one of which is killed midway."""

import os
import signal
import subprocess
import sys

import pytest

from tests.sweep.conftest import assert_all_whole, events
from tests.sweep.test_kill import PAIRS, count, start, wait_for

pytest.importorskip("distributed")


@pytest.fixture
def cluster(tmp_path):
    """(address, [worker processes]): `dask scheduler` and two `dask worker`s without a nanny that would start them again."""
    place = tmp_path / "scheduler.json"
    processes = []

    def dask(*words):
        with open(tmp_path / f"dask-{len(processes)}.log", "wb") as log:
            command = [sys.executable, "-m", "dask", *words, "--scheduler-file", str(place)]
            processes.append(
                subprocess.Popen(
                    command, stdout=log, stderr=log, cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": "1"}
                )
            )
        return processes[-1]

    dask("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    wait_for(place.exists, processes[0])
    import json

    workers = [
        dask("worker", "--nthreads", "1", "--no-nanny", "--no-dashboard", "--name", f"w{k}", "--local-directory",
             str(tmp_path / f"w{k}"))
        for k in range(2)
    ]  # fmt: skip
    yield json.loads(place.read_text())["address"], workers
    for process in reversed(processes):
        process.kill()
        process.wait()


@pytest.mark.slow
def test_one_of_two_workers_is_killed(sweep_file, tmp_path, cluster):
    address, workers = cluster
    folder = tmp_path / "out"
    words = (sweep_file(2 * PAIRS), "--backend", "dask", "--scheduler", address, "--out", folder, "--no-report")
    log = lambda worker: len(list((folder / "log").glob(f"*-{worker.pid}.jsonl")))
    with start(*words) as process:
        # both workers have worked, and pairs are under way
        wait_for(lambda: count(folder, "certificates") >= 2 and all(map(log, workers)), process)
        workers[0].send_signal(signal.SIGKILL)
        before = count(folder, "certificates")
        out, errors = process.communicate(timeout=300)
    assert before < PAIRS
    assert process.returncode == 0, errors
    assert out.startswith(f"CERTIFIED {PAIRS} pairs: {PAIRS} certified")
    assert count(folder, "networks") == 2 * PAIRS
    assert count(folder, "certificates") == PAIRS
    # A task is logged when its file is in place; the one that was under way is done by the other worker, no other twice.
    done = events(folder)
    assert max(done.values()) == 1
    assert 3 * PAIRS - 1 <= len(done) <= 3 * PAIRS
    assert_all_whole(folder)
    with start(*words) as process:
        out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert f"certificates: 0 made, {PAIRS} kept" in errors
    assert "networks: 0 trained" in errors
    assert events(folder) == done


def test_no_scheduler_there(sweep_file, tmp_path, monkeypatch):
    from verifier.campaign import runner
    from verifier.errors import UsageError

    monkeypatch.setattr(runner, "CONNECT_SECONDS", 1)
    with (
        pytest.raises(UsageError, match=r"no dask scheduler answers at tcp://127\.0\.0\.1:9 "),
        runner.runner(scheduler="tcp://127.0.0.1:9"),
    ):
        pass
