"""`certify`: read the pair, let the constructions propose, let the kernel bound, write one certificate."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any

import numpy as np

from verifier.certificate import make_document, write_certificate, write_data
from verifier.certificate.hashing import arrays_sha256
from verifier.data.targets import said
from verifier.data.weights import Weighting
from verifier.elaboration import ElaboratedPath, elaborate_path, endpoint_claims, head_claim, kernel_problem
from verifier.errors import UsageError, VerifierError
from verifier.kernel import check
from verifier.kernel.statements import EndpointValue, Problem
from verifier.networks.network import activation_words
from verifier.networks.padding import padding_words
from verifier.networks.reading import Reading
from verifier.numbers import show_up
from verifier.outcomes import CertifiedBound
from verifier.paths.strings import save_string, string_file
from verifier.pipeline.endpoints import Setting, polished, read_setting
from verifier.pipeline.exact import barrier_and_record, require_consistent
from verifier.pipeline.methods import ONE_HIDDEN_LAYER, Options, Proposal, chosen, propose, require_options
from verifier.pipeline.places import require_certificate, require_outputs
from verifier.pipeline.provenance import provenance
from verifier.pipeline.record import endpoint_record, estimate_record, path_record, plain, plane_record, program_record
from verifier.pipeline.result import CertifyResult
from verifier.pipeline.sampling import Samples, sample_path
from verifier.pipeline.verdict import UP_TO, verdict
from verifier.pipeline.work import Work

# A chord is cut until its certified maximum is within this factor of its sampled one, or under E.
TIGHT = 1e-4


class SampledAboveCertified(VerifierError):
    """A float64 sample of a path lies above its certified maximum: the kernel or the sampler is wrong. Never ignored."""


def certify(
    a: Any,
    b: Any,
    data: Any = None,
    *,
    loss: str | None = None,
    delta: float | None = None,
    kappa: float | None = None,
    penalty: str | None = None,
    penalise_output_bias: bool | None = None,
    level: float | None = None,
    method: str = "all",
    layout: str | Reading | None = None,
    negative_slope: float | None = None,
    data_options: dict[str, Any] | None = None,
    out: str | FilePath | None = None,
    seed: int = 0,
    dss_preset: str = "paper",
    device: str = "cpu",
    tight: float = TIGHT,
    string: str | FilePath | None = None,
    polish: bool = False,
    exhaustive: bool = False,
    most_cells: int = 200_000,
    state: str | FilePath | None = None,
    output_layer: str = "trained",
    weights: Any = None,
    class_weight: Any = None,
    pos_weight: float | None = None,
    pad: bool = False,
    progress: bool = False,
    say: Callable[[str], None] | None = None,
) -> CertifyResult:
    """Certified upper bounds on the energy gap between two networks, written to a certificate that anyone can check.

    a, b: checkpoint paths, torch modules, state dicts of tensors or arrays, or `Network`s, of one architecture.
    data: a `Dataset`, a pair (X, y), or the word after --data (see `load_data`; data_options are its options). None: as
        both checkpoints recorded. The objective is the exact mean over it.
    loss, delta, kappa, penalty, penalise_output_bias: the objective (see `make_objective`); None: as both checkpoints recorded.
    level: also bound the gap over this value of F, and answer whether a path below it was found.
    layout: weight keys in order, or a `verifier.Reading`, where a checkpoint leaves open what is the network.
    negative_slope: of the networks' Leaky ReLU, 0 for ReLU. None: as the checkpoints or modules say, else ReLU.
    method: "all", or some of `verifier.pipeline.methods.CONSTRUCTIONS`, comma-separated.
    out: certificate file; default certificates/<names>-<hash>.safetensors.
    seed: of DSS and of Theorem 2's reference network. tight: chords are cut until their certified maximum is within this factor
    of the sampled one, or under E. string: an .npz polyline to certify (`load_string`). polish: replace both endpoints by what
    they become when trained on (`verifier.paths.polish`), so that slack under E is visible. exhaustive: with method "all", run every
    construction; otherwise constructions stop once the gap over E is certified to be 0 (the DSS estimate runs all the same).
    weights: one number >= 0 per sample of the prepared data: F is then the weighted mean of the losses, the weights divided by their sum. class_weight:
    "balanced", or {label: weight}. pos_weight: of the samples of class 1, logistic loss (`verifier.data.weights.Weighting`, docs/weights.md).
    pad: give the narrower layers of A or B dead neurons where widths differ; the networks of the certificate are then the padded ones, the same functions.
    most_cells, state: of method "exact" (`verifier.landscape.gap.exact_gap`). output_layer: "frozen" asks for paths that keep the last layer, which both
    networks must share; only method "exact" keeps it.
    say: receives progress sentences, endpoints first.

    Raises UsageError, CheckpointError or DataError for callers' mistakes, before any long computation.
    """
    from threadpoolctl import threadpool_limits

    say = say or (lambda text: None)
    names = chosen(method, up_to_permutation=True)
    require_options(tight, device)
    if string is not None and "string" not in names:
        names = ("string", *names) if method != "all" else ("string",)
    objective_options = {
        "loss": loss, "delta": delta, "kappa": kappa, "penalty": penalty, "penalise_output_bias": penalise_output_bias,
    }  # fmt: skip
    if output_layer != "trained" and (output_layer != "frozen" or names != ("exact",)):
        raise UsageError(
            f"output_layer {output_layer!r} with method {method!r}: expected trained, or frozen with method exact alone, as other paths move the output layer"
        )
    if level is not None and not np.isfinite(level):
        raise UsageError(f"level must be a finite number, got {level}")
    level = None if level is None else float(level)
    inputs = (a, b, data, string_file(string))
    require_outputs(out, state, names, inputs)
    with threadpool_limits(limits=1):
        setting = read_setting(
            a, b, data, layout=layout, negative_slope=negative_slope, data_options=data_options or {}, objective_options=objective_options,
            weighting=Weighting(weights, class_weight, pos_weight), pad=pad,
        )  # fmt: skip
        for name, narrow in padded_from(setting).items():
            say(f"{name}: {padding_words(narrow, setting.A.network.widths)}")
        if pad and not padded_from(setting):
            say("pad: A and B have the same widths, so there was nothing to add")
        if polish:
            setting = polished(setting, say)
        problem = kernel_problem(
            setting.A.network, setting.B.network, setting.objective, setting.data.X, setting.targets
        )
        target = require_certificate(default_name(a, b, problem) if out is None else out, names, inputs)
        options = {
            **objective_options,
            "method": method,
            "level": level,
            "seed": seed,
            "dss_preset": dss_preset,
            "tight": tight,
            # Networks of `certify --all` come polished and padded.
            "polish": setting.A.polished or setting.B.polished,
            "pad": pad or bool(padded_from(setting)),
            "weights": weights is not None,
            "class_weight": plain(class_weight),
            "pos_weight": pos_weight,
            "exhaustive": exhaustive,
            "output_layer": output_layer,
            "negative_slope": setting.A.network.negative_slope,
        }
        work = _endpoints(setting, problem, options, say)
        refused: list[UsageError] = []
        for name in names:
            if method == "all" and not exhaustive and name != "dss" and any(b.gap == 0.0 for b in work.between):
                work.record["skipped"].append(f"{name}: not needed, the gap over E is 0 already (--exhaustive runs it)")
                continue
            asked = Options(
                level=level, seed=seed, dss_preset=dss_preset, device=device, progress=progress, tight=tight,
                string=None if string is None else str(string), most_cells=most_cells, state=None if state is None else str(state),
                of_all=method == "all", output_layer=output_layer,
            )  # fmt: skip
            try:
                _construct(name, setting, problem, asked, work, say)
            except UsageError as error:
                # What is certified already, or will be by another, is not lost with a construction that does not apply.
                refused.append(error)
                work.record["skipped"].append(f"{name}: {error}")
                say(f"{name}: {error}: skipped")
        if refused and not work.bounds and not work.estimates:
            raise refused[0]
        return _finish(setting, problem, work, target, level, say)


def default_name(a: Any, b: Any, problem: Problem) -> FilePath:
    """certificates/<a>-<b>-<hash of data and parameters>.safetensors."""
    stems = [FilePath(x).stem if isinstance(x, (str, FilePath)) else n for x, n in ((a, "A"), (b, "B"))]
    arrays = {"X": problem.X, "targets": problem.targets}
    arrays |= {} if problem.weights is None else {"weights": problem.weights}
    for name, p in (("A", problem.A), ("B", problem.B)):
        arrays |= {
            f"{name}{l}{part}": v
            for part, vs in (("W", p.weights), ("b", p.biases))
            for l, v in enumerate(vs)
            if v is not None
        }
    # Everything the problem is about: with another loss or activation the same parameters are another pair.
    digest = arrays_sha256({**arrays, repr(problem.objective): np.array([problem.negative_slope])})
    return FilePath("certificates") / f"{stems[0]}-{stems[1]}-{digest[:8]}.safetensors"


def padded_from(s: Setting) -> dict[str, tuple[int, ...]]:
    """The widths before padding, by "A" and "B", of those networks that were padded."""
    return {n: e.padded_from for n, e in (("A", s.A), ("B", s.B)) if e.padded_from is not None}


def _endpoints(s: Setting, problem: Problem, options: dict[str, Any], say: Callable[[str], None]) -> Work:
    work = Work(claims=list(endpoint_claims(problem)))
    work.record = {
        "endpoints": {n: endpoint_record(e, s, c) for (n, e), c in zip((("A", s.A), ("B", s.B)), work.claims)},
        "data": {
            "name": s.data.name, "task": s.data.task, "samples": s.data.samples, "features": s.data.dimension,
            "recipe": s.data.recipe, "source_sha256": s.data.source_sha256, "sha256_of_X_and_y": s.data.sha256(),
        },
        "architecture": {
            "widths": list(s.A.network.widths), "biases": list(s.A.network.architecture[1]), "negative_slope": s.A.network.negative_slope,
        },
        "paths": {}, "estimates": [], "apriori": [], "programs": [], "tables": {}, "skipped": [],
        "provenance": provenance(options),
    }  # fmt: skip
    for name, e in work.record["endpoints"].items():
        accuracy = "" if e["accuracy"] is None else f", accuracy {e['accuracy']:.4f}"
        say(
            f"{name}: F = {e['F']:.6g} (loss {e['loss']:.6g}, kappa P {e['penalty']:.6g}){accuracy}  {e['source'].get('file', '')}".rstrip()
        )
    say(
        f"data {s.data.name}: {s.data.samples} samples, {s.data.dimension} features; "
        f"network {'-'.join(map(str, s.A.network.widths))}, {activation_words(s.A.network.negative_slope)}; "
        f"loss {s.objective.loss.name}, kappa {s.objective.kappa:g}, penalty {s.objective.penalty}"
    )
    for words in said(s.data):
        say(words)
    return work


def _construct(
    name: str, s: Setting, problem: Problem, options: Options, work: Work, say: Callable[[str], None]
) -> None:
    """Run one construction; its paths become claims, the rest becomes record."""
    if name in ONE_HIDDEN_LAYER and s.A.network.depth != 2:
        proposal = Proposal(
            skipped=f"{name}: defined for one hidden layer, these networks have {s.A.network.depth - 1}"
        )
    elif name in ONE_HIDDEN_LAYER and s.A.network.negative_slope:
        proposal = Proposal(skipped=f"{name}: defined for ReLU, these networks are Leaky ReLU")
    else:
        proposal = propose(name, s, options)
    for remark in proposal.remarks:
        say(remark)
    if proposal.skipped:
        work.record["skipped"].append(proposal.skipped)
        say(f"{proposal.skipped}: skipped")
    for path in proposal.paths:
        start = time.process_time()
        trimmed = path.without_still_moves()
        elaborated = elaborate_path(
            problem, trimmed, level=options.level, relative=options.tight, output_layer=options.output_layer
        )
        samples = sample_path(trimmed, elaborated.kinds, elaborated.claim.form, s.objective, s.data.X, s.targets)
        _require_order(elaborated, samples)
        spent = proposal.cpu_seconds + time.process_time() - start
        _add_path(elaborated, samples, trimmed, s, problem, spent, work, say)
    if "exact" in proposal.details:
        try:
            barrier, work.record["exact"] = barrier_and_record(problem, proposal.details["exact"], say)
        except VerifierError as error:
            if not options.of_all:
                raise
            # As in methods.exact: nobody asked for it by name, and the paths' bounds stand without it.
            barrier = None
            work.record["skipped"].append(f"exact: no lower bound: {error}")
            say(work.record["skipped"][-1])
        work.claims += [barrier] if barrier is not None else []
    _add_programs(proposal, problem, work)
    if s.objective.weights is None:
        work.record["apriori"] += [a.as_record() for a in proposal.apriori]
    elif proposal.apriori:
        work.record["skipped"].append(
            f"{name}: its a-priori values are about the plain mean over samples, not about sample weights"
        )
    for estimate in proposal.estimates:
        work.estimates.append(estimate)
        work.record["estimates"].append(estimate_record(estimate, proposal.details))
        say(
            f"{estimate.method}: max F {estimate.maximum:.6g}, gap {estimate.gap:.3g} (sampled), {estimate.cpu_seconds:.1f} CPU s"
        )
    if "string" in proposal.details:
        work.strings[name] = proposal.details["string"]
    if "grid" in proposal.details:
        work.record["tables"][name] = proposal.details["grid"]


def _require_order(path: ElaboratedPath, samples: Samples) -> None:
    """Every run asserts it: sampled maximum <= certified maximum of the same path."""
    if not samples.maximum <= path.claim.sup:
        raise SampledAboveCertified(
            f"path {path.claim.path}: a sample of F is {samples.maximum!r}, above the certified maximum {path.claim.sup!r}; "
            "this is a defect of verifier, please report it with the two checkpoints"
        )


def _add_path(
    e: ElaboratedPath,
    samples: Samples,
    path: Any,
    s: Setting,
    problem: Problem,
    spent: float,
    work: Work,
    say: Callable[[str], None],
) -> None:
    c = e.claim
    work.claims.append(c)
    work.labels[c.path] = e.labels
    work.forms[c.path] = c.form
    bound = CertifiedBound(
        c.path, c.sup, c.gap, c.gap_over_lower, c.gap_over_level, spent, c.along(problem), c.permutation is not None
    )
    work.bounds.append(bound)
    work.record["paths"][c.path] = path_record(e, samples, path, s, spent)
    vertices = list(path.vertices())
    if len(vertices) > 2:
        work.waypoints[c.path] = vertices[len(vertices) // 2]
    kinds = {k: e.kinds.count(k) for k in dict.fromkeys(e.kinds)}
    moves = ", ".join(f"{n} {k}" for k, n in kinds.items())
    gap = show_up(c.gap) + " over E" + (UP_TO if bound.up_to_permutation else "")
    say(f"{c.path}: certified gap <= {gap}, max F <= {show_up(c.sup, 8)} ({moves}), {spent:.2f} CPU s")


def _add_programs(proposal: Proposal, problem: Problem, work: Work) -> None:
    for name, program in proposal.programs.items():
        if program.rows is not None and len(program.rows) == 0:
            continue  # half of one neuron is none: the bias alone, which is no head claim
        if program.rows is None:
            raise ValueError(f"program {name} does not say which rows it was solved on")
        claim = head_claim(problem, name, program.rows, program.row_bias, program.head, program.head_bias, program.dual)
        work.claims.append(claim)
        work.record["programs"].append(program_record(name, program, claim))


def _finish(
    s: Setting, problem: Problem, work: Work, target: FilePath, level: float | None, say: Callable[[str], None]
) -> CertifyResult:
    # Paths between A and B themselves first: only they bound its gap.
    work.bounds.sort(key=lambda b: (b.up_to_permutation, b.gap, b.sup))
    require_consistent(work.claims, work.bounds)
    ends = [c for c in work.claims if isinstance(c, EndpointValue)]
    E, least = max(c.upper for c in ends), min(c.upper for c in ends)
    if work.bounds:
        work.record["plane"] = plane_record(s, work.waypoints, work.bounds[0].method, work.forms)
    outcome, sentence = verdict(work, ends, level, weighted=problem.weights is not None)
    work.record["verdict"] = {
        "outcome": outcome.value,
        "sentence": sentence,
        "best": work.bounds[0].method if work.bounds else None,
    }
    for claim in work.claims:
        checked = check(problem, claim)
        if not checked.accepted:
            raise VerifierError(
                f"the kernel rejects what was just produced: {checked.sentence}; this is a defect of verifier, please report it"
            )
    document, arrays = make_document(
        problem, work.claims, data_name=s.data.name, labels=work.labels, record=work.record
    )
    if not document["data"]["embedded"]:
        write_data(target.with_suffix(".data"), problem)
        say(f"data set written beside the certificate: {target.with_suffix('.data')}")
    for name, string in work.strings.items():
        save_string(string, target.with_suffix(f".{name}.npz"))
    if target.exists():
        say(f"{target}: replaces the certificate that an earlier run wrote there; --out keeps both")
    digest = write_certificate(target, document, arrays)
    say(f"certificate {target} (SHA-256 {digest[:16]}...)")
    return CertifyResult(
        outcome,
        sentence,
        E,
        least,
        tuple(work.bounds),
        tuple(work.estimates),
        target,
        padded_from(s),
        problem.weights is not None,
        s.A.polished or s.B.polished,
    )
