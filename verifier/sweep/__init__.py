"""Many pairs: tasks that resume, run in parallel or on a cluster, and statistics over their certificates."""

from verifier.sweep.run import SweepResult, run_sweep
from verifier.sweep.spec import Experiment, read_preset, read_sweep_file

__all__ = ["Experiment", "SweepResult", "read_preset", "read_sweep_file", "run_sweep"]
