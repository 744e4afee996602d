"""Data sets: named, prepared explicitly, recorded and hashed."""

from verifier.data.dataset import Dataset

__all__ = ["Dataset"]
