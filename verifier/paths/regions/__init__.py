"""Activation regions along paths: how many a path crosses, and descent from region to region by convex programs (docs/mathematics.md, section 11)."""
