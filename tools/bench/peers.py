"""Alternatives to this zoo in PyTorch, at their published sizes, each as a function of NumPy arrays.

Weights are random where the time does not depend on them. Networks run on the GPU if PyTorch has one.
`make .venv-peers/.ready` installs what this imports.
"""

import functools
import sys
from collections.abc import Callable
from unittest import mock

import keras
import numpy as np

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError:
    sys.exit("The peers are not installed: make .venv-peers/.ready, then .venv-peers/bin/python tools/bench/...")

torch.set_default_device("cuda" if torch.cuda.is_available() else "cpu")


class JND(nn.Module):
    """The network and weights of a `zoo.jnd.model.JND`: references and degraded (n, samples) -> distances (n,)."""

    def __init__(self, model):
        super().__init__()
        kernels = [model.backbone.get_layer(f"conv_{i}").kernel for i in range(len(model.channels))]
        betas = [model.backbone.get_layer(f"norm_{i}").beta for i in range(len(model.channels))]
        weights = [model.core.get_layer(f"distance_{i}").weight for i in range(len(model.channels))]
        to_numpy = keras.ops.convert_to_numpy
        self.kernels = nn.ParameterList(torch.tensor(np.transpose(to_numpy(x), (2, 1, 0))) for x in kernels)
        self.betas, self.weights = (
            nn.ParameterList(torch.tensor(to_numpy(x)[:, None]) for x in y) for y in (betas, weights)
        )

    def forward(self, reference, degraded):
        x, total = 32768 * torch.cat([reference, degraded])[:, None], 0
        for i, (kernel, beta, weight) in enumerate(zip(self.kernels, self.betas, self.weights, strict=True)):
            stride = 1 if i == len(self.kernels) - 1 else 2
            x = functional.pad(x, (1, 1) if stride == 1 or x.shape[2] % 2 else (0, 1))
            x = functional.instance_norm(functional.conv1d(x, kernel, stride=stride), eps=1e-3) + beta
            x = functional.leaky_relu(x, 0.2)
            total = total + (weight * (x[: len(x) // 2] - x[len(x) // 2 :])).abs().mean((1, 2))
        return total


def scorer(network: nn.Module, batch_size: int) -> Callable:
    """Function references, degraded (n, samples) -> (n,), in batches of `batch_size`, without gradients."""

    @torch.inference_mode()
    def score(reference, degraded):
        starts = range(0, len(reference), batch_size)
        both = [[torch.tensor(x[start : start + batch_size]) for x in (reference, degraded)] for start in starts]
        return torch.cat([network(*pair) for pair in both]).cpu().numpy()

    return score


def gradient(loss: Callable) -> Callable:
    """Function (reference, estimate) -> gradient of the mean loss to the estimate."""

    def compute(reference, estimate):
        # Copies, because torch-pesq overwrites its inputs.
        reference, estimate = (torch.tensor(x) for x in (reference, estimate))
        estimate.requires_grad_()
        loss(reference.clone(), estimate.clone()).mean().backward()
        return estimate.grad.cpu().numpy()

    return compute


def cdpam() -> Callable:
    """CDPAM (Manocha et al. 2021), with its weights: pairs (n, samples) at 22.05 kHz -> distances (n,)."""
    import cdpam as package

    # By default PyTorch 2.6 does not read a pickled file such as its weights.
    with mock.patch.object(torch, "load", functools.partial(torch.load, weights_only=False)):
        metric = package.CDPAM(dev=str(torch.get_default_device()))
    forward = torch.inference_mode()(metric.forward)
    return lambda reference, degraded: forward(32768 * reference, 32768 * degraded).cpu().numpy()


def visqol() -> Callable:
    """ViSQOL in speech mode: pairs (n, samples) at 16 kHz -> scores (n,), one pair after the other on one core."""
    from visqol import VisqolApi

    api = VisqolApi()
    api.create(mode="speech", use_lattice_model=False)
    return lambda reference, degraded: np.array(
        [api.measure_from_arrays(r, d, 16000).moslqo for r, d in zip(reference, degraded)]
    )


def metricgan_discriminator() -> Callable:
    """The loss through MetricGAN+'s discriminator as SpeechBrain has it: spectra of 512 every 256 samples, log(1 + x)."""
    from speechbrain.lobes.models.MetricGAN import MetricDiscriminator

    network = MetricDiscriminator().eval().requires_grad_(False)

    def loss(reference, estimate):
        spectra = torch.stack([torch.log1p((_power(x) + 1e-12).sqrt()) for x in (estimate, reference)], 1)
        return (1 - network(spectra)).square()

    return loss


def pmsqe() -> Callable:
    """PMSQE (Martin-Donas et al. 2018) as asteroid has it, at 16 kHz."""
    from asteroid.losses import SingleSrcPMSQE

    measure = SingleSrcPMSQE(window_name="hamming")
    return lambda reference, estimate: measure(_power(estimate), _power(reference))


def torch_pesq() -> Callable:
    """The loss of the package torch-pesq at 16 kHz."""
    from torch_pesq import PesqLoss

    return PesqLoss(1.0, sample_rate=16000)


def metricgan_generator() -> Callable:
    """MetricGAN+'s enhancer as SpeechBrain has it: (samples,) at 16 kHz -> (samples,)."""
    from speechbrain.lobes.models.MetricGAN import EnhancementGenerator

    network, window = EnhancementGenerator().eval(), torch.hamming_window(512)

    @torch.inference_mode()
    def enhance(noisy):
        spectrum = torch.stft(torch.tensor(noisy)[None], 512, 256, window=window, return_complex=True)
        mask = network(torch.log1p(spectrum.abs()).transpose(1, 2), torch.ones(1)).clamp(min=0.05)
        return torch.istft(spectrum * mask.transpose(1, 2), 512, 256, window=window, length=len(noisy))[0].cpu().numpy()

    return enhance


def gram_loss(kernels: list[np.ndarray], target: np.ndarray) -> Callable:
    """Relative error of the Gram matrices of ReLU convolutions with kernels (width, bins, filters), over all of them.

    Returns a function (frames, bins) -> (loss, gradient), for a target (frames, bins).
    """
    kernels = [torch.tensor(np.transpose(kernel, (2, 1, 0))) for kernel in kernels]

    def grams(x):
        features = [torch.relu(functional.conv1d(x, kernel))[0] for kernel in kernels]
        return [x @ x.T / x.shape[1] for x in features]

    targets = grams(torch.tensor(target.T[None]))

    def loss(x):
        error = sum((a - b).square().sum() for a, b in zip(grams(x), targets, strict=True))
        return error / sum(b.square().sum() for b in targets)

    def compute(spectrogram):
        x = torch.tensor(spectrogram.T[None]).requires_grad_()
        value = loss(x)
        value.backward()
        return value.item(), x.grad.cpu().numpy()[0].T

    return compute


def open_unmix() -> Callable:
    """The four networks of Open-Unmix (Stoeter et al. 2019): magnitudes (frames, channels, 2049) -> list of four."""
    from openunmix.model import OpenUnmix

    networks = [
        OpenUnmix(nb_bins=2049, nb_channels=2, hidden_size=512, nb_layers=3, max_bin=1487).eval() for _ in range(4)
    ]

    @torch.inference_mode()
    def separate(magnitude):
        x = torch.tensor(magnitude.transpose(1, 2, 0)[None])
        return [network(x).cpu().numpy() for network in networks]

    return separate


def _power(waveform):
    spectrum = torch.stft(waveform, 512, 256, window=torch.hamming_window(512), return_complex=True)
    return torch.view_as_real(spectrum).square().sum(-1).transpose(1, 2)
