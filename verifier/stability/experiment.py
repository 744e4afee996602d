"""Running the experiments: each network and each series of figures is stored under its key as soon as it is known, and kept when asked for again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from verifier.campaign import folder as store
from verifier.campaign.networks import own_checkpoint
from verifier.campaign.records import digest
from verifier.campaign.runner import HERE, Runner
from verifier.data.dataset import Dataset
from verifier.data.load import load_recorded, load_test
from verifier.data.weights import require_unweighted
from verifier.distribution import tool_version
from verifier.errors import UsageError, VerifierError
from verifier.networks.checkpoint import save_checkpoint
from verifier.networks.network import Network
from verifier.numbers import plural
from verifier.objective import Risk
from verifier.options.training import TrainingOptions
from verifier.pipeline.endpoints import encoded, read_data, read_endpoint, read_objective, with_shape_of
from verifier.pipeline.setting import Endpoint
from verifier.stability.measure import Judge, experiment_a, experiment_b
from verifier.stability.plan import Member, Settings, Source
from verifier.stored import code_version
from verifier.training.train import train_network
from verifier.training.vgg import train_vgg11

TITLES = {
    "a": "experiment (A), uniform subsets", "search": "(A) with the tool's own choices", "b": "experiment (B), dropout",
    "forgotten": "(B) with forgotten biases",
}  # fmt: skip


def run_members(
    members: Sequence[Member],
    source: Source,
    settings: Settings,
    folder: Path,
    *,
    workers: Runner = HERE,
    measure: bool = True,
    say: Callable[[str], None] = lambda text: None,
) -> Iterator[dict[str, Any]]:
    """One record per network, in any order: see `measured`. folder: opened by `campaign.folder.opened`. measure: False only trains.

    Stopping at any time loses at most the series in work. Raises UsageError and MalformedInputError for callers' mistakes, VerifierError when a
    worker was lost: its networks are missing, and the others' are kept for the next run.
    """
    work = partial(measured, source=source, settings=settings, folder=str(folder), measure=measure)
    if not workers.remote:
        work = partial(work, say=say)
    for _, record in workers.run(work, members, _lost, what="networks"):
        if workers.remote:
            for line in _lines(record):
                say(line)
        yield record


def _lost(member: Member, error: VerifierError) -> dict[str, Any]:
    raise VerifierError(f"{member.name}: {error}; run the command again, what is done is kept")


def measured(
    member: Member,
    *,
    source: Source,
    settings: Settings,
    folder: str,
    measure: bool = True,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Train the network where it is missing and measure what is not stored; JSON-able.

    Result: name, file, widths (n_0..n_L), architecture, seed, F, loss, accuracy, samples, data, objective, sha256, and series: per name
    {"points": [LayerLoss as a dict], "seconds": CPU, "kept": whether it was stored}.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        spent = _train_missing(member, Path(folder))
        e, judge = judged(member, source)
        objective, data = judge.objective, judge.data
        if e.network.depth < 2:
            raise UsageError(f"{member.name}: has no hidden layer, so there is nothing to remove from it")
        objective.penalty_form.check(e.network)
        risk = Risk(objective, data.X, encoded(objective, data, e.network))
        record: dict[str, Any] = {
            "name": member.name, "file": member.file, "widths": list(e.network.widths), "sha256": e.network.sha256(),
            "seed": e.settings.get("seed"), "F": risk.value(e.network), "loss": risk.loss_value(e.network), "accuracy": objective.accuracy(e.network, data),
            "samples": data.samples, "data": data.name, "data_sha256": data.sha256(), "objective": _words(objective),
            "architecture": repr(e.network.architecture), "training_seconds": spent,
            "test": _test_record(e.network, judge), "training": e.settings.get("optimiser"),
        }  # fmt: skip
        say(_lines(record)[0])
        record["series"] = {}
        for name in settings.series if measure else ():
            record["series"][name] = _series(name, e, record, risk, judge, settings, Path(folder))
            say(_lines(record)[-1])
    return record


def judged(member: Member, source: Source) -> tuple[Endpoint, Judge]:
    """The network of a checkpoint that is there, its objective, its data, and what it is tested on."""
    e = read_endpoint(member.file, member.name, with_shape_of(source.data, source.reading))
    objective = read_objective(e, e, source.objective)
    data = read_data(source.data, e, e, source.data_options, objective.loss.name)
    require_unweighted(data, "stability")
    return e, Judge(objective, data, _test_data(data, source.test))


def _test_data(data: Dataset, spec: str | None) -> Dataset | None:
    """The samples that are named, or those that the data's own split left out; None without either."""
    split = data.recipe.get("options", {}).get("train_split")
    return load_test(data, spec) if spec is not None or split is not None else None


def _test_record(network: Network, judge: Judge) -> dict[str, Any] | None:
    """JSON-able: what is tested on, and loss and error of the network there."""
    if judge.test is None:
        return None
    _, loss, error = judge.of(network.predict)
    return {
        "data": judge.test.name, "samples": judge.test.samples, "sha256": judge.test.sha256(), "loss": loss, "error": error,
    }  # fmt: skip


def _lines(r: dict[str, Any]) -> list[str]:
    """What has been found for one network, for people."""
    accuracy = "" if r["accuracy"] is None else f", accuracy {r['accuracy']:.4f}"
    t = r.get("test")
    test = (
        ""
        if t is None
        else f"; test data {t['data']}: loss {t['loss']:.6g}"
        + ("" if t["error"] is None else f", error {t['error']:.4f}")
    )
    out = [f"{r['name']}: F = {r['F']:.6g}{accuracy}, data {r['data']}, {plural(r['samples'], 'sample')}{test}"]
    for name, s in r.get("series", {}).items():
        values = ", ".join(f"{p['value']:.4g}" for p in s["points"])
        out.append(f"  {TITLES[name]}: {values}" + ("  (stored)" if s["kept"] else f"  {s['seconds']:.1f} CPU s"))
    return out


def _words(objective: Any) -> str:
    loss = objective.loss.name
    delta = objective.delta
    loss += "" if delta is None else f" (delta {delta:g})"
    bias = " and the output bias" if objective.penalise_output_bias else ""
    return loss if objective.kappa == 0 else f"{loss} + {objective.kappa:g} {objective.penalty}{bias}"


def _train_missing(member: Member, folder: Path) -> float | None:
    """CPU seconds of training; None when the checkpoint is there, whole, and says that it is this one."""
    t = member.training
    if t is None:
        return None
    target = Path(member.file)
    if target.exists() and own_checkpoint(target, data=t.data, seed=t.seed, hidden=t.widths):
        return None
    start = time.process_time()
    data = load_recorded(t.data)
    if t.shape is None:
        trained = train_network(data, t.widths, seed=t.seed, **t.options)
    else:
        options = TrainingOptions(**{k: v for k, v in t.options.items() if k != "loss"})
        trained = train_vgg11(data, t.shape, t.widths, t.options["loss"], seed=t.seed, options=options)
    spent = time.process_time() - start
    with store.scratch(folder) as place:
        save_checkpoint(
            place / target.name, trained.network,
            {**trained.settings, "data": t.data, "network_sha256": trained.network.sha256(), "cpu_seconds": spent},
        )  # fmt: skip
        store.publish(place / target.name, target)
    return spent


def series_key(name: str, record: dict[str, Any], settings: Settings) -> str:
    """Hash of what decides a series: network, data, objective, what is spent, this code's version."""
    about = {k: record[k] for k in ("sha256", "data_sha256", "objective")}
    test = record.get("test")
    about["test_sha256"] = None if test is None else test["sha256"]
    return digest({"kind": "stability", "code": code_version(), "series": name, **about, **settings.of(name)})


def _series(
    name: str,
    e: Endpoint,
    record: dict[str, Any],
    risk: Risk,
    judge: Judge,
    settings: Settings,
    folder: Path,
) -> dict[str, Any]:
    key = series_key(name, record, settings)
    known = store.read_record(folder, key)
    if known is not None and _whole(known):
        return {**known, "kept": True}
    seed = int(np.random.SeedSequence([settings.seed, int(record["sha256"][:8], 16)]).generate_state(1)[0])
    given = {**settings.of(name), "seed": seed}
    start = time.process_time()
    if name in ("a", "search"):
        points = experiment_a(e.network, risk, search=name == "search", judge=judge, **given)
    else:
        points = experiment_b(e.network, risk, forgotten_biases=name == "forgotten", judge=judge, **given)
    found = {
        "network": record["name"], "series": name, "settings": given, "points": [asdict(p) for p in points],
        "seconds": time.process_time() - start,
        "by": {"verifier": tool_version(), **{k: version(k) for k in ("torch", "numpy", "scipy")}},
    }  # fmt: skip
    store.write_record(folder, key, found)
    return {**found, "kept": False}


def _whole(record: dict[str, Any]) -> bool:
    points = record.get("points")
    return isinstance(record.get("seconds"), float) and isinstance(points, list) and len(points) > 0
