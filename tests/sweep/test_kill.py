"""`kill -9` of a sweep: nothing lost, nothing done twice, no broken file."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.sweep.conftest import assert_all_whole, events, times

PAIRS = 12


def start(*words, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "verifier", "sweep", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        **options,
    )


def wait_for(condition, process=None, seconds=240):
    end = time.monotonic() + seconds
    while not condition():
        if process is not None and process.poll() is not None:
            raise AssertionError(f"ended too early: {process.communicate()}")
        if time.monotonic() > end:
            raise AssertionError("waited too long")
        time.sleep(0.01)


def count(folder, sub):
    return len(list((folder / sub).glob("*"))) if (folder / sub).is_dir() else 0


@pytest.mark.slow
@pytest.mark.parametrize(("sub", "jobs"), [("networks", 1), ("certificates", 1), ("certificates", 2)])
def test_kill_minus_nine(sweep_file, tmp_path, sub, jobs):
    path, folder = sweep_file(2 * PAIRS), tmp_path / "out"
    words = (path, "--out", folder, "--jobs", jobs, "--no-report")
    with start(*words) as process:
        wait_for(lambda: count(folder, sub) >= 3, process)
        process.send_signal(signal.SIGKILL)
    there = times(folder, "networks"), times(folder, sub)
    assert 3 <= len(there[1]) < (PAIRS if sub == "certificates" else 2 * PAIRS)
    assert_all_whole(folder)

    with start(*words) as process:
        out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert out.startswith(f"CERTIFIED {PAIRS} pairs: {PAIRS} certified")
    # Nothing that was there is written again, and only what was under way can have been begun twice.
    for before, name in zip(there, ("networks", sub)):
        assert before.items() <= times(folder, name).items()
    assert count(folder, "networks") == 2 * PAIRS
    assert count(folder, "certificates") == PAIRS
    done = events(folder)
    assert sum(n - 1 for n in done.values()) <= (0 if jobs == 1 else jobs)  # orphaned workers end what they have begun
    wait_for(lambda: count(folder, "scratch") == 0, seconds=20)
    assert_all_whole(folder)


@pytest.mark.slow
def test_a_worker_process_that_is_killed_costs_one_task(sweep_file, tmp_path):
    """The out-of-memory killer takes one process of the pool; the sweep goes on."""
    import psutil

    folder = tmp_path / "out"
    with start(sweep_file(2 * PAIRS), "--out", folder, "--jobs", 2, "--no-report") as process:
        wait_for(lambda: count(folder, "certificates") >= 2, process)
        logged = {int(f.stem.rsplit("-", 1)[1]) for f in (folder / "log").iterdir()}
        victim = next(p for p in psutil.Process(process.pid).children(recursive=True) if p.pid in logged)
        victim.kill()
        out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert out.startswith(f"CERTIFIED {PAIRS} pairs: {PAIRS} certified")
    assert max(events(folder).values()) == 1
    assert_all_whole(folder)
