"""What pairwise bounds prove together, held against brute force and against worlds in which the truth is known."""

import math
from fractions import Fraction
from itertools import combinations, pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.kernel.fast.forward import Interval
from verifier.many.together import Link, landscape, link_costs

E0 = 2.0**-40


def point(x):
    return Interval(x, x)


def around(x, width=E0):
    return Interval(x * (1 - width), x * (1 + width))


def simple_paths(n, a, c):
    others = [k for k in range(n) if k not in (a, c)]
    for r in range(len(others) + 1):
        for middle in permutations(others, r):
            yield (a, *middle, c)


def edges(nodes):
    return [tuple(sorted(p)) for p in pairwise(nodes)]


@st.composite
def claims(draw):
    """Values and links as certificates claim them, some links missing."""
    n = draw(st.integers(3, 5))
    grid = st.integers(0, 12).map(lambda k: k / 8)
    values = [Interval(v, v + draw(st.sampled_from([0.0, E0, 0.25]))) for v in (draw(grid) for _ in range(n))]
    links = {}
    for a, c in combinations(range(n), 2):
        if draw(st.integers(0, 5)):
            gap = draw(grid)
            top = max(values[a].upper, values[c].upper)
            links[a, c] = Link(draw(st.sampled_from([top + gap, top + gap + E0, top + 2 * gap])), gap)
    return values, links


@given(claims())
def test_bottlenecks_and_chains_are_the_best_of_all_simple_paths(case):
    values, links = case
    n, found = len(values), landscape(*case)
    for pair in combinations(range(n), 2):
        ways = [p for p in simple_paths(n, *pair) if all(e in links for e in edges(p))]
        assert (pair in found.passes) == (pair in found.chains) == bool(ways)
        if not ways:
            continue
        least = min(max(found.heights[e] for e in edges(p)) for p in ways)
        height, nodes = found.passes[pair]
        assert height == least == max(found.heights[e] for e in edges(nodes))
        costs = link_costs(values, links, pair)
        if pair in links:
            costs[pair] = links[pair].gap
        chain = found.chains[pair]
        assert chain.gap == min(max(costs[e] for e in edges(p)) for p in ways)
        assert chain.gap == max(costs[e] for e in edges(chain.nodes))
        assert chain.nodes[0] == pair[0]
        assert chain.nodes[-1] == pair[1]
        if pair in links:
            assert chain.gap <= links[pair].gap


@st.composite
def worlds(draw):
    """True values and true maxima of F on the paths, and claims about them that are true, often only just."""
    n = draw(st.integers(3, 5))
    number = st.one_of(st.floats(0.0, 2.0), st.integers(0, 6).map(float), st.sampled_from([1.0, 1.0 + 2**-52, 0.1]))
    truth = [draw(number) for _ in range(n)]
    slack = st.sampled_from([0.0, 0.0, 2.0**-52, 1e-9, 0.5])
    values = [Interval(v - draw(slack), v + draw(slack)) for v in truth]
    maxima, links = {}, {}
    for a, c in combinations(range(n), 2):
        E = max(truth[a], truth[c])
        maxima[a, c] = max(E, draw(st.one_of(st.just(E), number)))
        gap = Fraction(maxima[a, c]) - Fraction(E)
        up = float(gap) if Fraction(float(gap)) >= gap else math.nextafter(float(gap), math.inf)
        links[a, c] = Link(maxima[a, c] + draw(slack), up + draw(slack))
    return truth, values, maxima, links


@given(worlds())
def test_nothing_is_claimed_that_is_not_true(world):
    """In exact arithmetic: every gap, height, pass and component of the landscape holds in the world the claims came from."""
    truth, values, maxima, links = world
    found = landscape(values, links)
    for (a, c), chain in found.chains.items():
        highest = max(Fraction(maxima[e]) for e in edges(chain.nodes))
        assert highest - Fraction(max(truth[a], truth[c])) <= Fraction(chain.gap)
        assert highest <= Fraction(chain.sup)
    for height, nodes in found.passes.values():
        assert max(maxima[e] for e in edges(nodes)) <= height
    for level in [*truth, found.top, 1.0]:
        c = found.components(level)
        assert all(truth[k] > level for k in c.above)
        for group in c.groups:
            assert all(truth[k] <= level for k in group)
            reached = {group[0]}
            for _ in group:
                reached |= {k for e in maxima if maxima[e] <= level and reached & set(e) for k in e}
            assert set(group) <= reached
        assert sorted([k for g in c.groups for k in g] + [*c.above, *c.undecided]) == list(range(len(truth)))


@given(worlds(), st.data())
def test_barriers_separate_what_is_separate_and_nothing_else(world, data):
    """True passes are bottlenecks over the maxima of a world; true barriers, often only just, prove nothing of a pair that its true pass contradicts."""
    truth, values, maxima, links = world
    n = len(truth)
    true_pass = {
        p: min(max(maxima[e] for e in edges(w)) for w in simple_paths(n, *p)) for p in combinations(range(n), 2)
    }
    slack = st.sampled_from([0.0, 0.0, 2.0**-52, 0.25])
    known = data.draw(st.sets(st.sampled_from(sorted(true_pass)), max_size=3))
    shown = data.draw(st.sets(st.sampled_from(sorted(links)), min_size=1))
    barriers = {p: true_pass[p] - data.draw(slack) for p in known}
    found = landscape(values, {p: links[p] for p in shown}, barriers)
    for pair, level in barriers.items():
        assert found.apart[pair].level >= level
    for pair, apart in found.apart.items():
        assert apart.level <= true_pass[pair]
        assert barriers[apart.by] == apart.level
    for m in found.merges:
        between = [true_pass[min(a, b), max(a, b)] for a in m.left for b in m.right]
        assert m.apart is None or m.apart <= min(min(between), m.height)
    for level in [*truth, 1.0]:
        c = found.components(level)
        assert all(true_pass[min(a, b), max(a, b)] > level for a, b in combinations(c.separated, 2))
        assert len(c.separated) <= len(c.groups)


def test_a_barrier_of_one_pair_separates_its_groups():
    """0 and 1, 2 and 3 are joined low, and 1 - 2 is certified not to be joined below 2: so are all pairs between the groups, and not within."""
    links = {(0, 1): Link(1.0, 0.0), (2, 3): Link(1.5, 0.5), (0, 3): Link(3.0, 2.0)}
    found = landscape([point(1.0)] * 4, links, {(1, 2): 2.0})
    assert set(found.apart) == {(0, 2), (0, 3), (1, 2), (1, 3)}
    assert [m.apart for m in found.merges] == [None, None, 2.0]
    at = found.components(1.5)
    assert at.groups == ((0, 1), (2, 3))
    assert at.separated == (0, 2)
    # Joined only above the barrier: nothing of the network behind follows.
    high = landscape([point(1.0)] * 3, {(0, 1): Link(2.0, 1.0)}, {(1, 2): 2.0})
    assert set(high.apart) == {(1, 2)}


def chain_links(gap_ab=0.0, gap_bc=0.0, direct=0.5):
    """A - B - C, whose sups carry the margin that claims carry."""
    return {
        (0, 1): Link((1.0 + gap_ab) * (1 + 2.0**-36), gap_ab),
        (1, 2): Link((1.0 + gap_bc) * (1 + 2.0**-36), gap_bc),
        (0, 2): Link(1.0 + direct, direct),
    }


def test_zero_through_a_lower_network():
    """Links with gap 0 through a B certainly below E(A, C): exactly 0, although no sup is at or below E."""
    found = landscape([around(1.0), around(0.5), around(1.0)], chain_links())
    assert found.chains[0, 2].gap == 0.0
    assert found.chains[0, 2].nodes == (0, 1, 2)
    assert list(found.improvements) == [(0, 2)]
    assert found.passes[0, 2] == (1.0 * (1 + E0), (0, 1, 2)), "gap 0 also says that F stays below the ends"


@pytest.mark.parametrize(
    ("b", "why"),
    [
        (Interval(1.0 - E0, 1.0 + E0), "the same value, not certified to be below"),
        (Interval(0.5, math.nextafter(1.0 - E0, 2.0)), "its upper end is one ulp above the lower end of E"),
        (Interval(-math.inf, math.inf), "no certified value"),
    ],
)
def test_no_zero_when_b_is_not_certainly_below(b, why):
    found = landscape([around(1.0), b, around(1.0)], chain_links())
    assert found.chains[0, 2].gap > 0.0, why


def test_no_zero_when_a_link_has_a_gap():
    """However small, the link's own gap stays; here B is low, so that only `sup - E` speaks for the link."""
    tiny = 2.0**-60
    found = landscape([around(1.0), around(0.5), around(1.0)], chain_links(gap_bc=tiny))
    assert found.chains[0, 2].gap == tiny
    links = {**chain_links(), (1, 2): Link(0.9, 0.4)}
    assert landscape([around(1.0), around(0.5), around(0.5)], links).chains[0, 2].gap == 0.0, "0.9 is below E"


def test_a_high_network_in_between_costs_its_height():
    found = landscape([around(1.0), around(1.25), around(1.0)], {**chain_links(), (0, 1): Link(1.26, 0.0)})
    gap = found.chains[0, 2].gap
    assert 0.25 <= gap <= 0.25 + 1e-9
    assert found.chains[0, 2].nodes == (0, 1, 2)


def test_a_pair_without_a_path_is_bounded_through_others():
    links = chain_links()
    del links[0, 2]
    found = landscape([around(1.0), around(0.5), around(1.0)], links)
    assert found.improvements[0, 2].gap == 0.0
    del links[1, 2]
    found = landscape([around(1.0), around(0.5), around(1.0)], links)
    assert (0, 2) not in found.chains
    assert (1, 2) not in found.chains
    assert len(found.tree) == 1


def test_components_and_merges():
    values = [point(1.0), point(2.0), point(3.0), point(1.5)]
    links = {(0, 1): Link(2.5, 0.5), (1, 2): Link(3.0, 0.0), (0, 2): Link(9.0, 6.0), (0, 3): Link(4.0, 2.5)}
    found = landscape(values, links)
    assert [(e.a, e.b, e.height) for e in found.tree] == [(0, 1, 2.5), (1, 2, 3.0), (0, 3, 4.0)]
    assert [(m.height, set(m.left), set(m.right)) for m in found.merges] == [
        (2.5, {0}, {1}),
        (3.0, {0, 1}, {2}),
        (4.0, {0, 1, 2}, {3}),
    ]
    assert found.top == 3.0
    assert found.components(3.0).groups == ((0, 1, 2), (3,))
    assert found.components(2.5).groups == ((0, 1), (3,))
    assert found.components(2.5).above == (2,)
    assert found.components(1.0).groups == ((0,),)
    assert found.components(0.5).groups == ()
    assert found.components(4.0).groups == ((0, 1, 2, 3),)


@pytest.mark.parametrize("gap", [0.1, 0.2, 0.3, 2.0**-54, 1e-17, 0.7])
@pytest.mark.parametrize("high", [1.1, 1.3, 1.0 + 2.0**-52, 1.7])
def test_sums_are_rounded_up(gap, high):
    """A link of a known gap from a network above E: the exact sum of both excesses is covered, and nearly met."""
    links = {(0, 1): Link(1e9, gap), (1, 2): Link(1e9, 0.0)}
    found = landscape([point(1.0), point(high), point(1.0)], links)
    exact = Fraction(high) - 1 + Fraction(gap)
    assert exact <= Fraction(found.chains[0, 2].gap) <= exact * (1 + Fraction(1, 2**50))
    assert Fraction(high) + Fraction(gap) <= Fraction(found.heights[0, 1])


@pytest.mark.parametrize(("direct", "better"), [(0.5 * (1 + 2.0**-36), False), (0.75, True)])
def test_rounding_is_no_improvement(direct, better):
    """0 and 1 are joined through 2 at 0.5; their own path is as good but for the margin of its claim, or is not."""
    found = landscape(
        [point(0.0)] * 3, {(0, 2): Link(0.5, 0.5), (1, 2): Link(0.25, 0.25), (0, 1): Link(direct, direct)}
    )
    assert ((0, 1) in found.improvements) == better
