"""A merge tree as a record for display, and as tables with everything. All of it is computed in float64; what is certified of it is in `landscape_whole`."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from verifier.files import atomic_write_bytes
from verifier.landscape.faces import FaceValues
from verifier.landscape.minima import MinimaPair, distinct, leading_pairs, minimum_network
from verifier.landscape.tree import MergeTree
from verifier.networks.network import Network
from verifier.pipeline.record import plain

LISTED = 40  # minima and joins in a record; the tables have all


@dataclass(frozen=True, eq=False)
class LeadingPair:
    """Two minima whose gap is worth a certificate. number: 1 for the largest gap. lowest, resolution: of the tree's values of F."""

    width: int
    number: int
    minima: MinimaPair
    A: Network
    B: Network
    lowest: float
    resolution: float

    @property
    def name(self) -> str:
        return f"width {self.width}, minima {self.minima.younger} and {self.minima.older}"

    def as_record(self) -> dict[str, Any]:
        p = self.minima
        return {"younger": p.younger, "older": p.older, "tree_level": p.level, "tree_gap": p.gap}


def pairs_of(tree: MergeTree, most: int) -> list[LeadingPair]:
    """The leading pairs of a tree with the networks of their minima."""
    values, out = FaceValues(tree.setting), []
    for k, p in enumerate(leading_pairs(tree, most), start=1):
        A, B = (minimum_network(values, tree.cells[i]) for i in (p.younger, p.older))
        out.append(LeadingPair(tree.setting.width, k, p, A, B, float(tree.values[0]), tree.resolution))
    return out


def networks_of(tree: MergeTree) -> tuple[Network, Network]:
    """Two networks of the tree's shape: the minima of the largest gap, or the only one twice."""
    for pair in pairs_of(tree, 1):
        return pair.A, pair.B
    only = minimum_network(FaceValues(tree.setting), tree.cells[0])
    return only, only


def tree_record(tree: MergeTree) -> dict[str, Any]:
    """A tree for display."""
    gap, level = tree.largest_gap
    values = FaceValues(tree.setting)
    order = np.argsort(-tree.persistence, kind="stable")[:LISTED].tolist()
    connected = tree.connected
    return plain({
        "status": "COMPUTED", "width": tree.setting.width, "cells": tree.cell_count, "edges": tree.edge_count, "programs": tree.programs,
        "patterns": tree.setting.neurons.count // 2, "cpu_seconds": tree.cpu_seconds, "minima_count": len(tree.values),
        "distinct_minima": distinct(tree), "lowest": tree.values[0], "largest_gap": gap, "level": level, "resolution": tree.resolution,
        "zero_network": values.value(values.face(())), "connected": connected, "connected_from": connected[-1][0],
        "minima": [{"value": v, "codes": c} for v, c in zip(tree.values[:LISTED], tree.cells[:LISTED])],
        "joins": [
            {"level": tree.passes[k], "younger": tree.younger[k], "older": tree.older[k], "gap": tree.persistence[k], "value": tree.values[tree.younger[k]]}
            for k in order
        ],
        "steps": tree.steps, "pairs": [],
    })  # fmt: skip


def write_tables(tree: MergeTree, folder: Path) -> None:
    """All minima, all joins, and the number of components between all levels."""
    m = tree.setting.width
    minima = [
        [k, repr(float(v)), " ".join(map(str, c))] for k, (v, c) in enumerate(zip(tree.values, tree.cells.tolist()))
    ]
    write_csv(folder / f"width-{m}-minima.csv", ["minimum", "F", "codes"], minima)
    joins = [
        [int(y), int(o), repr(float(p)), repr(float(tree.values[y])), repr(float(g))]
        for y, o, p, g in zip(tree.younger, tree.older, tree.passes, tree.persistence)
    ]
    write_csv(folder / f"width-{m}-tree.csv", ["younger", "older", "pass", "F_younger", "gap"], joins)
    write_csv(folder / f"width-{m}-components.csv", ["level", "components"], [[repr(v), c] for v, c in tree.steps])


def write_csv(path: Path, head: list[str], rows: list[list[Any]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    atomic_write_bytes(path, text.getvalue().encode())
