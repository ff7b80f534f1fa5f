"""What depends on the Keras backend: compilation by XLA, graphs for other runtimes, and short cuts in a graph.

Importing this module imports no backend.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

_portable = False


def jit() -> bool:
    """Whether models are compiled by XLA: on JAX, which has nothing else. On a CPU XLA's convolutions are slow.

    Returns:
        What `keras.Model.compile(jit_compile=...)` and `keras.Model.jit_compile` take.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        >>> model.compile("adam", loss="mse", jit_compile=jit())
    """
    import keras

    return keras.backend.backend() == "jax"


def is_portable() -> bool:
    """Whether what is traced now must run outside TensorFlow: the networks then use portable operations alone."""
    return _portable


@contextlib.contextmanager
def portable_operations() -> Iterator[None]:
    """Context in which spectra are products with a matrix and LSTMs are Keras's own, for other runtimes.

    Values are the same but for rounding; they take longer. What is traced already, as by `predict`, stays as it is.

    Example:
        >>> with portable_operations():
        ...     is_portable()
        True
    """
    global _portable
    before, _portable = _portable, True
    try:
        yield
    finally:
        _portable = before


def fast_path(condition: Any, fast: Callable[[], Any], general: Callable[[], Any]) -> Any:
    """What `fast` returns where a condition holds, else what `general` returns: the same there, but slower.

    On JAX `general` is called: XLA runs the branches of a condition on one core, and fuses nothing into them.

    Args:
        condition: boolean scalar.
        fast, general: functions without arguments, to tensors of one shape and dtype.

    Example:
        >>> float(fast_path(True, lambda: ops.ones(()), lambda: ops.mean(ops.ones(9))))
        1.0
    """
    from keras import ops

    return general() if jit() else ops.cond(condition, fast, general)
