"""One pair on several processes: blocks of samples, the same numbers, memory that does not grow with the number of samples (docs/many.md)."""

import json
import mmap
import os
import tracemalloc
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import verifier
from tests.sweep.test_dask import cluster as cluster
from verifier.campaign.blocks import blocks_on
from verifier.campaign.runner import Runner
from verifier.certificate import file as certificate_file
from verifier.certificate.file import read_certificate
from verifier.certificate.strict import CertificateFormatError
from verifier.cli.main import main
from verifier.errors import UsageError, VerifierError
from verifier.kernel import EndpointValue, check
from verifier.kernel.fast import blocks as fast
from verifier.networks.checkpoint import save_checkpoint
from verifier.networks.network import Network
from verifier.pipeline import sampling


def pair(N, seed=0, widths=(30, 6, 5, 3)):
    """(A, B, X, labels): B is A with another head, so that their path is one move."""
    rng = np.random.default_rng(seed)
    weights = [rng.standard_normal((b, a)) / np.sqrt(a) for a, b in pairwise(widths)]
    biases = [0.1 * rng.standard_normal(b) for b in widths[1:]]
    A = Network(tuple(weights), tuple(biases))
    B = A.replace(-1, 0.5 * rng.standard_normal(weights[-1].shape))
    return A, B, rng.standard_normal((N, widths[0])), rng.integers(0, widths[-1], N)


def certified(folder, N=4000, **more):
    """A certificate whose data lie beside it."""
    A, B, X, y = pair(N)
    out = folder / "c.safetensors"
    return verifier.certify(A, B, (X, y), loss="cross_entropy", method="theorem41", out=out, **more)


@pytest.fixture
def beside(monkeypatch):
    """Data are not embedded, however few."""
    monkeypatch.setattr("verifier.certificate.document.EMBED_LIMIT", 0)


def test_processes_check_the_same_numbers(tmp_path, beside):
    """11,000 samples are three blocks; the third is smaller. Both commands, one and two processes."""
    place = certified(tmp_path, 11000).certificate
    one, two = (verifier.check_file(place, jobs=jobs) for jobs in (1, 2))
    assert one.accepted
    assert [(v.accepted, v.sentence, v.computed) for _, _, v in one.verdicts] == [
        (v.accepted, v.sentence, v.computed) for _, _, v in two.verdicts
    ]
    assert main(["check", str(place), "--jobs", "2"]) == 0


def test_processes_certify_the_same(tmp_path, beside, capsys):
    A, B, X, y = pair(11000)
    for network, name in ((A, "a.pt"), (B, "b.pt")):
        save_checkpoint(tmp_path / name, network)
    np.savez(tmp_path / "d.npz", X=X, y=y)
    documents = []
    for jobs in ("1", "2"):
        words = [
            "--data",
            str(tmp_path / "d.npz"),
            "--loss",
            "cross_entropy",
            "--method",
            "theorem41",
            "--no-report",
            "--jobs",
            jobs,
        ]
        out = tmp_path / jobs / "c.safetensors"
        assert (
            main(["certify", "--pair", str(tmp_path / "a.pt"), str(tmp_path / "b.pt"), *words, "--out", str(out)]) == 0
        )
        documents.append(read_certificate(out).document)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == said[1]
    first, second = documents
    assert first["claims"] == second["claims"]
    assert first["record"]["paths"]["theorem41"]["sampled"] == second["record"]["paths"]["theorem41"]["sampled"]


def test_sampling_in_blocks_is_sampling_all_at_once(tmp_path, monkeypatch):
    """Weighted or not, whatever the size of a block; a block without weight counts for nothing."""
    A, B, X, y = pair(50)
    rng = np.random.default_rng(1)
    weights = np.concatenate([np.zeros(7), rng.uniform(0.5, 2.0, 43)])
    for w in (None, weights):
        found = {}
        for size in (5000, 1, 7, 16):
            monkeypatch.setattr(sampling, "BLOCK", size)
            out = tmp_path / f"{size}-{w is None}.safetensors"
            verifier.certify(A, B, (X, y), loss="cross_entropy", method="line", weights=w, out=out)
            found[size] = read_certificate(out).record["paths"]["line"]["sampled"]
        for size in (1, 7, 16):
            assert found[size]["maximum"] == pytest.approx(found[5000]["maximum"], rel=1e-12)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_samples(tmp_path, beside):
    """Numpy's arrays and Python's objects at most: 8,000 samples and eight times as many. The file itself is paged in by the system."""
    peaks = {}
    for N in (8000, 64000):
        (tmp_path / str(N)).mkdir()
        A, B, X, y = pair(N, widths=(100, 6, 5, 3))
        out = tmp_path / str(N) / "c.safetensors"
        place = verifier.certify(A, B, (X, y), loss="cross_entropy", method="theorem41", out=out).certificate
        size = place.with_suffix(".data").stat().st_size
        del A, B, X, y
        tracemalloc.start()
        try:
            assert verifier.check_file(place).accepted
            peaks[N] = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert size > 50e6
    assert peaks[64000] < 1.1 * peaks[8000] + 2**20
    assert peaks[64000] < size / 2


def test_the_reference_evaluation_holds_one_block(tmp_path, beside, monkeypatch):
    """More blocks, less memory; the numbers are the same."""
    from verifier.kernel.reference import blocks

    found, peaks = {}, {}
    place = certified(tmp_path, 3000).certificate
    for balls in (2**20, 2**12):
        monkeypatch.setattr(blocks, "BALLS", balls)
        c = read_certificate(place, mapped=True)
        tracemalloc.start()
        try:
            found[balls] = [check(c.problem, claim, evaluation="reference") for claim in c.claims]
            peaks[balls] = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert all(v.accepted for v in found[2**12])
    assert [v.computed for v in found[2**12]] == [v.computed for v in found[2**20]]
    assert peaks[2**12] < peaks[2**20] / 4


def test_a_lost_worker_is_no_verdict(tmp_path, beside, monkeypatch):
    """It ends with the tool's own error; the claim is neither accepted nor refused."""
    place = certified(tmp_path).certificate
    problem, claims = (c := read_certificate(place)).problem, c.claims
    monkeypatch.setattr(fast, "SAMPLES", 1000)

    def dies(function, tasks, lost):
        for k, task in enumerate(tasks):
            yield k, lost(task, VerifierError("the process died")) if k == 1 else function(task)

    with pytest.raises(VerifierError, match="the process died"), blocks_on(Runner(dies, remote=True)):
        assert not check(problem, claims[0]).accepted
    with blocks_on(Runner(lambda f, tasks, lost: ((k, f(t)) for k, t in enumerate(tasks)), remote=True)):
        assert check(problem, claims[0]).accepted


@pytest.mark.parametrize("how", ["written to", "mapped", "cut short", "replaced"])
def test_what_becomes_of_a_data_file_while_it_is_in_use_changes_nothing(tmp_path, beside, monkeypatch, how):
    """What was hashed is what is checked, whoever writes to the file in between and even puts it right again: a claim that is true of other data alone is
    rejected, and no process ends because a mapped file became shorter."""
    place = certified(tmp_path, 100).certificate
    data = place.with_suffix(".data")
    blob = data.read_bytes()
    header = 8 + int.from_bytes(blob[:8], "little")
    others = blob[:header] + bytes(len(blob) - header)
    c = read_certificate(place)
    zero = replace(c.problem, X=np.zeros_like(c.problem.X), targets=np.zeros_like(c.problem.targets))
    value = check(zero, EndpointValue("A", 0.0, 1e9)).computed
    false = EndpointValue("A", value["lower"] * (1 - 1e-9), value["upper"] * (1 + 1e-9) + 1e-12)
    assert check(zero, false).accepted
    assert not check(c.problem, false).accepted

    def meddled(problem, claim, evaluation="fast"):
        with open(data, "r+b") as handle:
            if how == "mapped":
                view = mmap.mmap(handle.fileno(), 0)
                view[:] = others
            elif how == "written to":
                handle.write(others)
                handle.flush()
            elif how == "cut short":
                handle.truncate(10)
            else:
                (tmp_path / "new.data").write_bytes(others)
                os.replace(tmp_path / "new.data", data)
            verdicts = [check(problem, x, evaluation=evaluation) for x in (claim, false)]
            if how == "mapped":
                view[:] = blob
                view.close()
            else:
                data.write_bytes(blob)
        assert not verdicts[1].accepted, "accepted of data that were not hashed"
        return verdicts[0]

    with monkeypatch.context() as m:
        m.setattr("verifier.checking.check", meddled)
        assert verifier.check_file(place).accepted


def test_where_no_copy_can_be_made(tmp_path, beside, monkeypatch):
    place = certified(tmp_path, 100).certificate

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("verifier.certificate.file.shutil.copyfileobj", full)
    with pytest.raises(
        UsageError,
        match=r"no copy could be made in .*: No space left on device; name a folder with more room in TMPDIR",
    ):
        verifier.check_file(place)


def test_mapped_and_read_files_hold_the_same_or_are_refused_alike(tmp_path, beside):
    """Every kind of damage: the same error, or the same arrays."""
    place = certified(tmp_path, 20).certificate
    data, blob = place.with_suffix(".data"), place.with_suffix(".data").read_bytes()
    header = json.loads(blob[8 : 8 + int.from_bytes(blob[:8], "little")])
    rng = np.random.default_rng(0)
    cases = [b"", b"\x00" * 7, b"PK\x03\x04" + blob, blob[:-1], blob + b"\0", blob]
    cases += [
        bytes([*blob[:k], blob[k] ^ int(rng.integers(1, 256)), *blob[k + 1 :]]) for k in rng.integers(0, 400, 150)
    ]
    cases.append(blob[:-16] + np.array([np.nan, np.inf]).tobytes())
    assert {e["dtype"] for n, e in header.items() if n != "__metadata__"} == {"F64", "I64"}
    accepted = 0
    for content in cases:
        data.write_bytes(content)
        found = []
        for mapped in (False, True):
            try:
                arrays = certificate_file.read_data(data, mapped=mapped)
                found.append({n: (a.dtype, a.shape, a.tobytes()) for n, a in arrays.items()})
            except CertificateFormatError as error:
                found.append(str(error))
        assert found[0] == found[1]
        accepted += isinstance(found[0], dict)
    assert 0 < accepted < len(cases)
    data.write_bytes(blob)
    arrays = certificate_file.read_data(data, mapped=True)
    assert {type(a) for a in arrays.values()} == {np.ndarray}
    assert not any(a.flags.writeable for a in arrays.values())


@pytest.mark.slow
def test_a_dask_cluster_checks_the_same_numbers(tmp_path, beside, cluster, capsys):
    address, _ = cluster
    place = certified(tmp_path, 11000).certificate
    one, there = (
        verifier.check_file(place, reference=True),
        verifier.check_file(place, reference=True, scheduler=address),
    )
    assert one.accepted
    assert [v.computed for _, _, v in one.verdicts] == [v.computed for _, _, v in there.verdicts]
    assert main(["check", str(place), "--backend", "dask", "--scheduler", address]) == 0
    assert main(["check", str(place), "--backend", "dask"]) == 2
    assert "go together" in capsys.readouterr().err
