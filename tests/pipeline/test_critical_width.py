"""What the records of widths 1, 2, ... say of the critical width."""

from verifier.pipeline.landscape_critical import critical_record, critical_words


def width(m, **whole):
    known = {
        "status": "CERTIFIED",
        "minima": 3,
        "gap_lower": 0.25,
        "gap_upper": 0.2500001,
        "zero": 1.0,
        "certificate": f"{m}",
    }
    return {"width": m, "whole": known | whole}


CONNECTED = {"minima": 1, "gap_lower": 0.0, "gap_upper": 2.0**-30}


def test_the_first_connected_width():
    found = critical_record([width(1), width(2), width(3, **CONNECTED)])
    assert (found["width"], found["gap"], found["certificate"], found["certificate_below"]) == (3, 0.25, "3", "2")
    assert critical_words({"critical": found}) == (
        "critical width 3, gaps up to 9.4e-10 aside: no two networks of width 3 have a larger one, two of width 2 have one of at least 0.25"
    )
    assert critical_words({}) == ""


def test_width_1_has_none_below():
    found = critical_record([width(1, **CONNECTED)])
    assert found["width"] == 1
    assert (
        critical_words({"critical": found})
        == "critical width 1, gaps up to 9.4e-10 aside: no two networks of width 1 have a larger one"
    )


def test_what_is_not_decided():
    """A wide bracket that swallows all minima, minima that brackets do not tell apart, no certificate, too many cells: each says why."""
    wide = critical_record([width(1), width(2, **CONNECTED | {"gap_upper": 0.5})])
    assert wide == {"width": None, "why": "width 2 is not decided: its largest gap is only known to be at most 0.5"}
    near = critical_record([width(1, gap_lower=0.0, gap_upper=1e-9)])
    assert near["width"] is None
    none = critical_record([width(1), {"width": 2, "whole": {"status": "COMPUTED", "why": "too wide"}}])
    assert none["why"] == "width 2 is not decided: too wide"
    large = critical_record([width(1), {"width": 2, "refused": "too many cells"}])
    assert (
        critical_words({"critical": large}) == "critical width not determined: width 2 is not decided: too many cells"
    )
    assert critical_record([width(1)])["why"] == "no width up to 1 has connected sublevel sets only"
