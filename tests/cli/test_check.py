"""`verifier check`: the kernel alone, and nothing heavier."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from verifier.certificate import read_certificate
from verifier.certificate.file import pack
from verifier.cli.main import main

from .conftest import verifier

HEAVY = ("torch", "cvxpy", "scipy", "sklearn", "pandas", "matplotlib", "networkx")


def rewrite(source, target, change) -> None:
    c = read_certificate(source)
    document, arrays = json.loads(json.dumps(c.document)), dict(c.arrays)
    change(document, arrays)
    target.write_bytes(pack(document, arrays))


def lower_gap(document, arrays) -> None:
    claim = next(c for c in document["claims"] if c["kind"] == "path_upper_bound" and c["path"] == "line")
    claim["sup"] = (1e-6).hex()


def test_verdict_and_exit_code_of_good_rejected_and_malformed_files(certificate, tmp_path, capsys):
    bad, broken = tmp_path / "bad.safetensors", tmp_path / "broken.safetensors"
    rewrite(certificate, bad, lower_gap)
    broken.write_bytes(certificate.read_bytes()[:-1])
    assert main(["check", str(certificate)]) == 0
    assert capsys.readouterr().out.startswith(f"VERIFIED {certificate}")
    assert main(["check", str(bad), "--reference"]) == 5
    out, err = capsys.readouterr()
    assert out.startswith("REJECTED")
    assert "fast: REJECTED" in err
    assert "reference: REJECTED" in err
    assert main(["check", str(broken)]) == 4
    assert capsys.readouterr().out.startswith("MALFORMED")
    assert main(["check", str(certificate), str(broken), str(bad)]) == 5
    assert main(["check", str(certificate), str(broken)]) == 4


def test_a_file_that_is_not_there_is_not_called_malformed(tmp_path, capsys):
    """Nothing is known of its content."""
    from verifier.checking import check_file
    from verifier.errors import UnreadableCertificateError

    with pytest.raises(UnreadableCertificateError, match="cannot be read: No such file"):
        check_file(tmp_path / "gone.safetensors")
    file = str(tmp_path / "gone.safetensors")
    assert main(["check", file]) == 4
    assert capsys.readouterr().out == f"UNREADABLE {file}\n"
    assert main(["check", file, "--json"]) == 4
    assert json.loads(capsys.readouterr().out)["verdict"] == "UNREADABLE"


def test_data_for_a_certificate_that_has_its_own(certificate, tmp_path, capsys):
    np.savez(tmp_path / "d.npz", X=np.zeros((2, 2)), y=np.zeros(2))
    assert main(["check", str(certificate), "--data", str(tmp_path / "d.npz")]) == 2
    assert "this certificate embeds its data and needs none, so leave it out" in capsys.readouterr().err


def test_json(certificate, capsys):
    assert main(["check", str(certificate), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "VERIFIED"
    assert len(found["claims"]) == len(read_certificate(certificate).claims)


@pytest.mark.parametrize("reference", [[], ["--reference"]])
def test_check_imports_nothing_heavy(certificate, reference):
    """sys.modules after a real check in a fresh process."""
    program = (
        "import sys; from verifier.cli.main import main; code = main(sys.argv[1:]); "
        f"heavy = [m for m in {HEAVY!r} if m in sys.modules]; print(heavy); sys.exit(code or bool(heavy))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "check", str(certificate), *reference],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_imports_neither_numpy_nor_anything_heavy():
    program = (
        "import sys; from verifier.cli.main import make_parser; make_parser().format_help(); "
        f"print([m for m in ('numpy', *{HEAVY!r}) if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


def test_help_of_every_command():
    for command in ("train", "certify", "check", "report"):
        done = verifier(command, "--help")
        assert done.returncode == 0
        assert "exit codes: 0 certified or verified" in done.stdout


@pytest.mark.parametrize("flag", ["-O", "-OO"])
def test_optimised_python_checks_all_the_same(certificate, tmp_path, flag):
    """`assert` disappears under -O; the kernel must not rely on it."""
    bad = tmp_path / "bad.safetensors"
    rewrite(certificate, bad, lower_gap)
    for file, code in ((certificate, 0), (bad, 5)):
        done = subprocess.run(
            [sys.executable, flag, "-m", "verifier", "check", str(file)], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == code, done.stderr


def test_killing_certify_leaves_no_certificate_or_a_valid_one(without_torch, tmp_path):
    """SIGKILL at many moments, through start-up, search and writing."""
    out = tmp_path / "c.safetensors"
    words = [
        sys.executable,
        "-m",
        "verifier",
        "certify",
        "--pair",
        *map(str, without_torch),
        "--method",
        "exchange,line",
        "--no-report",
        "--out",
        str(out),
    ]
    start = time.monotonic()
    subprocess.run(words, capture_output=True, check=True, timeout=300)
    whole = time.monotonic() - start
    out.unlink()
    for k in range(6):
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(whole * (0.3 + 0.14 * k))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        if out.exists():
            assert main(["check", str(out)]) == 0
            out.unlink()
