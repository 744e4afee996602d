"""Nguyen 2019, "On connected sublevel sets in deep learning": the proofs of Theorems 3.2, 4.2, 5.1 and 6.1 as polylines of networks.

For Leaky ReLU every curve of the proofs can be replaced by a polyline each of whose segments changes one layer and crosses no kink:
h of Lemma 3.3 is piecewise affine in A (`lemma33`), and Proposition 3.5's curve of full-rank matrices is replaced by an exchange of
rows whose features are zero (`proposition35`), so that no two layers ever have to move together.

A segment that moves the output features of a layer while the next layer's product stays constant is not narrow as an interval hull; its
bound is the deviation from the chord (the kernel's chord lemma), which is zero where no pre-activation changes its sign.
"""
