"""Exact landscapes of tiny problems: cells, faces, gaps of pairs, merge trees (docs/landscape.md).

Values found here come from float64 solvers and order edges; a bound is one only after the kernel has checked its dual.
"""
