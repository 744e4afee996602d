"""Where tasks run: in this process, in local processes (joblib's loky), or on a dask cluster. The task functions are the same."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from verifier.errors import UsageError, VerifierError

Task = Any
Result = Any
Function = Callable[[Task], Result]
Say = Callable[[str], None]
# Makes a result of a task that no worker could end: killed, out of memory, lost.
Lost = Callable[[Task, VerifierError], Result]
# runs function(task) for each task and yields (place of the task in the sequence, result) as they end
Backend = Callable[[Function, Sequence[Task], Lost], Iterator[tuple[int, Result]]]
CRASHES = 2  # before the remaining tasks get a process each
CONNECT_SECONDS = 15
# Seconds between two sentences about a campaign whose progress nobody watches as a bar.
EVERY = 30.0


def require_workers(jobs: int, scheduler: str | None) -> None:
    """Raise UsageError for a number of processes that cannot be, or that a cluster decides."""
    if jobs < 1:
        raise UsageError(f"--jobs {jobs}: expected at least 1")
    if scheduler is not None and jobs != 1:
        raise UsageError("--jobs is for this machine; with --backend dask the cluster's workers decide")


class Runner:
    """Runs the tasks of a campaign. remote: in other processes, so that tasks travel by pickle. progress: a bar; else `say` hears every EVERY seconds."""

    def __init__(self, backend: Backend, *, remote: bool, progress: bool = False, say: Say = lambda text: None) -> None:
        self._backend, self.remote, self.progress, self._say = backend, remote, progress, say

    def run(
        self, function: Function, tasks: Sequence[Task], lost: Lost, *, what: str, done: int = 0
    ) -> Iterator[tuple[int, Result]]:
        """(place, result) of each task as it ends, with a bar that says how long the rest will take. what: the plural for the bar. done: of the
        tasks that were there before. A VerifierError that `function` raises is raised here; other ends of a worker become lost(task, error)."""
        from tqdm import tqdm

        with tqdm(
            total=done + len(tasks), initial=done, desc=what, file=sys.stderr, disable=not self.progress, smoothing=0.1
        ) as bar:
            started = last = time.monotonic()
            for ended, (k, result) in enumerate(self._backend(function, tasks, lost), 1):
                bar.update()
                now = time.monotonic()
                if not self.progress and now - last >= EVERY and ended < len(tasks):
                    left = (now - started) / ended * (len(tasks) - ended)
                    self._say(f"{what}: {done + ended} of {done + len(tasks)}, about {left:.0f} s left")
                    last = now
                yield k, result

    def in_order(self, function: Function, tasks: Sequence[Task], lost: Lost, *, what: str) -> list[Result]:
        """All results in the order of the tasks."""
        found = dict(self.run(function, tasks, lost, what=what))
        return [found[k] for k in range(len(tasks))]


@contextmanager
def runner(
    jobs: int = 1,
    scheduler: str | None = None,
    *,
    progress: bool = False,
    say: Say = lambda text: None,
) -> Iterator[Runner]:
    """In this process, in `jobs` processes with one BLAS thread each, or on the cluster of a dask scheduler (an address).

    Raises UsageError when dask is not installed or nothing answers at the address.
    """
    require_workers(jobs, scheduler)
    if scheduler is not None:
        with _dask_client(scheduler, say) as client:
            yield Runner(lambda f, tasks, lost: _dask(client, f, tasks, lost), remote=True, progress=progress, say=say)
    elif jobs == 1:
        yield Runner(_in_turn, remote=False, progress=progress, say=say)
    else:
        yield Runner(lambda f, tasks, lost: _loky(f, tasks, lost, jobs), remote=True, progress=progress, say=say)


def _in_turn(function: Function, tasks: Sequence[Task], lost: Lost) -> Iterator[tuple[int, Result]]:
    for k, task in enumerate(tasks):
        yield k, function(task)


HERE = Runner(_in_turn, remote=False)


def _numbered(function: Function, k: int, task: Task) -> tuple[int, Result]:
    return k, function(task)


def _loky(function: Function, tasks: Sequence[Task], lost: Lost, jobs: int) -> Iterator[tuple[int, Result]]:
    """A process that dies (killed, out of memory) breaks the whole pool: what is left starts again, at last one task per pool."""
    from joblib.externals.loky.process_executor import BrokenProcessPool

    waiting = set(range(len(tasks)))
    for _ in range(CRASHES):
        try:
            for k, result in _pool(function, tasks, sorted(waiting), jobs):
                waiting.discard(k)
                yield k, result
        except BrokenProcessPool:
            continue
        break
    for k in sorted(waiting):
        try:
            yield from _pool(function, tasks, [k], jobs)
        except BrokenProcessPool:
            yield k, lost(tasks[k], VerifierError("the process that ran this task died, killed or out of memory"))


def _pool(function: Function, tasks: Sequence[Task], places: list[int], jobs: int) -> Iterator[tuple[int, Result]]:
    from joblib import Parallel, delayed, parallel_config

    # A worker that grew by 300 MB, as torch makes it, is replaced. The thread that replaces it warns first: where warnings are errors that ended the
    # thread, and the campaign waited for ever.
    warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
    # Arrays arrive as they are: joblib's memory maps are of a class of their own, which the kernel refuses.
    with parallel_config(backend="loky", n_jobs=jobs, inner_max_num_threads=1, max_nbytes=None):
        pool = Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="2 * n_jobs")
        yield from pool(delayed(_numbered)(function, k, tasks[k]) for k in places)


@contextmanager
def _dask_client(address: str, say: Say) -> Iterator[Any]:
    """A dask scheduler somewhere else. Tasks of workers that die run again elsewhere."""
    try:
        from distributed import Client
    except ImportError as error:
        raise UsageError("--backend dask needs dask: pip install 'dask[distributed]'") from error
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise UsageError(
            f"no dask scheduler answers at {address} ({error}); start one with `dask scheduler`"
        ) from error
    try:
        workers = len(client.scheduler_info(n_workers=-1)["workers"])
        say(f"dask scheduler {address}: {workers} workers{'' if workers else ', waiting for some'}")
        yield client
    finally:
        client.close()


def _dask(client: Any, function: Function, tasks: Sequence[Task], lost: Lost) -> Iterator[tuple[int, Result]]:
    from distributed import as_completed

    futures = {client.submit(function, t, pure=False): k for k, t in enumerate(tasks)}
    for future in as_completed(list(futures), loop=client.loop):
        k = futures.pop(future)
        try:
            result = future.result()
        except VerifierError:
            raise
        except Exception as error:  # KilledWorker, lost scheduler: a row, like every failure
            result = lost(tasks[k], VerifierError(f"dask gave this task up: {type(error).__name__}: {error}"))
        future.release()
        yield k, result
