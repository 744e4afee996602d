"""Experiments (A) and (B) of section 6 of Nguyen, Bréchet, Mondelli 2021 (N21) on trained networks."""
