"""The paper "toy", registered for one test as `verifier.audit.toy` would be."""

import sys

import pytest

from tests.audit import example


@pytest.fixture
def toy(monkeypatch):
    from verifier.audit import papers

    monkeypatch.setitem(papers.PAPERS, "toy", "A toy paper on <norms>")
    monkeypatch.setitem(sys.modules, "verifier.audit.toy", example)
    return example.STATEMENTS
