"""The `zoo` command: its help, its modules, and what all commands share."""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from tests.support.harness import REPOSITORY
from zoo import cli
from zoo.checkpoint import registry
from zoo.errors import InputError


def test_a_command_is_needed(run):
    status, out, err = run()
    assert status == 2 and out == "" and "the following arguments are required" in err and err.count("\n") == 1


def test_every_module_with_a_command_is_listed():
    """A module of a command has `add`; the others are shared by several."""
    folder = REPOSITORY / "zoo" / "cli"
    modules = {path.stem for path in folder.glob("[a-z]*.py") if "def add(commands)" in path.read_text()}
    assert modules == {command.replace("-", "_") for command in cli.COMMANDS}


def test_help_shows_examples(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--help"])
    assert stopped.value.code == 0 and "zoo score clean.wav noisy.wav" in capsys.readouterr().out
    for command, example in (("score", "zoo score pairs.csv"), ("enhance", "zoo enhance recordings/ enhanced/")):
        with pytest.raises(SystemExit) as stopped:
            cli.main([command, "--help"])
        assert stopped.value.code == 0 and example in capsys.readouterr().out


def test_the_help_names_every_command(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert {line[0] for line in lines if line} >= set(cli.COMMANDS)


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (InputError("give more"), 2, "zoo: give more\n"),
        (OSError("disk full"), 2, "zoo: disk full\n"),
        (KeyboardInterrupt(), 130, "zoo: stopped; no file is half written\n"),
    ],
)
def test_errors_are_a_line_and_a_status(run, monkeypatch, error, status, message):
    def fail(pattern):
        raise error

    monkeypatch.setattr(registry, "names", fail)
    assert run("list") == (status, "", message)


def test_a_reader_that_goes_away_is_no_error():
    command = f"{sys.executable} -m zoo list | true"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=REPOSITORY, capture_output=True, check=False)
    assert done.returncode == 0 and done.stderr == b""


def test_list_and_info_import_no_backend():
    names = registry.names()
    if not names:
        pytest.skip("no checkpoint is bundled yet")
    code = (
        "import sys; from zoo import cli; assert cli.main(['list']) == 0; "
        f"assert cli.main(['info', {names[0]!r}]) == 0; "
        "assert not {'keras', 'tensorflow', 'jax', 'torch', 'scipy', 'soundfile'} & set(sys.modules)"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert all(name in result.stdout for name in names)


STOPPED = """
import os, signal, sys
from zoo import cli
from zoo.base import files
from zoo.checkpoint import registry

# A suite in the background may have been started with some signals ignored.
usual = signal.default_int_handler if sys.argv[1] == "SIGINT" else signal.SIG_DFL
signal.signal(getattr(signal, sys.argv[1]), usual)

def names(pattern):
    with files.atomic_write(sys.argv[2]) as temporary:
        temporary.write_text("half")
        os.kill(os.getpid(), getattr(signal, sys.argv[1]))
        signal.pause()

registry.names = names
sys.exit(cli.main(["list"]))
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGXCPU"])
def test_no_temporary_file_outlives_a_signal(tmp_path, name):
    command = [sys.executable, "-c", STOPPED, name, str(tmp_path / "whole.txt")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == "zoo: stopped; no file is half written\n"
    assert done.returncode == 128 + getattr(signal, name) and not list(tmp_path.iterdir())


def test_a_signal_that_is_ignored_stays_so(monkeypatch, run):
    """As nohup ignores SIGHUP; and the handlers of the process are as before."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        monkeypatch.setattr(registry, "names", lambda pattern: os.kill(os.getpid(), signal.SIGHUP))
        assert run("list")[0] == 2
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


# One process for the three forms, each with stdout as a process starts with it: an import takes a second.
FORMS = """
import sys
from zoo import cli

for form in ([], ["--csv", "-"], ["--json", "-"]):
    sys.stdout.reconfigure(errors="strict")
    assert cli.main(["score", *sys.argv[1:], "--metric", "si-sdr", *form]) == 0
    sys.stdout.flush()
    sys.stdout.buffer.write(b"\\0")
"""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_names_are_printed_in_any_encoding(tmp_path, encoding):
    recording = REPOSITORY / "zoo" / "data" / "audio" / "speech_reference.flac"
    for folder in ("reference", "degraded"):
        (tmp_path / folder).mkdir()
        for name in ("\u00e9-acute.flac", "\u65e5.flac", os.fsdecode(b"Bj\xf6rk.flac")):
            shutil.copy(recording, tmp_path / folder / name)
    command = [sys.executable, "-c", FORMS, tmp_path / "reference", tmp_path / "degraded"]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    table, csv, as_json, rest = done.stdout.decode(encoding).split("\0")
    assert rest == ""
    for out, count in ((table, 1), (csv, 2)):
        assert ("\u00e9-acute.flac" if encoding != "ascii" else "\\xe9-acute.flac") in out
        assert out.count("-acute.flac") == count
    names = [pair["degraded"].rsplit("/", 1)[-1] for pair in json.loads(as_json)["pairs"]]
    assert sorted(names) == ["Bj\ufffdrk.flac", "\u00e9-acute.flac", "\u65e5.flac"]
