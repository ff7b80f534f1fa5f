"""What many tests share: the real data's place, and checks that every model must pass."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from keras import ops

from zoo.audio import mix
from zoo.checkpoint import preset
from zoo.data.environment import LabelledRecording

REPOSITORY = Path(__file__).resolve().parents[2]
SOUND_CLASSES = ["clicks", "hiss", "tone"]
RECORDED = REPOSITORY / "zoo" / "data" / "audio" / "speech_reference.flac"


def data_path(*parts):
    """Path of a file of the real data; skips the test where the data or the file is absent.

    The data's root is the environment variable ZOO_DATA, by default ../shared/data beside the repository.
    """
    root = Path(os.environ.get("ZOO_DATA") or REPOSITORY.parent / "shared" / "data")
    path = root.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs the real data: {'/'.join(parts) or 'its folder'} is not under ZOO_DATA")
    return path


def kill_after_lines(process, path, lines):
    """Kill a process without a warning once a file has more than so many lines, or a minute has passed."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (path.exists() and len(path.read_text().splitlines()) > lines):
        time.sleep(0.02)
    process.kill()
    process.wait()


def predict(model, inputs):
    """Output of a model call in inference, as NumPy; a list of one array goes in as that array."""
    return ops.convert_to_numpy(model(inputs if len(inputs) > 1 else inputs[0], training=False))


def check_frozen(model, step):
    """Every variable of `model` is bit-equal after `step()`, a training step of something through it."""
    before = [ops.convert_to_numpy(variable).copy() for variable in model.variables]
    assert before, "a model without variables proves nothing"
    step()
    for variable, old in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), old, err_msg=variable.path)


def check_batch_invariance(model, inputs, rtol=1e-4, atol=1e-4):
    """Output of a batch equals the output of its examples one by one."""
    batch = len(inputs[0])
    assert batch > 1, "needs two examples or more"
    together = predict(model, inputs)
    alone = [predict(model, [array[i : i + 1] for array in inputs]) for i in range(batch)]
    np.testing.assert_allclose(together, np.concatenate(alone), rtol=rtol, atol=atol)


def check_padding_invariance(model, waveforms, padding=4321, rtol=1e-4, atol=1e-4):
    """Output does not change when zeros are appended and `lengths` names the true ends; waveforms gain zeros."""
    batch, samples = waveforms[0].shape
    lengths = np.full(batch, samples, "int32")
    padded = [np.pad(array, [(0, 0), (0, padding)]) for array in waveforms]
    expected = predict(model, waveforms)
    for inputs in ([*waveforms, lengths], [*padded, lengths]):
        actual = predict(model, inputs)
        if expected.shape[-1] == samples:
            assert actual.shape[-1] == inputs[0].shape[1]
            assert not actual[..., samples:].any()
            actual = actual[..., :samples]
        np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def check_save_load(model, inputs, directory):
    """A model saved and loaded again has the same variables and output; returns the loaded model."""
    preset.save(model, directory)
    loaded = preset.load(directory)
    for ours, theirs in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(predict(loaded, inputs), predict(model, inputs), rtol=1e-6, atol=1e-6)
    return loaded


def labelled_sound(label, seed, sample_rate, seconds=0.5):
    """A `LabelledRecording` of one of `SOUND_CLASSES`, a source of its own."""
    rng = np.random.default_rng(seed)
    samples = int(seconds * sample_rate)
    sounds = {
        "hiss": mix.colored_noise(samples, 0.0, rng),
        "tone": 0.1 * np.sin(2 * np.pi * rng.uniform(300, 600) * np.arange(samples) / sample_rate),
        "clicks": 0.5 * (rng.random(samples) < 0.005),
    }
    return LabelledRecording(label, f"{label} {seed}", sounds[label].astype("float32"))


def labelled_sounds(sample_rate):
    """Sounds to train a classifier on, three of each class, and to validate it, two."""
    return [
        [labelled_sound(label, seed, sample_rate) for label in SOUND_CLASSES for seed in seeds]
        for seeds in ((0, 1, 2), (3, 4))
    ]
