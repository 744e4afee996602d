"""What a command loads before it works, and how it ends."""

import subprocess
import sys

# Runs a command and says, when the interpreter ends, which of these were loaded, and whether the collector leaves alone what lasts.
CODE = """
import atexit, gc, sys
LARGE = ("torch", "scipy.optimize", "scipy.sparse.linalg", "scipy.stats", "cvxpy", "jinja2", "matplotlib", "pandas", "sklearn", "distributed", "numba")
atexit.register(lambda: print([m for m in LARGE if m in sys.modules], gc.get_freeze_count() > 10_000, file=sys.stderr))
from verifier.cli.main import main
sys.exit(main())
"""


def test_exchange_loads_no_large_library(without_torch):
    """Half a second of CPU with files of safetensors; torch, which `.pt` files need, takes another."""
    words = [
        "certify",
        "--pair",
        *map(str, without_torch),
        "--method",
        "exchange",
        "--no-report",
        "--out",
        "out.safetensors",
    ]
    done = subprocess.run([sys.executable, "-c", CODE, *words], capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 3), done.stderr
    assert done.stderr.splitlines()[-1] == "[] True"
