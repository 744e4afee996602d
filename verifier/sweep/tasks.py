"""The two tasks, as any worker process runs them: make what is missing, keep what is there and passes its check, report failures as values."""

from __future__ import annotations

import os
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verifier.campaign import folder as store
from verifier.campaign.failure import failure
from verifier.campaign.networks import own_checkpoint
from verifier.data.load import load_recorded
from verifier.errors import CheckpointError, VerifierError
from verifier.files import file_sha256
from verifier.networks.checkpoint import save_checkpoint
from verifier.objective import Risk
from verifier.options.certify import CertifyOptions
from verifier.outcomes import Outcome
from verifier.pipeline.constructions.proposal import loaded
from verifier.pipeline.constructions.registry import chosen
from verifier.pipeline.endpoints import polished_endpoint, read_objective, read_setting
from verifier.pipeline.kept import NotThis, read_kept
from verifier.pipeline.setting import Endpoint
from verifier.sweep.plan import CertifyTask, TrainTask
from verifier.sweep.rows import certified, recorded
from verifier.training.train import train_network

if TYPE_CHECKING:
    from verifier.data.dataset import Dataset
    from verifier.kernel.statements import Problem
    from verifier.networks.network import Network
    from verifier.options.objective import ObjectiveOptions
    from verifier.pipeline.kept import Kept

# One task at a time per process: CPU seconds are the process's, and flint's precision is a global of it.
_ONE_AT_A_TIME = threading.Lock()


def train(task: TrainTask, folder: str) -> dict[str, Any]:
    """See to it that the network's file is there. Never raises; result: status "ok" or "failed", made, file_sha256, cpu_seconds, reason."""
    return _guarded(lambda: _train(task, Path(folder)), task.key, Path(folder))


def certify(task: CertifyTask, folder: str) -> dict[str, Any]:
    """See to it that the pair's certificate is there and passes the kernel's check, and give its figures.

    Never raises; result: status "certified", "inconclusive", "refuted", "rejected" or "failed", made, reason, exit_code, row (see `rows.certified`).
    """
    return _guarded(lambda: _certify(task, Path(folder)), task.key, Path(folder))


def _guarded(work: Callable[[], dict[str, Any]], key: str, folder: Path) -> dict[str, Any]:
    from threadpoolctl import threadpool_limits

    with _ONE_AT_A_TIME, threadpool_limits(limits=1):
        try:
            store.require_folder(folder)
        except VerifierError as error:
            return failed(error)
        try:
            return work()
        except Exception as error:
            result = failed(error)
            try:
                store.write_record(folder, key, {**result, "traceback": traceback.format_exc(), "by": _me()})
            except Exception as second:  # a full disk, say: the row still carries both reasons
                result["reason"] += f" (and its record could not be written: {second})"
            return result


def failed(error: BaseException) -> dict[str, Any]:
    """A failed task as the value that its row is made of."""
    why = failure(error)
    return {"status": "failed", "made": False, "reason": why.reason, "exit_code": why.exit_code, "row": {}}


def _train(task: TrainTask, folder: Path) -> dict[str, Any]:
    target = store.network_file(folder, task.key)
    kept = _kept_network(task, target, folder)
    if kept is not None:
        return kept
    dataset = load_recorded(task.data)
    start = time.process_time()
    trained = train_network(dataset, task.width, task.loss, seed=task.seed, options=task.training)
    network: Network = trained.network
    notes: dict[str, Any] = {}
    if task.polish is not None:
        network, notes = _polished(trained.network, trained.settings, dataset, task.polish)
    spent = time.process_time() - start
    with store.scratch(folder) as place:
        save_checkpoint(place / target.name, network, {**trained.settings, "data": task.data, **notes,
                        "network_sha256": network.sha256()})  # fmt: skip
        sha256 = file_sha256(place / target.name)
        store.publish(place / target.name, target)
    return _network_result(folder, task.key, sha256, made=True, cpu_seconds=spent)


def _polished(
    network: Network, settings: dict[str, Any], dataset: Dataset, options: ObjectiveOptions
) -> tuple[Network, dict[str, Any]]:
    """The network trained on under the objective its pairs will be certified for, and what that changed."""
    end = Endpoint(network, {}, settings)
    objective = read_objective(end, end, options)
    done = polished_endpoint(
        "network", end, Risk(objective, dataset.X, objective.loss.encode(dataset)), lambda text: None
    )
    return done.network, done.source


def _kept_network(task: TrainTask, target: Path, folder: Path) -> dict[str, Any] | None:
    """None when there is no file, or none that is whole and says of itself that it is this task's network; it is trained again then."""
    if not target.exists():
        return None
    record, sha256 = store.read_record(folder, task.key), file_sha256(target)
    if record is not None and "file_sha256" in record:
        return {**record, "made": False} if record["file_sha256"] == sha256 else None
    if not own_checkpoint(target, data=task.data, seed=task.seed, hidden=(task.width,)):
        return None
    return _network_result(folder, task.key, sha256, made=False, cpu_seconds=None)


def _network_result(folder: Path, key: str, sha256: str, *, made: bool, cpu_seconds: float | None) -> dict[str, Any]:
    result = {"status": "ok", "reason": None, "exit_code": 0, "file_sha256": sha256, "cpu_seconds": cpu_seconds}
    store.write_record(folder, key, {**result, "by": _me()})
    if made:
        store.log(folder, "trained", key)
    return {**result, "made": made}


def _certify(task: CertifyTask, folder: Path) -> dict[str, Any]:
    target = store.certificate_file(folder, task.key)
    files = [store.network_file(folder, key) for key in (task.a, task.b)]
    for file, expected in zip(files, (task.a_sha256, task.b_sha256)):
        if file_sha256(file) != expected:
            raise CheckpointError(f"{file}: is not the file this sweep trained; run the sweep again")
    problem = _problem(task, files)
    kept = _kept_certificate(task, problem, target, folder)
    if kept is not None:
        return kept
    from verifier.pipeline.certify import certify

    with _warm(task.options), store.scratch(folder) as place:
        start = time.process_time()
        result = certify(*files, objective=task.objective, options=task.options, out=place / target.name)
        spent = time.process_time() - start - result.cpu_check
        try:
            found, _ = _read(place / target.name, problem, result.digest)
        except NotThis as why:
            rejected = {**failed(VerifierError(str(why))), "status": "rejected", "exit_code": 5}
            store.write_record(folder, task.key, {**rejected, "by": _me()})
            return rejected
        row = {
            **certified(found, task.options.level),
            **recorded(found.certificate),
            "cpu_certify": spent,
            "cpu_check": result.cpu_check,
        }
        if (place / target.name).with_suffix(".data").exists():
            store.publish((place / target.name).with_suffix(".data"), target.with_suffix(".data"))
        store.publish(place / target.name, target)
    return _pair_result(folder, task, found, row, made=True)


def _problem(task: CertifyTask, files: list[Path]) -> Problem:
    """What the pair's certificate has to be about, read from the networks' files and the data set itself."""
    a, b = files
    return read_setting(a, b, None, task.objective, task.options).problem


def _kept_certificate(task: CertifyTask, problem: Problem, target: Path, folder: Path) -> dict[str, Any] | None:
    """None when there is no certificate of this problem that the kernel accepts; a bad one is then made again.

    Figures that no claim holds, sampled ones and times, are kept where a sealed record says that they are this certificate's.
    """
    if not target.exists():
        return None
    try:
        found, checking = _read(target, problem)
    except NotThis:
        return None
    row = {**certified(found, task.options.level), "cpu_check": checking}
    before = (store.read_record(folder, task.key) or {}).get("row", {})
    if before.get("certificate_sha256") == found.certificate.digest:
        row = {**before, **row, "cpu_check": before.get("cpu_check")}
    return _pair_result(folder, task, found, row, made=False)


def _read(path: Path, problem: Problem, checked: str | None = None) -> tuple[Kept, float]:
    """The certificate, every claim checked, and the CPU seconds of that; checked and NotThis: as of `read_kept`."""
    start = time.process_time()
    return read_kept(path, problem, checked), time.process_time() - start


def _pair_result(folder: Path, task: CertifyTask, found: Kept, row: dict[str, Any], *, made: bool) -> dict[str, Any]:
    outcome, sentence = found.answer(task.options.level)
    reason = None if outcome is Outcome.CERTIFIED else sentence
    result = {"status": outcome.value.lower(), "reason": reason, "exit_code": outcome.exit_code, "row": row}
    store.write_record(folder, task.key, {**result, "by": _me()})
    if made:
        store.log(folder, "certified", task.key)
    return {**result, "made": made}


@contextmanager
def _warm(options: CertifyOptions) -> Iterator[None]:
    """Import what the work needs before its CPU seconds are counted, and keep torch to one thread."""
    import torch

    for construction in chosen(options.method):
        loaded(construction)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _me() -> dict[str, Any]:
    return {"host": socket.gethostname(), "pid": os.getpid()}
