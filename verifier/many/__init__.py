"""Three or more networks: certified pairwise bounds, and what follows from them together (docs/many.md)."""

from verifier.many.certify_all import certify_all
from verifier.many.result import ManyResult

__all__ = ["ManyResult", "certify_all"]
