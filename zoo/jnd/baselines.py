"""Other measures as distances to compare a learned metric with: squared error, SI-SDR, PESQ, ViSQOL, losses, embeddings."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from zoo.audio import checks
from zoo.errors import InputError
from zoo.jnd.effects import SAMPLE_RATE
from zoo.metrics import pesq_scale, speech

_PESQ_RATE = 16000
_BEST_PESQ = pesq_scale.mos_lqo(4.5, "wb")  # what identical recordings get: 4.644
_BEST_VISQOL, _BEST_VISQOL_AUDIO = 5.0, 4.732
_VISQOL_RATE = 48000
_BATCH = 16  # pairs at a time in a loss, which bounds the memory


@dataclass(frozen=True)
class Baseline:
    """A distance without weights, with the interface of a JND metric.

    Attributes:
        sample_rate: Hz of what it compares.
        function: (reference, degraded), float (batch, samples) -> float (batch,), 0 and up, NaN where there is none.
    """

    sample_rate: int
    function: Callable

    def distance(self, reference, degraded, sample_rate):
        """How different recordings are.

        Args:
            reference, degraded: float (samples,) or (batch, samples) in [-1, 1].
            sample_rate: of both, in Hz.

        Returns:
            float64 (batch,), lower is more alike; NaN where there is no distance.

        Raises:
            InputError: for another rate or other shapes.

        Example:
            >>> squared_error().distance(np.ones(100), np.zeros(100), sample_rate=22050)
            array([1.])
        """
        if checks.whole_rate(sample_rate) != self.sample_rate:
            raise InputError(f"the audio is at {sample_rate} Hz, the metric takes {self.sample_rate}: resample it")
        reference, degraded, _ = checks.as_batch(reference, degraded)
        distances = np.asarray(self.function(reference, degraded), "float64")
        # Rounding leaves some distances of equal recordings a little above 0, which matters where a logarithm is taken.
        same = (reference == degraded).all(axis=1) & ~np.isnan(distances)
        return np.where(same, 0.0, distances)


def squared_error() -> Baseline:
    """Mean squared difference of the samples.

    Example:
        >>> squared_error().distance(np.ones(100), np.zeros(100), sample_rate=22050)
        array([1.])
    """
    return Baseline(SAMPLE_RATE, _squared_error)


def si_sdr() -> Baseline:
    """Power of the distortion over that of the target, 10^(-SI-SDR / 10) (`zoo.metrics.speech.si_sdr`).

    In dB it is lower for worse recordings; as a ratio it is a distance, in the same order.

    Example:
        >>> bool(si_sdr().distance(np.arange(100) / 100, np.arange(100) / 100, sample_rate=22050) < 1e-9)
        True
    """
    return Baseline(SAMPLE_RATE, lambda reference, degraded: 10 ** (-speech.si_sdr(reference, degraded) / 10))


def pesq(n_jobs: int = -1) -> Baseline:
    """4.644 - PESQ wb at 16 kHz; 4.644 is the score of identical recordings. `n_jobs` processes score.

    Example:
        >>> pesq(n_jobs=1).sample_rate
        16000
    """

    def missed(reference, degraded):
        return np.maximum(_BEST_PESQ - speech.pesq(reference, degraded, _PESQ_RATE, "wb", n_jobs=n_jobs), 0.0)

    return Baseline(_PESQ_RATE, missed)


def visqol() -> Baseline:
    """5 - ViSQOL at 16 kHz in its speech mode, by the package visqol-python (a port of ViSQOL 3.3.3).

    The score is 1..5, 5 for identical recordings, by the package's polynomial; its lattice needs a further runtime.

    Raises:
        InputError: visqol-python is not installed.

    Example:
        >>> metric = visqol()  # needs visqol-python  # doctest: +SKIP
    """
    return _visqol(_PESQ_RATE, _BEST_VISQOL, mode="speech", use_lattice_model=False)


def visqol_audio() -> Baseline:
    """4.73 - ViSQOL at 48 kHz in its audio mode, by the package visqol-python; identical recordings get 4.73.

    Raises:
        InputError: visqol-python is not installed.

    Example:
        >>> metric = visqol_audio()  # needs visqol-python  # doctest: +SKIP
    """
    return _visqol(_VISQOL_RATE, _BEST_VISQOL_AUDIO, mode="audio")


def _visqol(sample_rate, best, **options):
    """How much ViSQOL's score, in a mode of its package, falls short of the best."""
    try:
        from visqol import VisqolApi
    except ImportError as error:
        raise InputError('ViSQOL needs visqol-python: pip install "audio-zoo[visqol]"') from error
    api = VisqolApi()
    api.create(**options)

    def score(reference, degraded):
        """The score of one pair, NaN where there is none, as of silence."""
        if not (reference.any() and degraded.any()):
            return np.nan
        return api.measure_from_arrays(*np.asarray((reference, degraded), "float64"), sample_rate).moslqo

    def missed(reference, degraded):
        return np.array([max(best - score(*pair), 0.0) for pair in zip(reference, degraded, strict=True)])

    return Baseline(sample_rate, missed)


def of_embedding(embed: Callable[[np.ndarray], np.ndarray], sample_rate: int) -> Baseline:
    """Mean absolute difference of embeddings, such as VGGish's or OpenL3's, whose weights you bring.

    As the paper's distance of one layer (section 2.2): the embeddings of both recordings, frame by frame, averaged over
    frames and dimensions. The paper does not say how it compared its embeddings.

    Args:
        embed: float32 (samples,) in [-1, 1] -> (dimensions,) or (frames, dimensions), as many frames for as many samples.
        sample_rate: of what it takes, in Hz: 16000 for VGGish, 48000 for OpenL3.

    Example:
        >>> metric = of_embedding(lambda waveform: np.abs(np.fft.rfft(waveform)), sample_rate=16000)
        >>> metric.distance(np.zeros(16), np.eye(16)[0], sample_rate=16000)
        array([1.])
    """

    def difference(reference, degraded):
        pairs = zip(reference.astype("float32"), degraded.astype("float32"), strict=True)
        return np.array([np.mean(np.abs(np.subtract(embed(one), embed(other)))) for one, other in pairs])

    return Baseline(sample_rate, difference)


def of_loss(loss) -> Baseline:
    """The distance that a `keras.losses.Loss` on 22,050 Hz waveforms gives each example.

    Args:
        loss: with `call(reference, estimate)` -> (batch,), 0 and up.

    Example:
        >>> of_loss(keras.losses.MeanAbsoluteError()).distance(np.ones(100), np.zeros(100), sample_rate=22050)
        array([1.])
    """

    def by_batch(reference, degraded):
        starts = range(0, len(reference), _BATCH)
        parts = ([x[start : start + _BATCH].astype("float32") for x in (reference, degraded)] for start in starts)
        return np.concatenate([np.asarray(loss.call(*part)) for part in parts])

    return Baseline(SAMPLE_RATE, by_batch)


def _squared_error(reference, degraded):
    return np.mean(np.square(reference - degraded, dtype="float64"), axis=1)
