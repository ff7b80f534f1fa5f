"""Chandna's separator: sizes, variants, sums, lengths, segments, channels, rates, blocks and streams, bad input."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from tests.support.harness import REPOSITORY, check_batch_invariance, check_save_load, predict
from tests.support.separation import separator
from zoo.errors import InputError
from zoo.separation import inference
from zoo.separation.model import ChandnaSeparator

RATE = 44100
VARIANTS = {
    "paper": {},
    "authors": {"across": 5, "height": 15, "tied": True, "scale": 0.3 / 32},
    "report": {"width": 171, "pool": 342, "dropout": 0.5},
    "report, tied": {"width": 171, "pool": 9, "tied": True},
    "ours": {"compress": True, "frames": 24, "step": 6, "n_fft": 512, "hop_length": 128},
}
LONG = """
import numpy as np
from tests.support.separation import separator
model = separator()
song = np.random.default_rng(0).standard_normal((44100 * 600, 1), dtype="float32")
sources = model.separate(song, 44100)
assert all(len(audio) == len(song) for audio in sources.values())
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024)
"""


def noise(*shape, seed=0):
    return 0.1 * np.random.default_rng(seed).standard_normal(shape, dtype="float32")


@pytest.fixture(scope="module", params=VARIANTS)
def model(request):
    keras.utils.set_random_seed(0)
    return separator(**VARIANTS[request.param])


def test_the_papers_size():
    """Kernels and biases of both convolutions, the dense layers, and four decoders of their own."""
    there = 50 * 513 + 50 + 30 * 12 * 50 + 30
    size = 19 * 30  # what the second convolution gives
    decoder = 128 * size + size + 12 * 50 * 30 + 50 + 513 * 50 + 1
    assert ChandnaSeparator().count_params() == there + size * 128 + 128 + 4 * decoder == 585_742


def test_the_authors_size():
    """Their decoders have no kernels of their own."""
    size = 16 * 50
    there = 50 * 513 + 50 + 50 * 15 * 50 + 50
    assert ChandnaSeparator(across=50, height=15, tied=True).count_params() == there + size * 128 + 128 + 4 * 129 * size


def test_the_sources_sum_to_the_mixture(model):
    mixture = noise(2, 20000)
    sources = predict(model, [mixture])
    assert sources.shape == (2, 4, 20000)
    np.testing.assert_allclose(sources.sum(axis=1), mixture, atol=1e-6)
    assert np.abs(sources - sources.mean(axis=1, keepdims=True)).max() > 1e-3  # they are not a quarter each


def test_masks_are_shares(model):
    magnitude = np.abs(noise(3, model.frames, model.n_fft // 2 + 1))
    masks = predict(model.core, [magnitude])
    assert masks.shape == (3, 4, model.frames, model.n_fft // 2 + 1)
    assert masks.min() >= 0
    np.testing.assert_allclose(masks.sum(axis=1), 1.0, atol=1e-6)


def test_a_batch_is_its_examples(model):
    check_batch_invariance(model, [noise(2, 9000), np.array([9000, 5000], "int32")], atol=1e-6)


@pytest.mark.parametrize("samples", [1, 255, 9000, 15361])
def test_padding_does_not_change_what_counts(model, samples):
    bare = noise(2, samples)
    padded, lengths = np.pad(bare, ((0, 0), (0, 4321)), constant_values=0.3), np.full(2, samples, "int32")
    sources = predict(model, [padded, lengths])
    np.testing.assert_allclose(sources[:, :, :samples], predict(model, [bare]), atol=1e-6)
    assert not sources[:, :, samples:].any()


def test_it_is_saved_and_loaded(model, tmp_path):
    loaded = check_save_load(model, [noise(1, 9000)], tmp_path / "model")
    assert (loaded.sources, loaded.latency) == (model.sources, model.latency)


def test_segments_are_cross_faded():
    """A core that says "vocals" in the first half of a segment and "other" in the second: half each, all the time."""
    model = separator()
    first = (np.arange(30) < 15).astype("float32")[:, None]
    model.core = lambda x, training: ops.stack(
        [ops.ones_like(x) * m for m in (first, 0 * first, 0 * first, 1 - first)], 1
    )
    masks = ops.convert_to_numpy(model._masks(np.ones((1, 100, 513), "float32"), False))
    np.testing.assert_allclose(masks.sum(axis=1), 1.0, atol=1e-6)
    weights = masks[0, 0, :30, 0]  # of the segment that has begun here, whose first half is vocals
    assert (np.diff(weights[:15]) > 0).all() and weights[0] < 0.05 and weights[14] > 0.95
    np.testing.assert_allclose(weights[15:], weights[:15], atol=1e-6)


@pytest.mark.parametrize("step", [3, 5, 15])
def test_weights_of_overlapping_segments_sum_to_one(step):
    total = inference.fade(30, step).reshape(-1, step).sum(axis=0)
    np.testing.assert_allclose(total, 1.0, atol=1e-6)


@pytest.mark.slow
def test_channels_and_batches_are_separated_alike(model):
    song = noise(12000, 2)
    sources, mono = model.separate(song, RATE), model.separate(song[:, 1], RATE)
    batched = model.separate(song[None].repeat(2, axis=0), RATE)
    assert list(sources) == ["vocals", "drums", "bass", "other"]
    for source, audio in sources.items():
        assert audio.shape == song.shape and audio.dtype == np.float32
        np.testing.assert_allclose(audio[:, 1], mono[source], atol=1e-6)
        np.testing.assert_allclose(batched[source], np.stack([audio, audio]), atol=1e-6)


def test_blocks_are_the_whole(model, monkeypatch):
    monkeypatch.setattr(inference, "BLOCK_SECONDS", 0.31)
    song = noise(60000)
    whole = predict(model, [song[None]])[0]
    for separated, audio in zip(model.separate(song, RATE).values(), whole, strict=True):
        np.testing.assert_allclose(separated, audio, atol=1e-6)


def test_the_papers_latency():
    assert ChandnaSeparator().latency == pytest.approx(0.1916, abs=1e-4)


@pytest.mark.parametrize("rate", [8000, 48000])
def test_another_rate(rate):
    model, time = separator(), np.arange(rate // 2) / rate
    song = 0.1 * np.stack([np.sin(2 * np.pi * f * time) for f in (440, 1500)], axis=1)
    with pytest.raises(InputError, match=f"{rate} Hz.*44100 Hz.*resample=True"):
        model.separate(song, rate)
    sources = model.separate(song, rate, resample=True)
    assert all(audio.shape == song.shape for audio in sources.values())
    np.testing.assert_allclose(sum(sources.values())[400:-400], song[400:-400], atol=2e-3)


def test_silence_and_a_sample():
    model = separator()
    assert not any(audio.any() for audio in model.separate(np.zeros((9000, 2)), RATE).values())
    assert model.separate(np.full(1, 0.5), RATE)["drums"].shape == (1,)
    assert model.separate(np.full(1, 0.5), 192000, resample=True)["drums"].shape == (1,)


@pytest.mark.parametrize(
    ("mixture", "message"),
    [
        (np.zeros((2, 44100)), r"shape \(2, 44100\)"),
        (np.zeros((1, 1, 1, 1)), "give .samples,."),
        (np.zeros((0, 2)), "no samples"),
        (np.array([0.1, np.nan]), "NaN"),
        (np.zeros(100, "int16"), "int16"),
        (np.array([np.inf, 0.0]), "infinity"),
    ],
)
def test_what_cannot_be_separated_is_refused(mixture, message):
    with pytest.raises(InputError, match=message):
        separator().separate(mixture, RATE)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"step": 20}, "step is 20"), ({"height": 31}, "height is 31"), ({"hop_length": 300}, "hop_length is 300")],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(InputError, match=message):
        ChandnaSeparator(**options)


@pytest.mark.slow
def test_a_long_song_takes_bounded_memory():
    """10 minutes of mono: 0.1 GB of mixture and 4 of sources, joined from parts, beside TensorFlow's own."""
    environment = os.environ | {"PYTHONPATH": f"{REPOSITORY}"}
    done = subprocess.run([sys.executable, "-c", LONG], capture_output=True, text=True, check=True, env=environment)
    assert int(done.stdout.split()[-1]) < 2500  # MB
