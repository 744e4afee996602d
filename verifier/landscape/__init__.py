"""Exact landscapes of tiny problems: cells, faces, gaps of pairs, merge trees (theory.md section 6).

Values found here come from float64 solvers and order edges; a bound is one only after the kernel has checked its dual.
"""
