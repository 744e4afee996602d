"""The public API is this list."""

import verifier

NAMES = [
    "CertificateFormatError", "CertifiedBound", "CertifyResult", "CheckedFile", "CheckpointError", "DataError", "Dataset", "Network", "Objective", "Outcome",
    "Reading", "SampledEstimate", "UsageError", "VerifierError", "certify", "check", "check_file", "load_checkpoint", "load_data", "make_objective",
    "read_certificate", "train_network", "write_report",
]  # fmt: skip


def test_public_names():
    assert verifier.__all__ == NAMES
    assert dir(verifier) == NAMES
    for name in NAMES:
        assert getattr(verifier, name) is not None
