"""Region programs: the best rows in a network's own activation region (docs/mathematics.md, section 11)."""

from verifier.programs.region.result import RegionProgram
from verifier.programs.region.size import RegionSize
from verifier.programs.region.solve import region_cost, solve_region

__all__ = ["RegionProgram", "RegionSize", "region_cost", "solve_region"]
