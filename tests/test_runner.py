"""What a campaign says while it runs, and that it ends."""

import builtins
import time

from verifier.campaign import runner as room


def lost(task, error):
    raise AssertionError((task, error))


def test_without_a_bar_a_campaign_says_how_far_it_is(monkeypatch):
    monkeypatch.setattr(room, "EVERY", 0.0)
    heard = []
    with room.runner(say=heard.append) as run:
        assert dict(run.run(abs, [-1, -2, -3], lost, what="pairs", done=2)) == {0: 1, 1: 2, 2: 3}
    assert [line.split(", about")[0] for line in heard] == ["pairs: 3 of 5", "pairs: 4 of 5"]


def test_a_short_campaign_is_silent():
    heard = []
    with room.runner(say=heard.append) as run:
        assert dict(run.run(abs, [-1, -2], lost, what="pairs")) == {0: 1, 1: 2}
    assert heard == []


def test_a_worker_that_grows_is_replaced_where_warnings_are_errors():
    """loky's warning about it, raised, ended the thread that hands out tasks: nothing came any more."""

    # In here it travels by value: workers cannot import the tests.
    def grow(k):
        time.sleep(0.5)
        if k == 3:
            builtins.kept = b"x" * 350_000_000
        return k

    with room.runner(2) as run:
        assert run.in_order(grow, list(range(10)), lost, what="tasks") == list(range(10))
