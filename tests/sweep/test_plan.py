"""Pairs are what the file says; keys change with everything that decides a result, and with nothing else."""

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sweep.test_spec import block, parse
from verifier.errors import UsageError
from verifier.options.objective import ObjectiveOptions
from verifier.options.training import TrainingOptions
from verifier.sweep.plan import choose_pairs, plan
from verifier.sweep.spec import Pairs


@given(st.integers(2, 30))
def test_disjoint_pairs_share_no_network(n):
    pairs = choose_pairs(n, Pairs())
    names = [k for p in pairs for k in p]
    assert len(pairs) == n // 2
    assert len(set(names)) == len(names)


@given(st.integers(2, 9), st.data())
def test_random_pairs_are_distinct_and_a_prefix_of_more(n, data):
    every = set(combinations(range(n), 2))
    count = data.draw(st.integers(1, len(every)))
    pairs = choose_pairs(n, Pairs("random", count, 5))
    assert len(set(pairs)) == count
    assert set(pairs) <= every
    assert pairs == choose_pairs(n, Pairs("random", len(every), 5))[:count]


def test_more_random_pairs_than_there_are():
    with pytest.raises(UsageError, match="7 random pairs of 4 networks: there are only 6; train more networks"):
        choose_pairs(4, Pairs("random", 7))


def test_limit_takes_the_first_pairs_of_each_width():
    experiments = parse(block().replace("[4]", "[4, 6]"))
    assert [(p.width, p.a.seed, p.b.seed) for p in plan(experiments, 1)] == [(4, 0, 1), (6, 0, 1)]
    assert len(plan(experiments)) == 4


def test_keys():
    pair = plan(parse(block()))[0]
    a, b = pair.a, pair.b
    assert a.key != b.key
    assert replace(a, training=TrainingOptions(epochs=3)).key != a.key
    assert replace(a, data={**a.data, "sha256": "0" * 64}).key != a.key
    task = pair.task("1" * 64, "2" * 64)
    for change in (
        {"a_sha256": "3" * 64}, {"objective": ObjectiveOptions(kappa=1.0)}, *({"options": replace(task.options, **o)} for o in (
            {"method": "dss"}, {"level": 1.0}, {"seed": 1}, {"tight": 1e-3}, {"class_weight": "balanced"},
        )),
    ):  # fmt: skip
        assert replace(task, **change).key != task.key
    bruna = replace(task.options, dss_preset="freeman-bruna")
    assert replace(task, options=bruna).key == task.key  # says nothing without DSS
    with_dss = replace(task, options=replace(task.options, method="dss"))
    assert replace(task, options=replace(bruna, method="dss")).key != with_dss.key


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("moons:n=60", "moons:m=60"), "experiment moons:m=60: data"),
        (('"logistic"', '"log"'), "experiment moons:n=60: "),
        (("widths", "objective = {loss = 'nope'}\nwidths"), "experiment moons:n=60: "),
    ],
)
def test_what_no_task_could_do_is_said_before_any_runs(change, message):
    with pytest.raises(UsageError) as caught:
        plan(parse(block().replace(*change)))
    assert str(caught.value).startswith(message)
