"""Refuse to run where the floating-point mode is not IEEE double, round to nearest, gradual underflow."""

from __future__ import annotations

import flint
import numpy as np

from verifier.kernel.statements import require


def probe() -> None:
    """Reject flush-to-zero, a directed rounding mode, extended intermediates, or a lowered Arb precision."""
    tiny = np.array([5e-324])
    require(
        bool((tiny * 1.0 != 0.0).all()) and float(tiny[0]) * 1.0 != 0.0,
        "denormals are flushed to zero (torch.set_flush_denormal, or a fast-math library)",
    )
    one, three = np.array([1.0]), np.array([3.0])
    require(float((one / three)[0]).hex() == "0x1.5555555555555p-2", "division does not round to nearest")
    require(float((-one / three)[0]).hex() == "-0x1.5555555555555p-2", "division does not round to nearest")
    require(
        float((one + 2.0**-53)[0]) == 1.0 and float((one + 2.0**-53 * 1.5)[0]) == 1.0 + 2.0**-52,
        "addition does not round to nearest even",
    )
    dot = np.array([[1.0, 2.0**-53]]) @ np.array([[1.0], [1.0]])
    require(float(dot[0, 0]) in (1.0, 1.0 + 2.0**-52), "matrix products are not computed in double precision")
    require(flint.ctx.prec >= 53, "the precision of Arb was lowered below 53 bits")
