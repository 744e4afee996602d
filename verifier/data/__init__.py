"""Data sets: named, prepared explicitly, recorded and hashed."""

from verifier.data.dataset import Dataset
from verifier.data.load import data_record, load_data, load_recorded

__all__ = ["Dataset", "data_record", "load_data", "load_recorded"]
