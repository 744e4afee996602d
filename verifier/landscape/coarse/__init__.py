"""Barriers over coarse cells: products of cones, cut only where a relaxed program is fooled, until no path leaves below the level (docs/mathematics.md, 14)."""
