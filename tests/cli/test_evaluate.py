"""`zoo evaluate`: each family by its name, its options, and what is refused."""

import pytest

from tests.support.evaluation import evaluate
from zoo import cli
from zoo.errors import InputError
from zoo.families import FAMILIES


def help_of(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["evaluate", *arguments, "--help"])
    assert stopped.value.code == 0
    return capsys.readouterr().out


def test_the_help_lists_the_families(capsys):
    shown = help_of(capsys)
    for name, family in FAMILIES.items():
        assert any(line.split() == [name.replace("_", "-"), *family.title.split()] for line in shown.splitlines())


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_has_its_options_and_those_of_all(name, capsys):
    shown = help_of(capsys, name.replace("_", "-"))
    report = FAMILIES[name].module("report")
    assert report.SUMMARY[1:] in " ".join(shown.split()) and "checkpoint" in shown
    assert "--data" in shown and "--jobs" in shown and callable(report.evaluate_checkpoint)


def test_the_data_folder_comes_from_the_environment(monkeypatch):
    values = []
    monkeypatch.setenv("ZOO_DATA", "recordings")
    monkeypatch.setattr(FAMILIES["texture"].module("report"), "run", values.append)
    assert evaluate("texture") == evaluate("texture", "--data", "mine", "--jobs", 2) == 0
    assert [(one.data, one.jobs) for one in values] == [("recordings", -1), ("mine", 2)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: FAMILY"),
        (["zzz"], "invalid choice: 'zzz'"),
        (["jnd"], "required: checkpoint; see zoo evaluate jnd --help"),
        (["texture", "--volume"], "unrecognized arguments: --volume"),
        (["texture", "--jobs", "0"], "0 processes do nothing"),
    ],
)
def test_a_mistake_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        evaluate(*arguments)


@pytest.mark.parametrize(
    "arguments", [["enhancement", "--speech", "x", "--noise", "y"], ["jnd", "jnd-22k", "--speech", "x"]]
)
def test_an_output_that_cannot_be_written_is_known_before_the_work(tmp_path, arguments):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="file: is no folder; give another place"):
        evaluate(*arguments, "--output", tmp_path / "file" / "deep")
