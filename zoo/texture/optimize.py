"""L-BFGS on a compiled value and gradient: SciPy's on the host, TensorFlow Probability's or PyTorch's on the device."""

from collections.abc import Callable
from importlib.util import find_spec

import keras
import numpy as np
import scipy.optimize

from zoo.errors import InputError, extras

_MEMORY = 10  # pairs of steps and gradient changes that L-BFGS stores
_RESTARTS = 5  # in a row without progress, after which the precision of float32 is exhausted


def value_and_gradient(function: Callable) -> Callable:
    """Compile a function together with its gradient.

    Args:
        function: (x, *rest) -> (scalar, others), of tensors; `others` is a nest of tensors.

    Returns:
        (x, *rest) -> ((scalar, others), gradient), of arrays of x's shape; one `tf.function` on TensorFlow, one jitted
        function on JAX. PyTorch runs it operation by operation.

    Example:
        >>> gradient = value_and_gradient(lambda x: (keras.ops.sum(x * x), ()))
        >>> np.asarray(gradient(np.ones(2, "float32"))[1]).tolist()
        [2.0, 2.0]
    """
    backend = keras.backend.backend()
    return {"tensorflow": _on_tensorflow, "jax": _on_jax, "torch": _on_torch}[backend](function)


def _on_tensorflow(function):
    import tensorflow as tf

    @tf.function
    def compiled(x, *rest):
        with tf.GradientTape() as tape:
            tape.watch(x)
            result = function(x, *rest)
        return result, tape.gradient(result[0], x)

    return lambda *arrays: compiled(*map(tf.convert_to_tensor, arrays))


def _on_jax(function):
    import jax

    return jax.jit(jax.value_and_grad(function, has_aux=True))


def _on_torch(function):
    import torch

    def compute(*arrays):
        x, *rest = (keras.ops.convert_to_tensor(array).detach() for array in arrays)
        x.requires_grad_()
        value, others = function(x, *rest)
        (gradient,) = torch.autograd.grad(value, x)
        return keras.tree.map_structure(lambda tensor: tensor.detach(), (value, others)), gradient

    return compute


def on_host(compute: Callable, shape: tuple[int, ...]) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    """Wrap a compiled value and gradient for `minimize`: flat float64 arrays in and out.

    Args:
        compute: as of `value_and_gradient`, of a float32 array.
        shape: of that array.

    Returns:
        array (n,) -> (float, gradient float64 (n,)).

    Example:
        >>> evaluate = on_host(value_and_gradient(lambda x: (keras.ops.sum(x * x), ())), (2, 1))
        >>> evaluate(np.ones(2))[1].tolist()
        [2.0, 2.0]
    """

    def evaluate(x):
        (value, _), gradient = compute(x.reshape(shape).astype("float32"))
        return float(value), keras.ops.convert_to_numpy(gradient).ravel().astype("float64")

    return evaluate


def minimize(
    evaluate: Callable[[np.ndarray], tuple[float, np.ndarray]],
    start: np.ndarray,
    iterations: int,
    callback: Callable[[np.ndarray, float], None],
    lowest: float = 0.0,
) -> np.ndarray:
    """SciPy's L-BFGS-B, the paper's optimiser: with a lower bound, and restarted where its line search fails.

    Args:
        evaluate: array (n,) -> (value, gradient (n,)); the function may change from iteration to iteration.
        start: float (n,).
        iterations: greatest number of iterations.
        callback: called as callback(x, value) after each iteration; may raise StopIteration to stop.
        lowest: bound of every element of x.

    Returns:
        float64 (n,), the last iterate.

    Example:
        >>> minimize(lambda x: (np.sum((x - 1) ** 2), 2 * (x - 1)), np.zeros(3), 10, lambda *_: None).round(3).tolist()
        [1.0, 1.0, 1.0]
    """
    x, done, stalled = np.asarray(start, "float64"), 0, 0
    scale, bounds = _scale(x, evaluate(x)[1]), scipy.optimize.Bounds(lowest, np.inf)

    def scaled(x):
        value, gradient = evaluate(x)
        return scale * value, scale * gradient

    def count(intermediate_result):
        nonlocal done
        done += 1
        callback(intermediate_result.x, float(intermediate_result.fun) / scale)

    while done < iterations and stalled < _RESTARTS:
        previous = done
        # No tolerances: a float32 loss that is constant for one step may fall again in the next.
        options = {"maxiter": iterations - done, "maxfun": 20 * iterations, "maxcor": _MEMORY, "ftol": 0.0, "gtol": 0.0}
        result = scipy.optimize.minimize(
            scaled, x, jac=True, method="L-BFGS-B", bounds=bounds, options=options, callback=count
        )
        x, stalled = result.x, stalled + 1 if done - previous < 2 else 0
        if result.status == 99:  # StopIteration
            break
    return x


def _scale(x, gradient):
    """Factor for the function that makes the first step, which is its gradient, a tenth as long as the start.

    With bounds SciPy never lengthens that step, and where the function is concave it repeats it.
    """
    length = np.linalg.norm(gradient)
    return 0.1 * (np.linalg.norm(x) or np.sqrt(x.size)) / length if length else 1.0


def device_minimizer(function: Callable, optimizer: str) -> Callable[[np.ndarray, int], tuple[np.ndarray, int]]:
    """L-BFGS on the backend's device, without bounds.

    Args:
        function: tensor (n,) -> scalar, differentiable.
        optimizer: "tfp", TensorFlow Probability's, all iterations in one compiled loop; or "torch", PyTorch's.

    Returns:
        (x float32 (n,), iterations) -> (x float32 (n,), the last iterate; number of iterations done); compiled once.

    Raises:
        InputError: Keras runs on another backend.

    Example:
        >>> run = device_minimizer(lambda x: keras.ops.sum((x - 1) ** 2), "tfp")
        >>> run(np.zeros(3, "float32"), 10)[0].round(3).tolist()
        [1.0, 1.0, 1.0]
    """
    backend, extra, minimizer = _DEVICE_MINIMIZERS[optimizer]
    if keras.backend.backend() != backend:
        install = "" if find_spec(backend) else f'pip install "audio-zoo[{extra}]", '
        raise InputError(f"{optimizer} needs Keras on {backend}: {install}set KERAS_BACKEND={backend}, or use lbfgs-b")
    return minimizer(function)


def _minimizer_of_tfp(function):
    import tensorflow as tf

    with extras():
        import tensorflow_probability as tfp

    @tf.function
    def compiled(x, iterations):
        return tfp.optimizer.lbfgs_minimize(
            lambda x: tfp.math.value_and_gradient(function, x),
            initial_position=x,
            max_iterations=iterations,
            num_correction_pairs=_MEMORY,
            tolerance=0.0,
        )

    def run(x, iterations):
        result = compiled(tf.convert_to_tensor(x, "float32"), tf.constant(iterations, "int32"))
        return result.position.numpy(), int(result.num_iterations)

    return run


def _minimizer_of_torch(function):
    import torch

    def run(x, iterations):
        x = keras.ops.convert_to_tensor(x, "float32").clone().requires_grad_()
        options = {"history_size": _MEMORY, "line_search_fn": "strong_wolfe", "max_eval": 20 * iterations}
        optimizer = torch.optim.LBFGS([x], max_iter=iterations, tolerance_grad=0.0, tolerance_change=0.0, **options)

        def evaluate():
            optimizer.zero_grad()
            value = function(x)
            value.backward()
            return value

        optimizer.step(evaluate)
        return keras.ops.convert_to_numpy(x), optimizer.state[x]["n_iter"]

    return run


_DEVICE_MINIMIZERS = {  # optimizer -> Keras's backend, the extras that install it, what makes the function
    "tfp": ("tensorflow", "tensorflow,textures", _minimizer_of_tfp),
    "torch": ("torch", "torch", _minimizer_of_torch),
}
