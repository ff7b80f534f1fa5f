"""What depends on the Keras backend: inference, compilation, precision, graphs for other runtimes, short cuts in a graph.

Importing this module imports no backend.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

# Of this thread alone: an export must not change what another thread traces meanwhile.
_portable = ContextVar("portable", default=False)
_unbranched = ContextVar("unbranched", default=False)


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
    return _portable.get()


@contextlib.contextmanager
def portable_operations() -> Iterator[None]:
    """Context in which spectra are products with a matrix and LSTMs are Keras's own, for other runtimes.

    Values are the same but for rounding; they take longer. What is traced already, as by `predict`, stays as it is.

    Example:
        >>> with portable_operations():
        ...     is_portable()
        True
    """
    before = _portable.set(True)
    try:
        yield
    finally:
        _portable.reset(before)


@contextlib.contextmanager
def unbranched() -> Iterator[None]:
    """Context in which a graph gets no short cuts: for a runtime that keeps the weights of each branch of a condition.

    Example:
        >>> with unbranched():
        ...     float(fast_path(True, lambda: 1.0, lambda: 2.0))
        2.0
    """
    before = _unbranched.set(True)
    try:
        yield
    finally:
        _unbranched.reset(before)


def plain_torch(function: Callable) -> Callable:
    """Decorator of a function that PyTorch runs as it is written: not in a graph of `torch.compile`, nor under autocast.

    What a network or a loss here computes in bfloat16 is for Keras's dtype policy to say: spectra, logarithms and sums
    would lose the digits that they need. A step that calls it may be compiled: its graph ends before and goes on after.
    On other backends it is the function itself.

    Example:
        >>> plain_torch(lambda x: 2 * x)(3)
        6
    """
    import keras

    if keras.backend.backend() != "torch":
        return function
    import torch

    @torch.compiler.disable
    @functools.wraps(function)
    def run(*arguments, **options):
        with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
            return function(*arguments, **options)

    return run


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

    return general() if jit() or _unbranched.get() else ops.cond(condition, fast, general)


def predict(model: Any, inputs: Any) -> Any:
    """What a model gives of one batch in inference, compiled; several threads may call it at once.

    `keras.Model.predict_on_batch` may be called by one thread only: on JAX it gives the model's variables away to the
    compiled function and puts them back afterwards.

    Args:
        model: keras.Model that is built.
        inputs: what a call of it takes.

    Returns:
        The model's outputs, as NumPy arrays that may be written to.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        >>> predict(model, np.zeros((2, 4), "float32")).shape
        (2, 1)
    """
    import keras

    # Not by setattr: Keras and TensorFlow would look for something to track or to save in it.
    compute = vars(model).get("_inference") or vars(model).setdefault("_inference", _inference(model))
    to_numpy = keras.ops.convert_to_numpy
    return keras.tree.map_structure(lambda x: np.require(to_numpy(x), requirements="W"), compute(inputs))


def _inference(model):
    """A function from inputs to outputs of a model, which reads its variables and leaves them as they are."""
    import keras

    if keras.backend.backend() == "jax":
        import jax

        def compute(values, inputs):
            with keras.StatelessScope(state_mapping=list(zip(model.variables, values, strict=True))):
                return model(inputs, training=False)

        compiled = jax.jit(compute)
        return lambda inputs: compiled([variable.value for variable in model.variables], inputs)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        call = tf.function(lambda inputs: model(inputs, training=False), autograph=False, reduce_retracing=True)
        # TensorFlow counts the traces of all models together, and would warn of the fifth model's first.
        call._omit_frequent_tracing_warning = True
        return lambda inputs: call(inputs)  # a SavedModel would hold a tf.function that is an attribute
    import torch

    return plain_torch(torch.no_grad()(lambda inputs: model(inputs, training=False)))
