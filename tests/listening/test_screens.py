"""Screens accept the answers of their forms and nothing else."""

import numpy as np
import pytest

from tests.support.listening import make_preference
from zoo.errors import InputError
from zoo.listening import screens
from zoo.listening.screens import View

CHOICE = View("Which?", choices=(("a", "A"), ("b", "B")))
SCORES = View("How good?", form="scores", rated=("A", "B"))
TEXT = View("Comments", form="text")


def test_right_answers_are_kept_without_what_is_not_theirs():
    assert CHOICE.check({"choice": "b", "path": "/etc/passwd"}) == {"choice": "b"}
    assert SCORES.check({"scores": [0, 100]}) == {"scores": [0, 100]}
    assert TEXT.check({"text": "loud"}) == {"text": "loud"}


@pytest.mark.parametrize(
    ("view", "value"),
    [
        (CHOICE, {"choice": "c"}),
        (CHOICE, {"choice": ["a"]}),
        (CHOICE, None),
        (SCORES, {"scores": [0, 101]}),
        (SCORES, {"scores": [0, 1.5]}),
        (SCORES, {"scores": [0, True]}),
        (SCORES, {"scores": [0]}),
        (TEXT, {"text": "x" * 5001}),
        (TEXT, {"text": 5}),
    ],
)
def test_other_answers_are_refused(view, value):
    with pytest.raises(InputError, match="no answer to this screen"):
        view.check(value)


def test_screens_before_the_trials_are_those_of_the_settings(tmp_path):
    store, kind = make_preference(tmp_path, headphones=True, attention=True)
    with store.write() as session:
        trials = screens.before(session, kind.settings, kind.clip, np.random.default_rng(0))
    names = [trial.screen for trial in trials]
    assert names == ["consent", "volume", *["headphones"] * 6, "attention"]
    assert trials[-1].expected == "river"
    for trial in trials:
        view = screens.view(trial, kind.settings)
        assert len(view.labels) == len(view.keys) == len(trial.content.get("sounds", ()))
        assert trial.expected is None or trial.expected in [value for value, _ in view.choices]
    store.close()
