"""Certified bounds on the loss barrier between two trained ReLU networks.

result = verifier.certify("a.pt", "b.pt", data="breast_cancer", loss="logistic")
print(result)            # CERTIFIED gap <= 0 (E = ...; DSS estimate ..., sampled)
result.check()           # the kernel's verdict on every claim, read back from the file
result.report()          # an HTML report made from the certificate alone
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verifier.certificate.file import read_certificate
    from verifier.checking import CheckedFile, check_file
    from verifier.data.dataset import Dataset
    from verifier.data.load import load_data
    from verifier.errors import CertificateFormatError, CheckpointError, DataError, UsageError, VerifierError
    from verifier.kernel.check import check
    from verifier.many.certify_all import certify_all
    from verifier.networks.checkpoint import load_checkpoint
    from verifier.networks.network import Network
    from verifier.objective.objective import Objective, make_objective
    from verifier.options.certify import CertifyOptions
    from verifier.options.objective import ObjectiveOptions
    from verifier.options.reading import Reading
    from verifier.outcomes import CertifiedBound, Outcome, SampledEstimate
    from verifier.pages.many import write_many_report
    from verifier.pipeline.certify import certify
    from verifier.pipeline.result import CertifyResult
    from verifier.report import write_report
    from verifier.training.train import train_network

# name -> module it lives in; imported on first use, because torch and cvxpy take seconds.
_PUBLIC = {
    "CertificateFormatError": "verifier.errors",
    "CertifiedBound": "verifier.outcomes",
    "CertifyOptions": "verifier.options.certify",
    "CertifyResult": "verifier.pipeline.result",
    "CheckpointError": "verifier.errors",
    "DataError": "verifier.errors",
    "Dataset": "verifier.data.dataset",
    "Network": "verifier.networks.network",
    "Objective": "verifier.objective.objective",
    "ObjectiveOptions": "verifier.options.objective",
    "Outcome": "verifier.outcomes",
    "Reading": "verifier.options.reading",
    "SampledEstimate": "verifier.outcomes",
    "UsageError": "verifier.errors",
    "VerifierError": "verifier.errors",
    "certify": "verifier.pipeline.certify",
    "certify_all": "verifier.many.certify_all",
    "check": "verifier.kernel.check",
    "check_file": "verifier.checking",
    "CheckedFile": "verifier.checking",
    "load_checkpoint": "verifier.networks.checkpoint",
    "load_data": "verifier.data.load",
    "make_objective": "verifier.objective.objective",
    "read_certificate": "verifier.certificate.file",
    "train_network": "verifier.training.train",
    "write_many_report": "verifier.pages.many",
    "write_report": "verifier.report",
}

__all__ = [
    "CertificateFormatError", "CertifiedBound", "CertifyOptions", "CertifyResult", "CheckedFile", "CheckpointError", "DataError", "Dataset",
    "Network", "Objective", "ObjectiveOptions", "Outcome", "Reading", "SampledEstimate", "UsageError", "VerifierError", "certify", "certify_all",
    "check", "check_file", "load_checkpoint", "load_data", "make_objective", "read_certificate", "train_network", "write_many_report", "write_report",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'verifier' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return __all__
