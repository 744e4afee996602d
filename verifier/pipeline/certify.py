"""`certify`: read the pair, let the constructions propose, let the kernel bound, write one certificate.

Proofs come first and are written at once; estimates, which may take long and prove nothing, follow and are added to the same file.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from verifier.campaign.blocks import blocks_on
from verifier.campaign.runner import runner
from verifier.certificate.document import embeds
from verifier.certificate.file import read_certificate
from verifier.data.targets import said
from verifier.elaboration import endpoint_claims
from verifier.errors import CertificateFormatError, UsageError, VerifierError, said_by
from verifier.kernel.statements import EndpointValue
from verifier.landscape.kept_layers import ways
from verifier.networks.network import Network, activation_words
from verifier.networks.padding import padding_words
from verifier.numbers import plural
from verifier.objective.objective import Objective
from verifier.options.certify import SEARCHES, CertifyOptions
from verifier.options.declare import accepts, require_none_left, taken
from verifier.options.objective import ObjectiveOptions
from verifier.options.reading import Reading, taken_reading
from verifier.paths.curves.dss_presets import PRESETS, require_fits
from verifier.paths.curves.strings import string_file
from verifier.pipeline.constructions.proposal import Request, propose, why_undefined
from verifier.pipeline.constructions.registry import CONSTRUCTIONS, Construction, chosen, require_used
from verifier.pipeline.endpoints import polished, read_setting
from verifier.pipeline.gather import gather
from verifier.pipeline.places import default_name, require_certificate, require_outputs, require_own_data
from verifier.pipeline.provenance import provenance
from verifier.pipeline.record import called, data_record, endpoint_record, from_words, options_record
from verifier.pipeline.result import CertifyResult
from verifier.pipeline.setting import Setting
from verifier.pipeline.work import Work
from verifier.pipeline.write import write
from verifier.training.train import require_device

Say = Callable[[str], None]
# An estimate may take this many times the CPU seconds of the proof, and at least so many.
ESTIMATE_SHARE, ESTIMATE_LEAST = 4.0, 10.0


@accepts(ObjectiveOptions, CertifyOptions, Reading)
def certify(
    a: Any,
    b: Any,
    data: Any = None,
    *,
    objective: ObjectiveOptions | Objective | None = None,
    options: CertifyOptions | None = None,
    out: str | Path | None = None,
    jobs: int = 1,
    scheduler: str | None = None,
    say: Say | None = None,
    **keywords: Any,
) -> CertifyResult:
    """Certified upper bounds on the energy gap between two networks, written to a certificate that anyone can check.

    a, b: checkpoint paths, torch modules, state dicts of tensors or arrays, or `Network`s, of one architecture.
    data: a `Dataset`, a pair (X, y), or the word after --data (see `load_data`). None: as both checkpoints recorded. The objective is the exact mean over it.
    objective, options: values in place of keywords; keywords that are given besides replace what they say.
    out: certificate file; default certificates/<names>-<hash>.safetensors. say: receives progress sentences, endpoints first.
    jobs: processes on this machine that the kernel's and the samples' blocks are shared out to; scheduler: address of a dask scheduler instead. The
        certificate is the same (docs/many.md); constructions propose in this process.

    The certificate is written as soon as the constructions are done, and again when estimates (DSS, trained curves) have ended or their time is over.
    Stopped by KeyboardInterrupt, it writes what is proved so far, and raises it.

    Raises UsageError, CheckpointError or DataError for callers' mistakes, before any long computation; TypeError for an unknown keyword.
    """
    from threadpoolctl import threadpool_limits

    say = say or (lambda text: None)
    asked, options = asked_for("certify", objective, options, keywords)
    constructions = _wanted(options)
    inputs = (a, b, data, string_file(options.string))
    require_outputs(out, map(options.state_file, SEARCHES), constructions, inputs)
    with threadpool_limits(limits=1), runner(jobs, scheduler, say=say) as run, blocks_on(run):
        setting = read_setting(a, b, data, asked, options)
        require_defined(setting.A.network, setting.objective, options, constructions, setting.B.network)
        setting = _prepared(setting, options, say)
        target = default_name(a, b, setting.problem) if out is None else out
        target = require_certificate(target, constructions, inputs)
        if not embeds(setting.problem):
            require_own_data(target, setting.problem)
        work = _begun(setting, asked, options, say)
        return _run(setting, constructions, options, work, target, say)


def asked_for(
    function: str, objective: Any, options: CertifyOptions | None, keywords: dict[str, Any], **defaults: Any
) -> tuple[ObjectiveOptions, CertifyOptions]:
    """The two values behind a door's arguments. defaults: of options that are neither in `options` nor among the keywords."""
    if objective is not None and not isinstance(objective, (Objective, ObjectiveOptions)):
        raise UsageError(f"objective: expected an Objective or ObjectiveOptions, got {type(objective).__name__}")
    if options is not None and not isinstance(options, CertifyOptions):
        raise UsageError(f"options: expected CertifyOptions, got {type(options).__name__}")
    if isinstance(objective, Objective):
        if objective.weights is not None:
            raise UsageError(
                "objective: has sample weights already; name them with weights=, where samples are prepared"
            )
        objective = objective.options
    left = dict(keywords)
    asked = taken(ObjectiveOptions, left, objective)
    read = taken(CertifyOptions, left, CertifyOptions(**defaults) if options is None else options)
    read = replace(read, reading=taken_reading(left, read.reading))
    own = ("objective", "options", "out", "say", "jobs", "scheduler")
    require_none_left(function, left, ObjectiveOptions, CertifyOptions, Reading, own=own)
    return asked, read


def _wanted(o: CertifyOptions) -> tuple[Construction, ...]:
    """The constructions to run, estimates last. Raises UsageError for options that contradict each other or that nothing here has."""
    found = chosen(o.method, up_to_permutation=True)
    string = CONSTRUCTIONS["string"]
    if o.string is not None and string not in found:
        found = (string, *found) if o.method != "all" else (string,)
    above = tuple(c.name for c in CONSTRUCTIONS.values() if c.above_shared)
    if o.method == "all" and o.hidden_layers == "frozen":
        found = tuple(c for c in found if c.above_shared)
    for layers, fit in (
        ("output_layer", ("exact",)),
        ("hidden_layers", above),
    ):
        if getattr(o, layers) != "trained" and not {c.name for c in found} <= set(fit):
            which = "method exact alone" if len(fit) == 1 else f"all, or some of {', '.join(fit)}"
            raise UsageError(
                f"{layers} {getattr(o, layers)!r} with method {o.method!r}: expected trained, or frozen with {which}, "
                f"as other paths move the {layers.replace('_', ' ')}"
            )
    require_possible(o, found)
    return tuple(sorted(found, key=lambda c: c.estimates))


def require_possible(o: CertifyOptions, found: tuple[Construction, ...]) -> None:
    """Raise UsageError for a torch device that is not here, and for options that would change nothing with these constructions."""
    require_used(o, found)
    if o.device != "cpu":
        import torch

        require_device(torch, o.device)


def require_defined(
    network: Network,
    objective: Objective,
    o: CertifyOptions,
    found: tuple[Construction, ...],
    other: Network | None = None,
) -> None:
    """Raise UsageError where nothing of what was named is defined for these networks, or an estimate is not, rather than after the proof.

    other: B where there is one pair.
    """
    if any(c.name == "dss" for c in found):
        require_fits(PRESETS[o.dss_preset], network, objective)
    pair = None if other is None else (network, other, objective)
    reasons = [why_undefined(c, network, o, pair) for c in found]
    if all(reasons):
        raise UsageError("; ".join(r for r in reasons if r))
    try:
        objective.penalty_form.check(network)
    except UsageError:
        # What suits the others would lead from one refusal to the next where exact was named, and covers the pair with another penalty.
        exact = next((r for c, r in zip(found, reasons) if c.above_shared and r and o.method != "all"), None)
        if exact is None or pair is None or not any(ways(*pair)):
            raise
        raise UsageError(exact) from None


def _prepared(s: Setting, o: CertifyOptions, say: Say) -> Setting:
    """What was asked to be done to the networks before; padding was done on reading, and is said here."""
    for name, narrow in s.padded_from.items():
        say(f"{name}: {padding_words(narrow, s.A.network.widths)}")
    if o.pad and not s.padded_from:
        say("pad: A and B have the same widths, so there was nothing to add")
    return polished(s, say) if o.polish else s


def _begun(s: Setting, asked: ObjectiveOptions, o: CertifyOptions, say: Say) -> Work:
    """The values of both endpoints as claims, the record begun, and both said, so that a wrong data set is seen at once."""
    work = Work(claims=list(endpoint_claims(s.problem)))
    ends: list[EndpointValue] = [c for c in work.claims if isinstance(c, EndpointValue)]
    work.record = {
        "endpoints": {n: endpoint_record(e, s, c) for (n, e), c in zip((("A", s.A), ("B", s.B)), ends)},
        "data": data_record(s.data),
        "architecture": {
            **s.A.network.described.as_json(), "biases": list(s.A.network.architecture[1]), "negative_slope": s.A.network.negative_slope,
        },
        "paths": {}, "estimates": [], "apriori": [], "programs": [], "tables": {}, "regions": [], "regions_crossed": {}, "skipped": [],
        "provenance": provenance(options_record(s, asked, o)),
    }  # fmt: skip
    for name, e in work.record["endpoints"].items():
        accuracy = "" if e["accuracy"] is None else f", accuracy {e['accuracy']:.4f}"
        say(
            f"{name}: F = {e['F']:.6g} (loss {e['loss']:.6g}, kappa P {e['penalty']:.6g}){accuracy}{from_words(e['source'])}"
        )
    say(
        f"data {s.data.name}: {plural(s.data.samples, 'sample')}, {plural(s.data.dimension, 'feature')}; "
        f"network {s.A.network.described}, {activation_words(s.A.network.negative_slope)}; "
        f"loss {s.objective.loss.name}, kappa {s.objective.kappa:g}, penalty {s.objective.penalty}"
    )
    for words in (*called(s), *said(s.data)):
        say(words)
    return work


def _run(
    s: Setting, constructions: tuple[Construction, ...], o: CertifyOptions, work: Work, target: Path, say: Say
) -> CertifyResult:
    """Every construction in turn, proofs before estimates, and what was found to the file."""
    start, decided = time.process_time(), None
    of_all, result = o.method == "all" and o.string is None, None
    refused: dict[str, UsageError] = {}
    try:
        for c in constructions:
            proved = any(b.gap == 0.0 for b in work.between)
            posed = c.posed if s.A.network.shallow else c.posed_in_depth
            if of_all and not o.exhaustive and not (c.estimates or posed) and proved:
                work.record["skipped"].append(
                    f"{c.name}: not needed, the gap over E is 0 already (--exhaustive runs it)"
                )
                continue
            request = Request(o, of_all, proved, work.barrier, waypoints=work.posed, say=say)
            if decided is None and (proved or c.estimates):
                decided = time.process_time() - start
            if c.estimates:
                if result is None and work.bounds:
                    result = write(s, work, target, o.level, say)
                request = replace(request, seconds=_budget(o, decided or 0.0))
            try:
                proposal = propose(c, s, request)
                if proposal.skipped and proposal.empty and not of_all:
                    raise UsageError(proposal.skipped)
                gather(proposal, c, s, request, work, say)
            except UsageError as error:
                # What is certified already, or will be by another, is not lost with a construction that does not apply.
                refused[c.name] = error
                why = said_by(c.name, error)
                work.record["skipped"].append(why)
                if len(constructions) > 1:  # else it is what the run ends with
                    say(f"{why}: skipped")
        if refused and not work.proved and not work.estimates:
            raise next(iter(refused.values()))
        if not work.proved and not work.estimates and _proves_more(target):
            # A certificate of endpoint values alone must not take the place of one that proves more.
            why = "; ".join(work.record["skipped"]) or "what was asked for proposes none"
            raise UsageError(f"nothing was proved ({why}), and {target} stays as it is; --out writes elsewhere")
        why_not = {name: said_by(name, error) for name, error in refused.items() if not of_all}
        return replace(write(s, work, target, o.level, say), refused=why_not)
    except (KeyboardInterrupt, Exception) as stop:
        # Whatever ends a run early, what is proved is kept; where the tool contradicts itself (VerifierError), nothing is.
        if work.proved and not isinstance(stop, VerifierError):
            work.record["skipped"].append("interrupted: what was not begun is missing here")
            # Again even where a file was written before the estimates: one of them may have been certified since.
            result = write(s, work, target, o.level, say)
            say(f"interrupted; what is proved so far is in {target}: {result.sentence}")
        raise


def _proves_more(target: Path) -> bool:
    """Whether a certificate lies there already that claims more than the values of its networks."""
    if not target.exists():
        return False
    try:
        return any(not isinstance(c, EndpointValue) for c in read_certificate(target).claims)
    except CertificateFormatError:
        return False  # damaged, or of an earlier format: nothing that could be read is lost


def _budget(o: CertifyOptions, spent: float) -> float:
    """CPU seconds for an estimate after a proof that took so many."""
    return max(ESTIMATE_LEAST, ESTIMATE_SHARE * spent) if o.estimate_seconds is None else o.estimate_seconds
