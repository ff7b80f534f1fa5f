"""A loss of the zoo in a training loop without Keras: an ordinary loss of PyTorch, and of JAX."""

import keras
import numpy as np
import pytest

import zoo
from tests.support.harness import check_frozen
from zoo.audio import mix

RNG = np.random.default_rng(0)
REFERENCE = 0.1 * RNG.standard_normal((2, 8000)).astype("float32")
NOISY = REFERENCE + 0.05 * RNG.standard_normal(REFERENCE.shape).astype("float32")
LENGTHS = np.array([8000, 6000], "int32")
NAMES = ["jnd-22k", "quality-net-tiny-pesq-wb-16k", "pmsqe", "multi-resolution-stft"]
on = keras.backend.backend()
torch_alone = pytest.mark.skipif(on != "torch", reason="is of PyTorch")
jax_alone = pytest.mark.skipif(on != "jax", reason="is of JAX")


def loss_of(name):
    return zoo.loss(name, sample_rate=16000)


def slope(loss, estimate, autocast=False):
    """Value and gradient in the estimate, of torch tensors."""
    import torch

    estimate = torch.tensor(estimate, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        value = loss(torch.tensor(REFERENCE), estimate)
    value.backward()  # outside, as PyTorch asks for
    return float(value.detach()), estimate.grad


@torch_alone
@pytest.mark.on_torch
@pytest.mark.parametrize("name", NAMES)
def test_optimisers_of_pytorch_lower_it(name):
    import torch

    loss, reference, noisy = loss_of(name), torch.tensor(REFERENCE), torch.tensor(NOISY)
    network = torch.nn.Sequential(torch.nn.Conv1d(1, 4, 5, padding=2), torch.nn.Tanh(), torch.nn.Conv1d(4, 1, 1))
    optimizer, values = torch.optim.Adam(network.parameters(), lr=1e-2), []

    def steps():
        for _ in range(6):
            optimizer.zero_grad()
            value = loss(reference, network(noisy[:, None])[:, 0])
            value.backward()
            optimizer.step()
            values.append(value.item())

    metric = getattr(loss, "metric", None)
    steps() if metric is None else check_frozen(metric, steps)
    assert values[-1] < values[0]
    assert metric is None or all(parameter.grad is None for parameter in metric.parameters())


@torch_alone
@pytest.mark.on_torch
@pytest.mark.parametrize("name", NAMES)
def test_values_are_the_same_under_autocast(name):
    import torch

    loss = loss_of(name)
    under, (value, gradient) = slope(loss, NOISY, autocast=True), slope(loss, NOISY)
    assert under[0] == value and torch.equal(under[1], gradient)


@torch_alone
@pytest.mark.on_torch
def test_an_estimate_in_bfloat16_has_a_gradient():
    import torch

    estimate = torch.tensor(NOISY, dtype=torch.bfloat16, requires_grad=True)
    loss_of("jnd-22k")(torch.tensor(REFERENCE), estimate).backward()
    assert estimate.grad.dtype == torch.bfloat16 and torch.isfinite(estimate.grad).all() and estimate.grad.any()


@torch_alone
@pytest.mark.on_torch
def test_a_model_trains_in_a_loop_of_pytorch():
    """A checkpoint is a torch.nn.Module: its parameters go to an optimiser of PyTorch's, and are saved with it."""
    import torch

    enhancer, loss = zoo.load("dnn-mse-16k", trainable=True), loss_of("quality-net-tiny-pesq-wb-16k")
    optimizer = torch.optim.Adam(enhancer.parameters(), lr=1e-3)
    values = []
    for _ in range(4):
        optimizer.zero_grad()
        value = loss(torch.tensor(REFERENCE), enhancer(torch.tensor(NOISY), training=True))
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < values[0]
    assert not np.array_equal(enhancer.get_weights()[0], zoo.load("dnn-mse-16k").get_weights()[0])


@torch_alone
@pytest.mark.on_torch
def test_workers_of_a_data_loader_mix_speech_with_noise():
    import torch

    class Mixtures(torch.utils.data.Dataset):
        def __len__(self):
            return len(REFERENCE)

        def __getitem__(self, index):
            noisy = mix.mix_at_snr(REFERENCE[index], NOISY[index] - REFERENCE[index], 5.0)
            return REFERENCE[index], noisy.astype("float32")

    loss = loss_of("pmsqe")  # before the workers start, as in a script
    batches = list(torch.utils.data.DataLoader(Mixtures(), batch_size=1, num_workers=2))
    alone = list(torch.utils.data.DataLoader(Mixtures(), batch_size=1))
    assert [loss(*batch).item() for batch in batches] == [loss(*batch).item() for batch in alone]


@torch_alone
@pytest.mark.on_torch
def test_a_lightning_module_trains_with_it(tmp_path):
    """The metric inside is no part of the module: neither its checkpoints nor its optimiser have it."""
    import torch

    lightning = pytest.importorskip("lightning")

    class Enhancing(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.network, self.criterion = torch.nn.Conv1d(1, 1, 9, padding=4), loss_of("quality-net-tiny-pesq-wb-16k")

        def training_step(self, batch, _):
            reference, noisy = batch
            value = self.criterion(reference, self.network(noisy[:, None])[:, 0])
            values.append(value.item())
            return value

        def configure_optimizers(self):
            return torch.optim.Adam(self.network.parameters(), lr=1e-2)

    values, module = [], Enhancing()
    batches = torch.utils.data.DataLoader([(REFERENCE[0], NOISY[0])] * 4, batch_size=2)
    options = {"accelerator": "cpu", "logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = lightning.Trainer(max_epochs=3, default_root_dir=tmp_path, **options)
    trainer.fit(module, batches)
    assert len(values) == 6 and values[-1] < values[0]
    (path,) = tmp_path.rglob("*.ckpt")
    assert set(torch.load(path, weights_only=False)["state_dict"]) == {"network.weight", "network.bias"}


@jax_alone
@pytest.mark.on_jax
@pytest.mark.parametrize("name", NAMES)
def test_steps_compiled_by_jax_lower_it(name):
    import jax

    loss = loss_of(name)

    def cost(gains, noisy):
        return loss(REFERENCE, gains * noisy)

    step, gains, values = jax.jit(jax.value_and_grad(cost)), np.ones(8000, "float32"), []

    def steps():
        nonlocal gains
        for _ in range(3):
            value, gradient = step(gains, NOISY)
            values.append(float(value))
            gains = gains - 0.01 * gradient / np.abs(gradient).max()

    metric = getattr(loss, "metric", None)
    steps() if metric is None else check_frozen(metric, steps)
    assert values[2] < values[0]
    np.testing.assert_allclose(values[0], float(loss(REFERENCE, NOISY)), rtol=1e-4)


@jax_alone
@pytest.mark.on_jax
def test_a_step_compiled_by_jax_takes_lengths():
    import jax

    loss = loss_of("quality-net-tiny-pesq-wb-16k")
    value = jax.jit(lambda estimate, lengths: loss.call(REFERENCE, estimate, lengths))(NOISY, LENGTHS)
    np.testing.assert_allclose(value, loss.call(REFERENCE, NOISY, LENGTHS), rtol=1e-4, atol=1e-6)
