"""Errors that a user can act on are told in one line."""

import pytest

from zoo import errors
from zoo.errors import InputError


def test_it_is_a_value_error_with_its_message():
    assert issubclass(InputError, ValueError)
    assert str(InputError("a.wav: is empty; give a recording")) == "a.wav: is empty; give a recording"


def test_a_librarys_error_is_a_line_with_its_class():
    assert errors.describe(ValueError("array is too big\nat line 3")) == "ValueError: array is too big"
    assert errors.describe(InputError("give more\nof it")) == "give more of it"
    assert errors.describe(MemoryError()) == "MemoryError: MemoryError"
    assert errors.describe(OSError(28, "No space left on device")) == "[Errno 28] No space left on device"


@pytest.mark.parametrize(
    ("chosen", "package", "installed", "words"),
    [
        ("tensorflow", "keras", "", 'keras is not installed: pip install "audio-zoo[tensorflow]"'),
        (
            "tensorflow",
            "tensorflow",
            "jax",
            'tensorflow is not installed: pip install "audio-zoo[tensorflow]", or set KERAS_BACKEND=jax',
        ),
        ("jax", "tensorflow", "jax", 'tensorflow is not installed: pip install "audio-zoo[tensorflow]"'),
        ("tensorflow", "grpc._cython", "jax", 'grpc is not installed: pip install "audio-zoo[serve]"'),
    ],
)
def test_a_missing_package_is_one_line_with_its_command(monkeypatch, chosen, package, installed, words):
    monkeypatch.setenv("KERAS_BACKEND", chosen)
    monkeypatch.setattr(errors, "find_spec", lambda name: name == installed)
    with pytest.raises(errors.InputError) as raised, errors.extras():
        raise ModuleNotFoundError(name=package)
    assert str(raised.value) == words


def test_a_package_that_nothing_asks_for_is_missing_as_ever():
    with pytest.raises(ModuleNotFoundError), errors.extras():
        raise ModuleNotFoundError(name="nothing")
