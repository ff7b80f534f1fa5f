"""A step that PyTorch compiles holds a loss as one operation, with the values and gradients of the loss alone."""

import copy
import pickle

import keras
import numpy as np
import pytest

import zoo
from zoo.losses import operation

pytestmark = pytest.mark.skipif(keras.backend.backend() != "torch", reason="is of PyTorch")
RNG = np.random.default_rng(0)
BOTH = {"quality-net-tiny-pesq-wb-16k": 1.0, "multi-resolution-stft": 0.1}
LENGTHS = np.array([8000, 6000], "int32")


def pair(samples=8000, batch=2):
    """Torch tensors: a reference, and an estimate that wants a gradient."""
    import torch

    reference = 0.1 * RNG.standard_normal((batch, samples)).astype("float32")
    noisy = reference + 0.05 * RNG.standard_normal(reference.shape).astype("float32")
    return torch.tensor(reference), torch.tensor(noisy, requires_grad=True)


def in_one_graph(function, backend="eager"):
    import torch

    torch._dynamo.reset()
    return torch.compile(function, backend=backend, fullgraph=True)


def check_equal(compiled, function, *inputs):
    """The same value to the bit, and the same gradient in each input that wants one but for rounding."""
    import torch

    wanted = [x for x in inputs if x.requires_grad]
    (ours, *slopes), (theirs, *expected) = (
        (value, *torch.autograd.grad(value.sum(), wanted)) for value in (compiled(*inputs), function(*inputs))
    )
    assert torch.equal(ours, theirs)
    for slope, other in zip(slopes, expected, strict=True):
        torch.testing.assert_close(slope, other, rtol=1e-4, atol=1e-6 * float(other.abs().max()))


@pytest.mark.on_torch
@pytest.mark.parametrize("name", ["jnd-22k", "pmsqe", "quality-net-free-pesq-wb-16k"])
def test_a_loss_is_in_the_graph_of_a_step(name):
    loss = zoo.loss(name, sample_rate=16000)
    check_equal(in_one_graph(lambda *pair: 2 * loss(*pair)), lambda *pair: 2 * loss(*pair), *pair())


@pytest.mark.on_torch
def test_a_sum_of_losses_after_a_network_of_any_length():
    """Through the compiler's own autograd, with the lengths of a padded batch; other shapes are compiled anew."""
    import torch

    loss = zoo.loss(BOTH)

    def step(reference, estimate):
        return loss.call(reference, torch.tanh(estimate), torch.tensor(LENGTHS))

    compiled = in_one_graph(step, "aot_eager")
    for samples in (8000, 9100):
        reference, estimate = pair(samples)
        check_equal(compiled, step, reference.requires_grad_(), estimate)


@pytest.mark.on_torch
def test_no_gradient_is_computed_where_none_is_wanted():
    import torch

    loss = zoo.loss("waveform-l1")
    reference, estimate = pair()
    with torch.no_grad():
        assert in_one_graph(loss)(reference, estimate) == loss(reference, estimate)
    assert in_one_graph(loss)(reference, estimate.detach()).requires_grad is False


@pytest.mark.on_torch
def test_an_estimate_in_bfloat16_and_a_last_axis_of_one():
    import torch

    loss, (reference, estimate) = zoo.loss("waveform-l1"), pair()
    estimate = estimate.detach().to(torch.bfloat16)[..., None].requires_grad_()
    in_one_graph(loss)(reference, estimate).backward()
    assert estimate.grad.dtype == torch.bfloat16 and estimate.grad.shape == (2, 8000, 1) and estimate.grad.any()


@pytest.mark.on_torch
def test_copies_are_losses_of_their_own():
    loss = zoo.loss("multi-resolution-stft")
    copies = [loss, copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))]
    assert len({each._operand for each in copies}) == 3
    assert all(operation._LOSSES[each._operand] is each for each in copies)


@pytest.mark.on_torch
def test_an_error_is_that_of_the_loss():
    import torch

    with pytest.raises(Exception, match="one shape"):
        in_one_graph(zoo.loss("waveform-l1"))(torch.zeros(2, 8000), torch.zeros(2, 7000))
