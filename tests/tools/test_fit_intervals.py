"""tools/fit_intervals.py hands a checkpoint's recipe, with as many pairs as it says, to the fit, and the command to its card."""

import sys

import pytest

from tools import fit_intervals
from zoo.checkpoint import registry
from zoo.errors import InputError

NAME = "quality-net-lite-pesq-wb-16k"


@pytest.fixture
def command(monkeypatch):
    """Run the tool, which fits nothing; gives what the fit would get."""
    calls = []
    monkeypatch.setattr(fit_intervals, "calibrate", lambda *arguments: calls.append(arguments))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["fit_intervals.py", *arguments])
        fit_intervals.main()
        return calls[-1]

    return run


def test_the_recipe_is_the_checkpoints_with_other_numbers_of_pairs(command):
    directory, recipe, data, runs, jobs, text = command(NAME, "--n-validation", "256", "--data", "mine", "--jobs", "2")
    assert directory == registry.resolve(NAME) and (data, runs, jobs) == ("mine", "runs", 2)
    assert (recipe.network, recipe.n_train, recipe.n_validation, recipe.n_test) == ("QualityNetLite", 256, 256, 512)
    assert text == f"python tools/fit_intervals.py {NAME} --n-validation 256 --n-test 512"


def test_an_unknown_checkpoint_is_refused(command):
    with pytest.raises(InputError, match="Unknown checkpoint"):
        command("quality-net-huge")
