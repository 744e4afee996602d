"""The public API is this list."""

import re
from pathlib import Path

import verifier

NAMES = [
    "CertificateFormatError", "CertifiedBound", "CertifyOptions", "CertifyResult", "CheckedFile", "CheckpointError", "DataError", "Dataset",
    "Network", "Objective", "ObjectiveOptions", "Outcome", "Reading", "SampledEstimate", "UsageError", "VerifierError", "certify", "certify_all",
    "check", "check_file", "load_checkpoint", "load_data", "make_objective", "read_certificate", "train_network", "write_many_report", "write_report",
]  # fmt: skip


def test_public_names():
    assert verifier.__all__ == NAMES
    assert dir(verifier) == NAMES
    for name in NAMES:
        assert getattr(verifier, name) is not None


# Kinds of claims, which the format names, and an attribute of results.
NO_FUNCTIONS = {"cone_barrier", "exit_code"}


def test_changes_name_public_functions():
    """`save_checkpoint` stood there, which nobody outside can be asked to call."""
    package = Path(verifier.__file__).parent
    defined = {
        name
        for file in package.rglob("*.py")
        for name in re.findall(r"^ *(?:def|class) (\w+)", file.read_text("utf-8"), re.M)
    }
    named = set(
        re.findall(r"`(?:verifier\.)?(\w*_\w*)(?:\(\))?`", (package.parent / "CHANGELOG.md").read_text("utf-8"))
    )
    assert (named & defined) - NO_FUNCTIONS <= set(NAMES)
