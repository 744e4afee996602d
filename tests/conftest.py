"""Pins one BLAS thread before numpy loads, and derandomises hypothesis so that CI repeats itself."""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
# Hundreds of fresh processes would compile the package each for itself.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import hypothesis

hypothesis.settings.register_profile("ci", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("ci")
