"""A loss as one operation in the graph of a step that PyTorch compiles, `torch.compile(step, fullgraph=True)`.

Elsewhere, and outside such a step, a loss runs as it is written.
"""

import functools
import itertools
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
from keras import ops

from zoo import backend

# A graph holds text, not objects: the name of a loss in it leads to the loss.
_LOSSES = weakref.WeakValueDictionary()
_COUNT = itertools.count()
# PyTorch switches gradients off in the thread that runs an operation, so they are computed in this one.
_THREAD = ThreadPoolExecutor(1, "zoo-loss")


class WaveformLoss(keras.losses.Loss):
    """Base of the losses of two waveforms, whose `call` is a method decorated by `one_operation`.

    Args:
        reduction: as for any Keras loss.
        name: of the loss.

    Example:
        >>> issubclass(zoo.losses.signal.WaveformL1, WaveformLoss)
        True
    """

    def __init__(self, reduction: str, name: str):
        super().__init__(name=name, reduction=reduction)
        self._enter()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._enter()  # a copy is a loss of its own

    def _enter(self):
        self._operand = f"{type(self).__name__}_{next(_COUNT)}"
        _LOSSES[self._operand] = self


def one_operation(call: Callable) -> Callable:
    """Decorator of the `call` of a `WaveformLoss`: in a graph of `torch.compile` it is one operation with a gradient.

    The operation runs `call` as it is written, in float32 under autocast too, and its gradient with it: an example's
    value must depend on no other example. It has no second derivative.

    Args:
        call: method (reference, estimate, lengths=None) -> float32 (batch,).

    Example:
        >>> class Difference(WaveformLoss):
        ...     @one_operation
        ...     def call(self, reference, estimate, lengths=None):
        ...         return ops.mean(ops.abs(reference - estimate), axis=1)
        >>> float(Difference("sum", "difference")(ops.ones((2, 4)), ops.zeros((2, 4))))
        2.0
    """
    if keras.backend.backend() != "torch":
        return call
    import torch

    plain, measure = backend.plain_torch(call), _operation()

    @functools.wraps(call)
    def run(self, reference, estimate, lengths=None):
        if not torch.compiler.is_dynamo_compiling():
            return plain(self, reference, estimate, lengths)
        pair = [ops.convert_to_tensor(x) for x in (reference, estimate)]
        lengths = None if lengths is None else ops.convert_to_tensor(lengths, "int32")
        wanted = [torch.is_grad_enabled() and x.requires_grad for x in pair]
        return measure(*pair, lengths, self._operand, wanted)[0]

    return run


@functools.cache
def _operation():
    """The operation of PyTorch: values of a loss, and their gradients in both waveforms, empty where not wanted."""
    import torch

    schema = "(Tensor reference, Tensor estimate, Tensor? lengths, str loss, bool[] wanted) -> (Tensor, Tensor, Tensor)"

    @torch.library.custom_op("zoo::loss", mutates_args=(), schema=schema)
    def measure(reference, estimate, lengths, loss, wanted):
        stream = torch.cuda.current_stream(estimate.device) if estimate.is_cuda else None
        return _THREAD.submit(_with_gradients, stream, _LOSSES[loss], (reference, estimate), lengths, wanted).result()

    @measure.register_fake
    def _shapes(reference, estimate, lengths, loss, wanted):
        pair = zip((reference, estimate), wanted, strict=True)
        value = estimate.new_empty(estimate.shape[:1], dtype=torch.float32)
        return value, *(x.new_empty(x.shape) if want else x.new_empty(0) for x, want in pair)

    def keep(ctx, inputs, output):
        ctx.wanted = inputs[-1]
        ctx.save_for_backward(*output[1:])

    def backward(ctx, slope, *_):
        gradients = [
            slope.reshape(-1, *[1] * (x.ndim - 1)).to(x.dtype) * x if want else None
            for x, want in zip(ctx.saved_tensors, ctx.wanted, strict=True)
        ]
        return *gradients, None, None, None

    measure.register_autograd(backward, setup_context=keep)
    return measure


def _with_gradients(stream, loss, pair, lengths, wanted):
    import torch

    with torch.cuda.stream(stream):  # None on a CPU
        pair = [x.detach().requires_grad_(want) for x, want in zip(pair, wanted, strict=True)]
        values = loss.call(*pair, lengths)
        inputs = [x for x in pair if x.requires_grad]
        gradients = iter(torch.autograd.grad(values.sum(), inputs) if inputs else ())
        by_input = [
            next(gradients).contiguous() if want else x.new_empty(0) for x, want in zip(pair, wanted, strict=True)
        ]
        return values.detach().clone(), *by_input
