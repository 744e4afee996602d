"""What is said of a search of cones that did not end by itself."""

import pytest

from tests.landscape.test_coarse import pair_of
from verifier.elaboration import kernel_problem
from verifier.landscape.coarse.pair import pair_barrier
from verifier.landscape.coarse.search import Ended
from verifier.objective import Risk
from verifier.pipeline.cone_barrier import cone_barrier


@pytest.mark.parametrize("proved", [True, False])
def test_an_interrupted_search_says_what_is_proved_so_far(proved):
    A, B, objective, X, y = pair_of(1)
    risk = Risk(objective, X, y)

    def say(text):
        # The first of these sentences comes before anything is proved.
        if "a level of" in text and (not proved or f"a level of {max(map(risk.value, (A, B))):.6g}" not in text):
            raise KeyboardInterrupt

    found = pair_barrier(A, B, risk, most_programs=1500, seconds=1e9, say=say, often=0.0)
    said = []
    claim, record = cone_barrier(kernel_problem(A, B, risk), found, said.append)
    assert found.search.ended is Ended.INTERRUPTED
    assert record["ended"] == "interrupted"
    assert (claim is not None) == proved
    if proved:
        assert said[0].startswith("cones: certified gap >= ")
        assert "; so much was proved before the search was interrupted, with " in said[0]
        assert " below the higher level that it tried: the level lies in [" in said[0]
    else:
        before = "cones: no barrier over E was proved before the search was interrupted: the level lies in ["
        assert said[0].startswith(before)
