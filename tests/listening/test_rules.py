"""Sessions are marked by rules."""

import pytest

from tests.support.listening import study
from zoo.listening import rules
from zoo.listening.store import Answer, Trial


def trial(choice, screen="jnd", role="judged", expected=None, seconds=2.0, plays=(1, 1)):
    answer = Answer(value={"choice": choice}, seconds=seconds, plays=list(plays))
    return Trial(screen=screen, role=role, expected=expected, answer=answer)


@pytest.mark.parametrize(
    ("trials", "reasons"),
    [
        ([trial("same"), trial("different", role="sentinel", expected="different")], []),
        ([trial("same", role="sentinel", expected="different")], ["1 sentinels wrong"]),
        ([trial("same", seconds=0.2)] * 3, ["too fast: 0.2 s"]),
        ([trial("same", plays=(1, 0))], ["too few replays: 0.5"]),
        ([trial("garden", "attention", "", "river")], ["wrong word"]),
        ([trial(str(1 + (i > 3)), "headphones", "", "1") for i in range(6)], ["headphones: 4 of 6"]),
        ([trial(str(1 + (i > 4)), "headphones", "", "1") for i in range(6)], []),
    ],
)
def test_reasons_are_named(trials, reasons):
    assert rules.marks(trials, study.Settings()) == reasons


def test_a_miss_may_be_allowed():
    missed = [trial("same", role="sentinel", expected="different")]
    assert rules.marks(missed, study.Settings(misses=1)) == [] and rules.misses(missed) == 1
