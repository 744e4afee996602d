"""Constructions of paths; each proposes a polyline of networks that the kernel judges."""
