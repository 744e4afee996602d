"""What a campaign says while it runs."""

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
