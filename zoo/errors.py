"""Errors that a user of the zoo can act on."""


class InputError(ValueError):
    """Input that the zoo cannot use; the message says in one line what to do."""
