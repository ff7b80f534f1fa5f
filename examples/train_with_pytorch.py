"""A plain PyTorch loop with a loss of the zoo, on the bundled recording: prints true PESQ of held-back speech.

    KERAS_BACKEND=torch python examples/train_with_pytorch.py

The network scales the bins of the noisy spectrum. It learns from the first 70 % of a sentence in noise, and is measured
on the rest. The loss is an ordinary function of tensors: no Keras is needed around it.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import torch

import zoo

N_FFT, HOP_LENGTH, CLIP = 512, 256, 16000


class Masks(torch.nn.Module):
    """Scales each bin of the spectrum by 0..1, from the frames around it."""

    def __init__(self):
        super().__init__()
        bins = N_FFT // 2 + 1
        self.window = torch.hann_window(N_FFT)
        self.layers = torch.nn.Sequential(
            torch.nn.Conv1d(bins, 64, 5, padding=2), torch.nn.ReLU(), torch.nn.Conv1d(64, bins, 1), torch.nn.Sigmoid()
        )

    def forward(self, noisy):
        spectrum = torch.stft(noisy, N_FFT, HOP_LENGTH, window=self.window, return_complex=True)
        masked = spectrum * self.layers(torch.log(spectrum.abs() + 1e-3))
        return torch.istft(masked, N_FFT, HOP_LENGTH, window=self.window, length=noisy.shape[1])


def true_pesq(reference, estimate):
    return zoo.metrics.speech.pesq(reference.numpy(), estimate.detach().numpy(), 16000).item()


def main(steps=60):
    torch.manual_seed(0)
    reference, noisy = (torch.tensor(zoo.audio.io.read(zoo.examples()[name])[0]) for name in ("reference", "degraded"))
    split = int(0.7 * len(reference))
    network, loss = Masks(), zoo.loss({"quality-net-lite-refreshed-pesq-wb-16k": 1.0, "multi-resolution-stft": 0.1})
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    for step in range(steps):
        starts = torch.randint(split - CLIP, (4,))
        clips = [torch.stack([audio[start : start + CLIP] for start in starts]) for audio in (reference, noisy)]
        value = loss(clips[0], network(clips[1]))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        if step % 20 == 0:
            print(f"step {step}: loss {value.item():.3f}")
    before = true_pesq(reference[split:], noisy[split:])
    after = true_pesq(reference[split:], network(noisy[None])[0, split:])
    print(f"PESQ of speech held back: {before:.2f} noisy, {after:.2f} enhanced")
    return before, after


if __name__ == "__main__":
    main()
