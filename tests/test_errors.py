"""Errors that a user can act on are told in one line."""

from zoo.errors import InputError


def test_it_is_a_value_error_with_its_message():
    assert issubclass(InputError, ValueError)
    assert str(InputError("a.wav: is empty; give a recording")) == "a.wav: is empty; give a recording"
