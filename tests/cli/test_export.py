"""`zoo export`: what it prints, and options that do not go together."""

import os

import pytest

from zoo.serving import convert, export


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """The command hides GPUs from its own process only."""
    monkeypatch.setattr(os, "environ", dict(os.environ))


def test_a_saved_model_is_told_with_its_signatures(run, tmp_path, monkeypatch):
    facts = {"directory": "place/3", "megabytes": 1.25, "signatures": {"wav": {"inputs": ["a", "b"], "outputs": ["c"]}}}
    calls = []
    monkeypatch.setattr(export, "export", lambda *arguments: calls.append(arguments) or facts)
    assert run("export", "name", "place", "--version", 3, "--xla") == (0, "place/3: 1.2 MB\n  wav: a, b -> c\n", "")
    assert calls == [("name", "place", 3, True)] and os.environ["CUDA_VISIBLE_DEVICES"] == "-1"


def test_a_file_is_told_with_what_it_needs(run, monkeypatch):
    facts = {"path": "place.tflite", "megabytes": 2.0, "needs": ["FlexRFFT"]}
    monkeypatch.setattr(convert, "convert", lambda *_: facts)
    status, out, _ = run("export", "name", "place.tflite", "--format", "tflite")
    assert (status, out) == (0, "place.tflite: 2.0 MB\n  runs with the Flex delegate only, for FlexRFFT\n")


@pytest.mark.parametrize("options", [[], ["--format", "tflite"], ["--format", "onnx"]])
def test_a_place_that_cannot_be_written_is_known_before_the_work(run, tmp_path, monkeypatch, options):
    monkeypatch.setattr(export, "export", None)
    monkeypatch.setattr(convert, "convert", None)
    (tmp_path / "file").write_text("mine")
    status, out, err = run("export", "name", tmp_path / "file" / "place", *options)
    assert status == 2 and out == "" and err.startswith(f"zoo: {tmp_path}/file") and err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--version", "0"], "--version is 0; give a positive integer"),
        (["--format", "onnx", "--version", "2"], "are for SavedModels: leave them out with --format onnx"),
        (["--format", "tflite", "--xla"], "are for SavedModels: leave them out with --format tflite"),
        (["--format", "zip"], "invalid choice: 'zip'"),
    ],
)
def test_a_mistake_is_one_line(run, options, message):
    status, out, err = run("export", "name", "place", *options)
    assert status == 2 and out == "" and message in err and err.count("\n") == 1
