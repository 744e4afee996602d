"""The fast evaluation: float64 midpoint-radius arithmetic over plain BLAS, and exact integers where signs decide."""
