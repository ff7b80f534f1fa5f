"""L-BFGS around one compiled value-and-gradient: SciPy's on the host, TensorFlow Probability's on the device."""

import keras
import numpy as np
import scipy.optimize

from zoo.errors import InputError

_MEMORY = 10  # pairs of steps and gradient changes that either keeps
_RESTARTS = 5  # in a row that gained nothing: the precision is used up


def value_and_gradient(function):
    """Compile a function together with its gradient.

    Args:
        function: (x, *rest) -> (scalar, others), of tensors; `others` is a nest of tensors.

    Returns:
        (x, *rest) -> ((scalar, others), gradient), of arrays of x's shape; one `tf.function` on TensorFlow, one jitted
        function on JAX.

    Raises:
        InputError: another backend.

    Example:
        >>> gradient = value_and_gradient(lambda x: (keras.ops.sum(x * x), ()))
        >>> np.asarray(gradient(np.ones(2, "float32"))[1]).tolist()
        [2.0, 2.0]
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        @tf.function
        def compiled(x, *rest):
            with tf.GradientTape() as tape:
                tape.watch(x)
                found = function(x, *rest)
            return found, tape.gradient(found[0], x)

        return lambda *given: compiled(*map(tf.convert_to_tensor, given))
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(jax.value_and_grad(function, has_aux=True))
    raise InputError(f"no gradient on the backend {keras.backend.backend()}: set KERAS_BACKEND to tensorflow or jax")


def on_host(compute, shape):
    """What `minimize` evaluates, of a function without others and its gradient on the device.

    Args:
        compute: of `value_and_gradient`, for float32 of `shape`.
        shape: of what it takes.

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


def minimize(evaluate, start, iterations, callback, lowest=0.0):
    """SciPy's L-BFGS-B, the paper's optimiser: with bounds, and started anew where its line search gives up.

    Args:
        evaluate: array (n,) -> (value, gradient (n,)); what it computes may change from iteration to iteration.
        start: float (n,).
        iterations: most iterations.
        callback: called as callback(x, value) after each iteration; may raise StopIteration to end.
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
        before = done
        # No tolerances: a loss in float32 that seems to stand still for a step goes on falling.
        options = {"maxiter": iterations - done, "maxfun": 20 * iterations, "maxcor": _MEMORY, "ftol": 0.0, "gtol": 0.0}
        found = scipy.optimize.minimize(
            scaled, x, jac=True, method="L-BFGS-B", bounds=bounds, options=options, callback=count
        )
        x, stalled = found.x, stalled + 1 if done - before < 2 else 0
        if found.status == 99:  # StopIteration
            break
    return x


def _scale(x, gradient):
    """What the function is multiplied with, so that the first step, which is its gradient, is a tenth of the start.

    With bounds SciPy never makes it longer, and where the function is concave it takes the same step ever again.
    """
    length = np.linalg.norm(gradient)
    return 0.1 * (np.linalg.norm(x) or np.sqrt(x.size)) / length if length else 1.0


def device_minimizer(function):
    """TensorFlow Probability's L-BFGS: all iterations in one compiled loop, no bounds.

    Args:
        function: tensor (n,) -> scalar, differentiable.

    Returns:
        (x float32 (n,), iterations) -> (x float32 (n,), the last iterate; iterations that were done); compiled once.

    Raises:
        InputError: the backend is not TensorFlow.

    Example:
        >>> run = device_minimizer(lambda x: keras.ops.sum((x - 1) ** 2))
        >>> run(np.zeros(3, "float32"), 10)[0].round(3).tolist()
        [1.0, 1.0, 1.0]
    """
    if keras.backend.backend() != "tensorflow":
        raise InputError("L-BFGS on the device needs TensorFlow: set KERAS_BACKEND=tensorflow, or use lbfgs-b")
    import tensorflow as tf
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
        found = compiled(tf.convert_to_tensor(x, "float32"), tf.constant(iterations, "int32"))
        return found.position.numpy(), int(found.num_iterations)

    return run
