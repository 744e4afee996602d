"""Towers of sub-networks: Theorem 4.1 of Nguyen, Bréchet, Mondelli 2021 and what uses its moves (docs/deep.md)."""
