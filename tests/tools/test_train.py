"""The one training tool: its options are those of the config's family, and what is no config is refused in a line."""

import re
import sys

import pytest

from tests.support.harness import REPOSITORY
from tools import train as tool
from zoo.errors import InputError

CONFIGS = REPOSITORY / "tools" / "configs"
COMMON = "--data --runs --output --jobs --distribution --name --epochs --learning-rate --seed"
OPTIONS = {  # config -> options beside the common ones
    "quality-net-lite-pesq-wb-16k": "--metric --metric-range --n-train --n-validation --n-test",
    "blstm-mse-16k": "--start --steps --voice-bank --timit --noise --fixed-mixtures --loss --snr-db",
    "jnd-22k": "--start --judgments --lyra --dcase --seeds",
    "chandna-4stem-44k": "--steps --tracks",
    "texture-classifier-16k": "--steps",
}


@pytest.fixture
def trained(monkeypatch):
    """Run the tool up to the training; gives the config, the options and the command that it would train by."""
    calls = []
    monkeypatch.setattr(tool, "train_checkpoint", lambda *call: calls.append(call))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["tools/train.py", *map(str, arguments)])
        tool.main()
        return calls[-1]

    return run


@pytest.mark.parametrize("name", OPTIONS)
def test_help_shows_the_options_of_the_family(name, trained, capsys):
    with pytest.raises(SystemExit) as ended:
        trained(CONFIGS / f"{name}.toml", "--help")
    usage = capsys.readouterr().out.partition("positional arguments")[0]
    assert ended.value.code == 0
    assert set(re.findall(r"--[a-z][a-z-]*", usage)) == {*COMMON.split(), *OPTIONS[name].split()}


@pytest.mark.parametrize(("name", "others"), [("chandna-4stem-44k", "--n-train"), ("jnd-22k", "--voice-bank")])
def test_options_of_another_family_are_refused(name, others, trained, capsys):
    with pytest.raises(SystemExit):
        trained(CONFIGS / f"{name}.toml", others, "1")
    assert f"unrecognized arguments: {others}" in capsys.readouterr().err


def test_options_and_the_command_reach_the_training(trained, monkeypatch):
    monkeypatch.delenv("ZOO_DATA", raising=False)
    path = CONFIGS / "blstm-mse-16k.toml"
    arguments = ["--epochs", "2", "--snr-db", "-5", "5", "--loss", "pmsqe=0.5", "magnitude-mse", "--start", "mine/"]
    config, options, command = trained(path, *arguments)
    assert config.family == "enhancement" and config.fields["network"] == "BLSTMEnhancer"
    assert (options.epochs, options.snr_db, options.start, options.steps) == (2, [-5, 5], "mine/", None)
    assert options.loss == [("pmsqe", 0.5), ("magnitude-mse", 1.0)]
    assert (options.data, options.runs, options.jobs) == ("../shared/data", "runs", -1)
    assert command == f"python tools/train.py {path} {' '.join(arguments)}"


def test_tracks_are_the_data_of_a_separator(trained):
    path = CONFIGS / "chandna-4stem-44k.toml"
    assert trained(path)[1].data == "runs/music"
    assert trained(path, "--tracks", "MUSDB18-HQ")[1].data == trained(path, "--data", "MUSDB18-HQ")[1].data


@pytest.mark.parametrize(("text", "message"), [('name = "x"', "has family = None"), ('family = "x"', "family = 'x'")])
def test_a_config_of_no_family_is_refused(text, message, trained, tmp_path):
    (tmp_path / "odd.toml").write_text(text)
    with pytest.raises(InputError, match=message) as error:
        trained(tmp_path / "odd.toml")
    assert "\n" not in str(error.value)


def test_a_config_that_is_not_there_is_refused(trained):
    with pytest.raises(InputError, match="nowhere.toml"):
        trained("nowhere.toml", "--epochs", "1")


def test_without_a_config_it_says_how_to_call_it(trained, capsys):
    with pytest.raises(SystemExit):
        trained()
    assert "CONFIG" in capsys.readouterr().err
