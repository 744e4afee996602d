"""Where tasks run: in this process, in local processes (joblib's loky), or on a dask cluster. The task functions are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from verifier.errors import UsageError, VerifierError
from verifier.sweep.tasks import failure

Task = Any
Result = dict[str, Any]
Function = Callable[[Any, str], Result]
# runs function(task, folder) for each task and yields (place of the task in the sequence, result) as they end
Runner = Callable[[Function, Sequence[Task], str], Iterator[tuple[int, Result]]]
CRASHES = 2  # before the remaining tasks get a process each
CONNECT_SECONDS = 15


@contextmanager
def local(jobs: int) -> Iterator[Runner]:
    """One process, or `jobs` of them with one BLAS thread each."""
    yield _in_turn if jobs == 1 else lambda f, tasks, folder: _loky(f, tasks, folder, jobs)


def _in_turn(function: Function, tasks: Sequence[Task], folder: str) -> Iterator[tuple[int, Result]]:
    for k, task in enumerate(tasks):
        yield k, function(task, folder)


def _numbered(function: Function, k: int, task: Task, folder: str) -> tuple[int, Result]:
    return k, function(task, folder)


def _loky(function: Function, tasks: Sequence[Task], folder: str, jobs: int) -> Iterator[tuple[int, Result]]:
    """A process that dies (killed, out of memory) breaks the whole pool: what is left starts again, at last one task per pool."""
    from joblib.externals.loky.process_executor import BrokenProcessPool

    waiting = set(range(len(tasks)))
    for _ in range(CRASHES):
        try:
            for k, result in _pool(function, tasks, sorted(waiting), folder, jobs):
                waiting.discard(k)
                yield k, result
        except BrokenProcessPool:
            continue
        break
    for k in sorted(waiting):
        try:
            yield from _pool(function, tasks, [k], folder, jobs)
        except BrokenProcessPool:
            yield k, failure(VerifierError("the process that ran this task died, killed or out of memory"))


def _pool(
    function: Function, tasks: Sequence[Task], places: list[int], folder: str, jobs: int
) -> Iterator[tuple[int, Result]]:
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(backend="loky", n_jobs=jobs, inner_max_num_threads=1):
        pool = Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="2 * n_jobs")
        yield from pool(delayed(_numbered)(function, k, tasks[k], folder) for k in places)


@contextmanager
def dask(address: str, say: Callable[[str], None]) -> Iterator[Runner]:
    """A dask scheduler somewhere else. Tasks of workers that die run again elsewhere.

    Raises UsageError when dask is not installed or nothing answers at the address.
    """
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
        yield lambda f, tasks, folder: _dask(client, f, tasks, folder)
    finally:
        client.close()


def _dask(client: Any, function: Function, tasks: Sequence[Task], folder: str) -> Iterator[tuple[int, Result]]:
    from distributed import as_completed

    name = function.__name__
    futures = {client.submit(function, t, folder, key=f"{name}-{t.key}", pure=False): k for k, t in enumerate(tasks)}
    for future in as_completed(list(futures), loop=client.loop):
        k = futures.pop(future)
        try:
            result = future.result()
        except Exception as error:  # KilledWorker, lost scheduler: a row, like every failure
            result = failure(VerifierError(f"dask gave this task up: {type(error).__name__}: {error}"))
        future.release()
        yield k, result
