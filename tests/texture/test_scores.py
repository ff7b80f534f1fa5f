"""The class score: exact on known distributions, on windows as it says, for every kind of classifier; the adapters."""

import keras
import numpy as np
import pytest

from zoo.errors import InputError
from zoo.texture import scores
from zoo.texture.classifier import SoundClassifier

RATE = 16000


class Known:
    """Says of a window what stands at its first sample: probabilities by number."""

    sample_rate = RATE

    def __init__(self, *rows, multi_label=False):
        self.rows, self.multi_label, self.batches = np.array(rows), multi_label, []

    def __call__(self, waveform):
        self.batches.append(waveform.shape)
        assert waveform.dtype == np.float32
        return self.rows[np.round(waveform[:, 0] * 10).astype(int) - 1]


def clip(*numbers, seconds=2.0):
    """A stretch of 0.1, 0.2 ... for each number."""
    return np.repeat(np.array(numbers, "float32") / 10, int(seconds * RATE))


# --- the divergence ---------------------------------------------------------------------------------------------


def test_kl_divergence_is_exact():
    p, q = np.array([[0.5, 0.5], [0.2, 0.8], [1.0, 0.0]]), np.array([[0.25, 0.75], [0.2, 0.8], [0.5, 0.5]])
    by_hand = [0.5 * np.log(0.5 / 0.25) + 0.5 * np.log(0.5 / 0.75), 0.0, np.log(2)]
    np.testing.assert_allclose(scores.kl_divergence(p, q), by_hand, rtol=1e-12)
    assert scores.kl_divergence([0.5, 0.5], [1.0, 0.0]) == np.inf


def test_equation_8_as_printed():
    p, q = np.array([[0.5, 0.5], [0.2, 0.8]]), np.array([[0.25, 0.75], [0.4, 0.6]])
    printed = np.exp(np.mean(np.sum(p * np.log(p / q), axis=1)))
    assert scores.vggish_score(scores.kl_divergence(p, q)) == pytest.approx(printed, rel=1e-12) and printed > 1


def test_the_score_is_from_the_original_to_the_copy():
    p, q = [0.5, 0.25, 0.25], [0.1, 0.1, 0.8]
    known = Known(p, q)
    there = scores.class_score(clip(1), clip(2), RATE, known)
    assert there.shape == (1,) and there.dtype == np.float64
    assert there[0] == pytest.approx(float(scores.kl_divergence(p, q)), rel=1e-5)
    assert scores.class_score(clip(2), clip(1), RATE, known)[0] == pytest.approx(
        float(scores.kl_divergence(q, p)), rel=1e-5
    )
    assert scores.class_score(clip(1), clip(1), RATE, known)[0] == 0.0


def test_classes_that_are_independent_are_averaged():
    p, q = np.array([0.9, 0.2]), np.array([0.6, 0.2])
    score = scores.class_score(clip(1), clip(2), RATE, Known(p, q, multi_label=True))
    first = 0.9 * np.log(0.9 / 0.6) + 0.1 * np.log(0.1 / 0.4)
    assert score[0] == pytest.approx(first / 2, rel=1e-5)


def test_the_range():
    sure = Known([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    assert scores.class_score(clip(1), clip(2), RATE, sure)[0] == pytest.approx(np.log(3 / 1e-7), rel=1e-3)
    each = Known([1.0, 1.0], [0.0, 0.0], multi_label=True)
    assert scores.class_score(clip(1), clip(2), RATE, each)[0] == pytest.approx(np.log(2 / 1e-7), rel=1e-3)


# --- windows ----------------------------------------------------------------------------------------------------


def test_probabilities_are_averaged_over_windows():
    known = Known([0.8, 0.2], [0.2, 0.8])
    probabilities = scores.class_probabilities(clip(1, 2, 2), RATE, known, window=2.0, hop=2.0)
    np.testing.assert_allclose(probabilities, [[0.4, 0.6]], rtol=1e-6)
    assert known.batches == [(3, 2 * RATE)]


@pytest.mark.parametrize(("seconds", "windows"), [(0.5, 1), (2.0, 1), (2.1, 2), (3.0, 3), (12.0, 21)])
def test_windows_reach_the_end(seconds, windows):
    known = Known([1.0, 0.0])
    scores.class_probabilities(clip(1, seconds=seconds), RATE, known)
    assert sum(count for count, _ in known.batches) == windows
    assert all(count <= 16 and samples == int(min(seconds, 2.0) * RATE) for count, samples in known.batches)
    cut = scores._windows(np.arange(10), 4, 4)
    np.testing.assert_array_equal(cut, [[0, 1, 2, 3], [4, 5, 6, 7], [6, 7, 8, 9]])


def test_lengths_of_original_and_copy_may_differ_and_a_batch_is_scored_one_by_one():
    known = Known([0.8, 0.2], [0.2, 0.8])
    originals, copies = np.stack([clip(1, 1), clip(2, 2)]), np.stack([clip(1, 1, 1), clip(1, 1, 1)])
    score = scores.class_score(originals, copies, RATE, known)
    assert score[0] == pytest.approx(0, abs=1e-9) and score[1] == pytest.approx(0.6 * np.log(4), rel=1e-5)


def test_what_cannot_be_heard_is_nan_in_its_place():
    originals, copies = np.stack([clip(1), 0 * clip(1), clip(1)]), np.stack([clip(2), clip(2), np.nan * clip(2)])
    score = scores.class_score(originals, copies, RATE, Known([0.8, 0.2], [0.2, 0.8]))
    assert np.isnan(score).tolist() == [False, True, True]
    assert np.isnan(scores.class_score(0 * clip(1), clip(2), RATE, Known([0.8, 0.2], [0.2, 0.8]))).all()


def test_our_classifier_prefers_more_of_the_same():
    """Even an untrained one: two stretches of one noise are nearer to each other than to a tone."""
    keras.utils.set_random_seed(0)
    classifier = SoundClassifier(["a", "b", "c"], channels=[8, 8])
    rng = np.random.default_rng(0)
    noise, tone = rng.normal(0, 0.1, (2, 3 * RATE)), 0.1 * np.sin(np.arange(3 * RATE) * 2 * np.pi * 440 / RATE)
    same, other = scores.class_score(np.stack([noise[0]] * 2), np.stack([noise[1], tone]), RATE, classifier)
    assert 0 <= same < other
    with pytest.raises(InputError, match="pass resample=True"):
        scores.class_score(noise, noise, 8000, classifier)
    assert np.isfinite(scores.class_score(noise, noise, 8000, classifier, resample=True)).all()


def test_errors_say_what_to_do():
    known, audio = Known([0.8, 0.2]), clip(1)
    with pytest.raises(InputError, match="as many of each"):
        scores.class_score(audio, np.stack([audio] * 2), RATE, known)
    with pytest.raises(InputError, match="lengths above 0"):
        scores.class_score(audio, audio, RATE, known, hop=0)
    with pytest.raises(InputError, match="callable with a sample_rate"):
        scores.class_score(audio, audio, RATE, lambda waveform: waveform)
    with pytest.raises(InputError, match="sum to 1.5, not 1: give it multi_label = True"):
        scores.class_score(audio, audio, RATE, Known([0.8, 0.7]))
    with pytest.raises(InputError, match="probabilities, not log-odds"):
        scores.class_score(audio, audio, RATE, Known([-1.0, 2.0]))
    known.rows = np.zeros((1, 2, 3))
    with pytest.raises(InputError, match=r"must give \(batch, classes\)"):
        scores.class_score(audio, audio, RATE, known)


# --- weights that a user brings ---------------------------------------------------------------------------------


class Frames(keras.layers.Layer):
    """(samples,) -> (frames, 521): a stand-in for YAMNet, which hears the mean absolute level of each 0.48 s."""

    def call(self, waveform):
        frames = keras.ops.reshape(waveform[: keras.ops.shape(waveform)[0] // 7680 * 7680], (-1, 7680))
        level = keras.ops.mean(keras.ops.abs(frames), axis=1, keepdims=True)
        return level * keras.ops.ones((1, 521))


def test_yamnet_averages_its_frames_and_takes_the_first_of_several_outputs():
    frames = Frames()
    audio = np.stack([clip(1, 3, seconds=0.96), clip(2, 2, seconds=0.96)])
    for model in (frames, lambda waveform: (frames(waveform), "embeddings", "log-mel")):
        probabilities = scores.YAMNet(model)(audio)
        assert probabilities.shape == (2, 521)
        np.testing.assert_allclose(probabilities, 0.2, rtol=1e-5)
    score = scores.class_score(clip(1), clip(4), RATE, scores.YAMNet(frames))[0]
    assert score == pytest.approx(0.1 * np.log(0.1 / 0.4) + 0.9 * np.log(0.9 / 0.6), rel=1e-4)
    with pytest.raises(InputError, match=r"gives \(1, 3\) for one waveform, YAMNet \(frames, 521\)"):
        scores.YAMNet(lambda waveform: np.zeros((1, 3)))(audio)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a SavedModel is TensorFlow's")
def test_models_are_read_from_folders_and_files(tmp_path):
    import tensorflow as tf

    class Published(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
        def __call__(self, waveform):
            frames = tf.shape(waveform)[0] // 7680
            return tf.fill([frames, 521], 0.5), tf.zeros([frames, 1024]), tf.zeros([frames, 64])

    tf.saved_model.save(Published(), str(tmp_path / "yamnet"))
    probabilities = scores.YAMNet(tmp_path / "yamnet")(clip(1)[None])
    np.testing.assert_array_equal(probabilities, np.full((1, 521), 0.5))
    vggish = keras.Sequential([keras.Input((96, 64)), keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(128)])
    head = keras.Sequential([keras.Input((128,)), keras.layers.Dense(5, "sigmoid")])
    vggish.save(tmp_path / "vggish.keras")
    vggish.export(str(tmp_path / "vggish"), verbose=False)
    expected = scores.VGGish(vggish, head)(clip(1)[None])
    for path in (tmp_path / "vggish.keras", str(tmp_path / "vggish")):
        np.testing.assert_allclose(scores.VGGish(path, head)(clip(1)[None]), expected, rtol=1e-4)
    with pytest.raises(InputError, match="holds no model; give a SavedModel folder"):
        scores.YAMNet(tmp_path)


def test_vggish_goes_through_the_head():
    def model(patches):
        assert patches.shape == (2, 96, 64) and patches.dtype == np.float32
        return np.repeat(patches.mean(axis=(1, 2))[:, None], 128, axis=1)

    def head(embeddings):
        return 1 / (1 + np.exp(-embeddings[:, :3] - [[0.0, 1.0, 2.0]]))

    classifier = scores.VGGish(model, head)
    probabilities = classifier(np.stack([clip(1), clip(2)]))
    assert probabilities.shape == (2, 3) and classifier.multi_label and classifier.sample_rate == RATE
    assert scores.class_score(clip(1), clip(2), RATE, classifier)[0] > 0
    softmax = scores.VGGish(model, lambda x: np.full((len(x), 4), 0.25), multi_label=False)
    assert scores.class_score(clip(1), clip(2), RATE, softmax)[0] == 0
    with pytest.raises(InputError, match=r"gives \(2, 64\) for 2 patches, VGGish \(2, 128\)"):
        scores.VGGish(lambda patches: patches[:, 0], head)(clip(1)[None])
    with pytest.raises(InputError, match="0.975 s"):
        classifier(clip(1, seconds=0.9)[None])


def test_a_vggish_with_a_channel_axis_gets_one():
    model = keras.Sequential([keras.Input((96, 64, 1)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(128)])
    head = keras.Sequential([keras.Input((128,)), keras.layers.Dense(5, "sigmoid")])
    assert scores.VGGish(model, head)(clip(1)[None]).shape == (1, 5)


def test_patches_are_log_mel():
    assert scores.vggish_patches(np.zeros(15600)).shape == (1, 96, 64)
    assert scores.vggish_patches(np.zeros(15600 + 96 * 160)).shape == (2, 96, 64)
    np.testing.assert_allclose(scores.vggish_patches(np.zeros(15600)), np.log(0.01))
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    patch = scores.vggish_patches(tone)[0]
    corners = 700 * np.expm1(np.linspace(np.log1p(125 / 700), np.log1p(7500 / 700), 66))
    assert patch.mean(axis=0).argmax() == np.abs(corners[1:-1] - 1000).argmin()
    # the tone lies on a bin, where half of 0.5 times the window's sum, 200, stands; its neighbours add to the band
    assert 50 < np.exp(patch.max()) - 0.01 < 100
