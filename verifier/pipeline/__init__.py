"""The main job: two networks in, bounds, a certificate and a report out."""

from verifier.pipeline.result import CertifyResult
from verifier.pipeline.run import certify

__all__ = ["CertifyResult", "certify"]
