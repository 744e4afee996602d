"""Three or more networks: certified pairwise bounds, and what follows from them together (docs/many.md)."""

from verifier.many.result import ManyResult
from verifier.many.run import certify_all

__all__ = ["ManyResult", "certify_all"]
