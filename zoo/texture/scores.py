"""How alike a synthesised texture and its original are to a classifier.

`class_score` is the divergence of the VGGish score, equation (8) of Antognini, Hoffman and Weiss 2019, with any
classifier, and `vggish_score` makes the printed score of many. `YAMNet` and `VGGish` are classifiers with weights that a
user brings.
"""

import functools
from pathlib import Path

import keras
import numpy as np
import scipy.special
from keras import ops

from zoo.audio import checks
from zoo.errors import InputError

_FLOOR = 1e-7  # share of a probability that is spread over all outcomes: a confident 0 must not cost infinity
_SILENCE = 1e-6  # an rms below this is digital silence at 16 bits
_BATCH = 16  # windows at a time


def kl_divergence(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Kullback-Leibler divergence of distributions, sum_k p_k log(p_k / q_k), in nats.

    Args:
        p, q: probabilities, float (..., classes), each row sums to 1.

    Returns:
        float64 (...), 0 (the same) and up, lower is more alike; infinite where q is 0 and p is not. Not symmetric.

    Example:
        >>> round(float(kl_divergence([0.5, 0.5], [0.25, 0.75])), 4)
        0.1438
    """
    return scipy.special.rel_entr(np.asarray(p, np.float64), np.asarray(q, np.float64)).sum(axis=-1)


def class_score(
    original: np.ndarray,
    synthesised: np.ndarray,
    sample_rate: int,
    classifier,
    window: float = 2.0,
    hop: float = 0.5,
    resample: bool = False,
) -> np.ndarray:
    """The divergence of equation (8): of a classifier's probabilities of a texture from those of its copy.

    Both clips are cut into windows; the classifier's probabilities are averaged over the windows of each clip, which
    need not be equally many, to p (original) and q (synthesised); the score is KL(p || q). Where the classifier's
    classes are independent of each other (`multi_label`), it is the mean over classes of the divergence of the two
    outcomes, p_k log(p_k / q_k) + (1 - p_k) log((1 - p_k) / (1 - q_k)). Of every distribution 1e-7 is spread evenly
    over its outcomes, so that a confident classifier does not cost infinity.

    The paper's classifier is 527 logistic regressions, one an AudioSet class, on VGGish embeddings. They were never
    published, so its numbers cannot be reproduced; compare scores of one classifier on the same sounds only. The original
    is the first argument of the divergence, as in the paper, whose tilde marks the target. The paper does not say how
    it goes from the clips that VGGish reads to a texture; that probabilities are averaged before the divergence is our
    choice: windows of two textures do not correspond.

    Args:
        original, synthesised: float (samples,) or (batch, samples) in [-1, 1]; as many of one as of the other, their
            lengths may differ.
        sample_rate: of both, in Hz.
        classifier: callable with `sample_rate` (Hz), waveform float32 (batch, samples) -> probabilities (batch,
            classes): `zoo.texture.classifier.SoundClassifier`, `YAMNet`, `VGGish`, or your own. With an attribute
            `multi_label = True` each probability stands for itself; without, each row sums to 1.
        window, hop: length and distance of the windows, in seconds; the last ends with the clip. A shorter clip is one
            window.
        resample: bring another rate to the classifier's, instead of raising.

    Returns:
        float64 (batch,), in nats, 0 (the same) to log(classes / 1e-7), with `multi_label` to log(2 / 1e-7) = 16.8;
        lower is better. NaN where a clip is silent or not finite.

    Raises:
        InputError: another rate, other shapes, a window or hop that is not above 0, or probabilities that are none.

    Example:
        >>> classifier = zoo.load("texture-classifier-16k")
        >>> rain = 0.1 * np.random.default_rng(0).standard_normal(32000)
        >>> class_score(rain, rain[::-1], 16000, classifier).shape
        (1,)
    """
    probabilities = [
        class_probabilities(audio, sample_rate, classifier, window, hop, resample) for audio in (original, synthesised)
    ]
    originals, copies = map(len, probabilities)
    if originals != copies:
        raise InputError(f"{originals} originals and {copies} synthesised clips: give as many of each")
    if not getattr(classifier, "multi_label", False):
        return kl_divergence(*map(_smooth, probabilities))
    return kl_divergence(*(_smooth(np.stack([p, 1 - p], axis=-1)) for p in probabilities)).mean(axis=-1)


def vggish_score(divergences: np.ndarray) -> float:
    """Equation (8) as printed: exp of the mean over textures of the divergence of the original from its copy.

    It is 1 or more, so Table 1 of the paper, whose values are 7.1e-4 to 33.2e-4, cannot have the exp: it fits the mean
    itself, or exp(mean) - 1, which differ by half of the mean's square. Our tables have the mean (`class_score`).

    Args:
        divergences: of `class_score`, float (textures,), 0 and up.

    Returns:
        float, 1 (the same) and up, lower is better; NaN where one is.

    Example:
        >>> round(vggish_score([0.1, 0.3]), 4)
        1.2214
    """
    return float(np.exp(np.mean(np.asarray(divergences, np.float64))))


def class_probabilities(
    audio: np.ndarray, sample_rate: int, classifier, window: float = 2.0, hop: float = 0.5, resample: bool = False
) -> np.ndarray:
    """A classifier's probabilities for clips, averaged over windows: the p and q of `class_score`, to keep and reuse.

    Arguments and errors as there.

    Returns:
        float64 (batch, classes) in 0..1; NaN where a clip is silent or not finite, (batch, 1) where every one is.

    Example:
        >>> classifier = zoo.load("texture-classifier-16k")
        >>> rain = 0.1 * np.random.default_rng(0).standard_normal(32000)
        >>> class_probabilities(rain, 16000, classifier).sum(axis=1).round(6)
        array([1.])
    """
    if not callable(classifier) or not hasattr(classifier, "sample_rate"):
        raise InputError(f"{type(classifier).__name__} is no classifier: give a callable with a sample_rate in Hz")
    audio, lengths = checks.as_batch(audio)
    audio, _ = checks.at_rate(
        audio, lengths=lengths, sample_rate=sample_rate, model_rate=classifier.sample_rate, resample=resample
    )
    if not (window > 0 and hop > 0):
        raise InputError(f"windows of {window} s, {hop} s apart: give lengths above 0")
    size, step = (max(round(seconds * classifier.sample_rate), 1) for seconds in (window, hop))
    power = np.mean(np.square(audio, dtype=np.float64), axis=1) if audio.shape[1] else np.zeros(len(audio))
    # A power that is not finite compares as False, and its clip gets NaN.
    rows = [
        _probabilities(classifier, _windows(clip, size, step)).mean(axis=0) if _SILENCE**2 < loud < np.inf else None
        for clip, loud in zip(audio, power, strict=True)
    ]
    classes = next((len(p) for p in rows if p is not None), 1)
    return np.stack([np.full(classes, np.nan) if p is None else p for p in rows])


class YAMNet:
    """YAMNet with weights that a user brings, as a classifier of the 521 classes of AudioSet for `class_score`.

    Expects the model as its authors publish it: a waveform, float32 (samples,) at 16 kHz in [-1, 1], gives scores
    (frames, 521), sigmoids of classes that are independent of each other, for patches of 0.96 s, 0.48 s apart; or a
    tuple or list with the scores first (its SavedModel gives scores, embeddings, log-mel spectrogram). The frames are
    averaged.

    Args:
        model: SavedModel folder, .keras file, or the loaded model, any callable of that shape.

    Call:
        waveform: float32 (batch, samples).
        Returns probabilities, float32 (batch, 521), each for itself.

    Example:
        >>> class_score(rain, copy, 16000, YAMNet("yamnet/"))  # needs YAMNet  # doctest: +SKIP
        array([0.0003])
    """

    sample_rate, multi_label, classes = 16000, True, 521

    def __init__(self, model):
        self.model = _loaded(model)

    def __call__(self, waveform):
        return np.stack([self._clip(clip) for clip in np.asarray(waveform, "float32")])

    def _clip(self, clip):
        scores = _array(self.model(clip))
        if scores.ndim != 2 or scores.shape[1] != self.classes or not len(scores):
            raise InputError(
                f"the model gives {scores.shape} for one waveform, YAMNet (frames, {self.classes}): check it"
            )
        return scores.mean(axis=0)


class VGGish:
    """VGGish with weights that a user brings, and a head, as a classifier for `class_score`: the paper's arrangement.

    Expects the model as its authors describe it: patches of log-mel spectra, float32 (patches, 96, 64) or, where its
    `input_shape` has four axes, (patches, 96, 64, 1), give embeddings (patches, 128); or a tuple or list with them
    first. The patches are made here (`vggish_patches`) and their probabilities averaged. VGGish alone names no class:
    the head turns embeddings into probabilities, as the paper's 527 regressions did, which were never published. Train
    it on the same kind of embeddings as the model gives, before or after the authors' PCA.

    Args:
        model: SavedModel folder, .keras file, or the loaded model, any callable of that shape.
        head: callable, float32 (patches, 128) -> probabilities (patches, classes); such as a `keras.Model`.
        multi_label: whether the head's classes are independent of each other (sigmoid), as the paper's are; False
            where a row sums to 1 (softmax).

    Call:
        waveform: float32 (batch, samples) at 16 kHz, 0.975 s or longer.
        Returns probabilities, (batch, classes).

    Example:
        >>> class_score(rain, copy, 16000, VGGish("vggish/", head))  # needs VGGish  # doctest: +SKIP
        array([0.0011])
    """

    sample_rate, embedding = 16000, 128

    def __init__(self, model, head, multi_label=True):
        self.model, self.head, self.multi_label = _loaded(model), head, multi_label

    def __call__(self, waveform):
        return np.stack([self._clip(vggish_patches(clip)) for clip in np.asarray(waveform, "float32")])

    def _clip(self, patches):
        if len(getattr(self.model, "input_shape", None) or ()) == 4:
            patches = patches[..., None]
        embeddings = _array(self.model(patches))
        if embeddings.shape != (len(patches), self.embedding):
            raise InputError(
                f"the model gives {embeddings.shape} for {len(patches)} patches, VGGish "
                f"({len(patches)}, {self.embedding}): check it"
            )
        return _array(self.head(embeddings)).mean(axis=0)


def vggish_patches(waveform: np.ndarray) -> np.ndarray:
    """The log-mel patches that VGGish reads.

    Magnitudes of a short-time spectrum with a periodic Hann window of 25 ms every 10 ms, not padded, transform length
    512; 64 triangles of height 1, straight in mel = 1127 log(1 + f / 700), 125..7500 Hz; log(0.01 + mel magnitude);
    96 frames a patch, one after the other. Frames that do not fill a patch are left out.

    Args:
        waveform: float (samples,) at 16 kHz in [-1, 1], 15,600 samples (0.975 s) or more.

    Returns:
        float32 (patches, 96, 64).

    Raises:
        InputError: a shorter waveform.

    Example:
        >>> vggish_patches(np.zeros(16000)).shape
        (1, 96, 64)
    """
    size, hop, frames = 400, 160, 96
    if len(waveform) < size + (frames - 1) * hop:
        raise InputError(f"{len(waveform)} samples are no VGGish patch: give 15600 (0.975 s) or more, a longer window")
    segments = np.lib.stride_tricks.sliding_window_view(np.asarray(waveform, np.float64), size)[::hop]
    segments = segments[: len(segments) // frames * frames]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    magnitude = np.abs(np.fft.rfft(segments * hann, 512))
    return np.log(0.01 + magnitude @ _vggish_mel()).reshape(-1, frames, 64).astype("float32")


@functools.lru_cache
def _vggish_mel():
    """(257, 64): unlike `zoo.audio.dsp.mel_matrix`, straight in mel and of height 1."""
    mel = 1127 * np.log1p(np.arange(257)[:, None] * 16000 / 512 / 700)
    low, high = 1127 * np.log1p(np.array([125, 7500]) / 700)
    corners = np.linspace(low, high, 66)
    rising = (mel - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - mel) / (corners[2:] - corners[1:-1])
    return np.maximum(np.minimum(rising, falling), 0.0)


def _windows(clip, size, step):
    """(windows, size) of (samples,), the last at the end; the whole clip where it is shorter."""
    last = max(len(clip) - size, 0)
    starts = [*range(0, last, step), last]
    return np.stack([clip[start : start + size] for start in starts])


def _probabilities(classifier, windows):
    """A classifier's probabilities of (windows, samples), float64 (windows, classes), checked."""
    parts = [_array(classifier(windows[i : i + _BATCH])) for i in range(0, len(windows), _BATCH)]
    if any(part.ndim != 2 for part in parts) or sum(map(len, parts)) != len(windows):
        raise InputError(
            f"the classifier gives {parts[0].shape} for a batch of waveforms: it must give (batch, classes)"
        )
    probabilities = np.concatenate(parts).astype(np.float64)
    if not ((probabilities >= -1e-6) & (probabilities <= 1 + 1e-6)).all():
        raise InputError("the classifier gives values outside 0..1: it must give probabilities, not log-odds")
    probabilities = np.clip(probabilities, 0.0, 1.0)
    if getattr(classifier, "multi_label", False):
        return probabilities
    total = probabilities.sum(axis=1, keepdims=True)
    if not np.allclose(total, 1, atol=1e-3):
        raise InputError(
            f"the classifier's probabilities sum to {total.flat[0]:.3g}, not 1: give it multi_label = True where its "
            "classes are independent of each other"
        )
    return probabilities / total


def _smooth(p):
    """Probabilities with a share spread evenly over all outcomes."""
    return (1 - _FLOOR) * p + _FLOOR / p.shape[-1]


def _array(output):
    """NumPy of a tensor, or of the first of several."""
    first = output[0] if isinstance(output, (list, tuple)) else output
    return np.asarray(ops.convert_to_numpy(first))


def _loaded(model):
    """A model of a SavedModel folder or a .keras file; what is callable already is taken as it is."""
    if callable(model):
        return model
    path = Path(model)
    if (path / "saved_model.pb").is_file():
        import tensorflow as tf  # only here: a SavedModel is TensorFlow's

        loaded = tf.saved_model.load(str(path))
        # A Keras export answers through `serve`; the function alone would not keep the weights alive.
        return loaded if callable(loaded) else lambda inputs: loaded.serve(inputs)
    if path.suffix == ".keras" and path.is_file() or (path / "config.json").is_file():
        return keras.saving.load_model(path, compile=False)
    raise InputError(f"{path}: holds no model; give a SavedModel folder, a .keras file or the loaded model")
