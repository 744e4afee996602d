"""How low F can be at any width: duals whose pull on every single neuron is below its price (docs/mathematics.md, section 13)."""

from verifier.programs.every_width.result import EveryWidthProgram
from verifier.programs.every_width.solve import every_width_cost, solve_every_width

__all__ = ["EveryWidthProgram", "every_width_cost", "solve_every_width"]
