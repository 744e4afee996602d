"""Proposition X and its kin: neurons of A are exchanged for those of B, head by head (docs/constructions.md, section 1)."""
