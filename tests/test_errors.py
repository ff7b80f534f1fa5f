"""Errors that a user can act on are told in one line."""

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
