"""A switch for graphs that other runtimes take: networks then do without what TensorFlow alone has."""

import contextlib

_wanted = False


def wanted():
    """Whether what is traced now goes to another runtime."""
    return _wanted


@contextlib.contextmanager
def operations():
    """Context in which spectra are products with a matrix, and LSTMs are Keras's own.

    Values are the same, but for rounding; they take longer. What is traced already, as by `predict`, stays as it is.

    Example:
        >>> with operations():
        ...     wanted()
        True
    """
    global _wanted
    before, _wanted = _wanted, True
    try:
        yield
    finally:
        _wanted = before
