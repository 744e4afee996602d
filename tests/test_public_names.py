"""The public API is this list."""

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
