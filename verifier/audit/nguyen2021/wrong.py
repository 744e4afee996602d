"""Nguyen, Bréchet, Mondelli 2021: for every statement that holds, a false one that the same trials must refute."""

from __future__ import annotations

from verifier.audit.claim import Wrong
from verifier.audit.wrong import given

TENTH = "it stays a tenth below that"
UNSCALED = Wrong("hyperplanes are enough, without scaling the head", given(scale=1.0))
LEAST_SIZES = Wrong("the least cardinalities attain the minimum", given(**{"least sizes": True}))

WRONG = {
    "claim51.swap": Wrong("p need not be pure zero", given(**{"p is live": True})),
    "t41.path": Wrong(TENTH, share=0.9),
    "eq6.minmax": LEAST_SIZES,
    "cor42": Wrong("nine tenths of that", share=0.9),
    "claim51.deep": Wrong("the loss falls by a tenth while two neurons swap", share=0.9),
    "t41.deep": Wrong(TENTH, share=0.9),
    "eq6.deep": LEAST_SIZES,
    "cor42.deep": Wrong(TENTH, share=0.9),
    "cor43.A1": Wrong("(A1) leaves a tenth more free neurons than that needs", share=0.9),
    "cor44.head.repaired": UNSCALED,
    "cor44.one-output.repaired": UNSCALED,
    "cor44.hidden": UNSCALED,
    "cor43": Wrong(TENTH, share=0.9),
    "cor44": Wrong(TENTH, share=0.9),
    "width": Wrong("N neurons are enough", given(more=0)),
    "expA": Wrong("half of that", share=0.5),
    "expA.order": Wrong("the figures lie a tenth above those bounds", share=0.9),
    "expB": Wrong("ten times as much", share=0.1),
    "expB.against-A": Wrong("it is at most half of that", share=0.5),
}
