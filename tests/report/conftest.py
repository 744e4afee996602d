"""One small certificate per session, edited copies of it, and Debian's Chromium."""

import copy
import os
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest

from verifier.certificate.file import pack, read_certificate
from verifier.networks.network import Network
from verifier.pipeline.certify import certify
from verifier.report import write_report

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HYPOTHESES = [
    {"statement": "the loss is convex", "met": True, "detail": "squared"},
    {"statement": "rows are unit vectors", "met": False, "detail": "|wt| up to 3"},
    {"statement": "e(l) is known", "met": None, "detail": ""},
]


def network(seed, m=6, d=2):
    rng = np.random.default_rng(seed)
    return Network((rng.normal(size=(m, d)), rng.normal(size=(1, m))), (rng.normal(size=m), rng.normal(size=1)))


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    """Path of a certificate as the pipeline writes it: line, exchange and Theorem 2 on random networks."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(40, 2))
    y = np.sin(X[:, 0]) + X[:, 1] ** 2
    out = tmp_path_factory.mktemp("report") / "small.safetensors"
    certify(
        network(1),
        network(2),
        (X, y),
        loss="squared",
        kappa=0.01,
        penalty="path",
        method="line,exchange,theorem2",
        out=out,
    )
    return out


@pytest.fixture(scope="session")
def edited(plain, tmp_path_factory):
    """Function (change, name) -> path of a copy whose document `change` has altered."""
    original = read_certificate(plain)

    def make(change, name="edited.safetensors"):
        document = copy.deepcopy(original.document)
        change(document)
        out = tmp_path_factory.mktemp("edited") / name
        out.write_bytes(pack(document, original.arrays))
        return out

    return make


@pytest.fixture(scope="session")
def full(edited):
    """A certificate whose record has every kind of row."""

    def change(document):
        record = document["record"]
        record["apriori"] = [
            {"name": "theorem 2", "source": "Baturin 2026", "value": 0.5, "hypotheses": HYPOTHESES, "note": "a level"},
            {
                "name": "sublevel",
                "source": "x",
                "value": 0.25,
                "hypotheses": HYPOTHESES[:1],
                "note": "an excess over E",
                "excess": True,
            },
            {"name": "no value", "source": "y", "value": None, "hypotheses": HYPOTHESES[:1]},
        ]
        record["estimates"] = [
            {"method": "DSS (paper)", "kind": "sampled", "maximum": 2.5, "gap": 0.1, "points": 200, "cpu_seconds": 1.5,
             "note": "hit: the search gave up at its depth; no evidence of a barrier", "settings": None, "beads": 3}
        ]  # fmt: skip
        record["tables"] = {"theorem2": [{"l": 1, "alpha": 0.0, "e_l": 0.5}, {"l": 3, "alpha": 0.05, "e_l": 0.25}]}
        record["skipped"] = ["wide: needs m >= 2N"]

    return edited(change, "full.safetensors")


@pytest.fixture(scope="session")
def full_report(full):
    return write_report(full, full.with_suffix(".html"))


def reduced_sup(document, factor=0.5):
    """Claim less than the kernel finds."""
    claim = next(c for c in document["claims"] if c["kind"] == "path_upper_bound")
    claim["sup"] = (float.fromhex(claim["sup"]) * factor).hex()


@pytest.fixture(scope="session")
def rejected(edited):
    return edited(reduced_sup, "rejected.safetensors")


@pytest.fixture(scope="session")
def rejected_report(rejected):
    return write_report(rejected, rejected.with_suffix(".html"))


class Outline(HTMLParser):
    """Elements with their attributes, and all text outside style."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self._style = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._style = tag == "style"

    def handle_endtag(self, tag):
        self._style = False

    def handle_data(self, data):
        if not self._style:
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    """Debian's Chromium; absent on a laptop these tests are skipped, in CI they fail."""
    if not os.path.exists(CHROMIUM) and shutil.which("chromium") is None:
        why = f"the report's browser tests need Chromium at {CHROMIUM} (apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    path = CHROMIUM if os.path.exists(CHROMIUM) else shutil.which("chromium")
    return {**browser_type_launch_args, "executable_path": path, "args": FLAGS}
