"""Scores of recordings by a Quality-Net, whatever runs it. Imports no backend."""

import numpy as np

from zoo.audio import spectra
from zoo.nn import segments
from zoo.nn.inference import OnnxModel, PairRecordings

MIN_SECONDS = 0.5  # shorter clips have no score: the paper's network needs 29 frames
SILENCE = 1e-6  # a peak below this is digital silence at 16 bits


class Scorer(PairRecordings):
    """Predicts a metric of recordings.

    Attributes:
        target_range, value_range: as of `zoo.quality_net.model.SurrogateMetric`.
    """

    def score(self, reference, degraded, sample_rate, lengths=None, resample=False, batch_size=16, clip=True):
        """Predict the metric of recordings.

        Of a recording of more than 30 s it is the mean over equal segments of at most 30 s, without those in which both
        are silent: the memory beyond the recordings is bounded.

        Args:
            reference: clean speech, float (samples,) or (batch, samples) in [-1, 1].
            degraded: the same speech degraded, the same shape, aligned in time.
            sample_rate: of both, in Hz.
            lengths: int (batch,) samples that count of each padded recording; None for all.
            resample: bring another rate to the model's, instead of raising.
            batch_size: pairs, or segments of them, at a time; fewer where they are long.
            clip: bring predictions beyond the metric's possible values (`value_range`) to the nearest of them. A call
                of the model, which has a gradient there, is never clipped.

        Returns:
            float64 (batch,), in the metric's units, from the worst to the best of `target_range`; NaN where a recording
            is silent, not finite, or has less than 0.5 s.

        Raises:
            InputError: for another rate or other shapes.

        Example:
            >>> metric = zoo.load("quality-net-lite-pesq-wb-16k")
            >>> reference, _ = zoo.audio.io.read(zoo.examples()["reference"])
            >>> degraded, rate = zoo.audio.io.read(zoo.examples()["degraded"])
            >>> bool(1 < metric.score(reference, degraded, sample_rate=rate)[0] < 3)
            True
        """
        reference, degraded, lengths = self.prepare(
            reference, degraded, sample_rate=sample_rate, lengths=lengths, resample=resample
        )
        peaks = np.array([np.abs(x).max(axis=1, initial=0.0) for x in (reference, degraded)])
        # A peak that is not finite compares as False.
        scorable = ((peaks > SILENCE) & (peaks < np.inf)).all(axis=0) & (lengths >= MIN_SECONDS * self.sample_rate)
        spans = segments.cut(np.where(scorable, lengths, 0), self.sample_rate)
        audible = [max(np.abs(x[row, a:b]).max() for x in (reference, degraded)) > SILENCE for row, a, b in spans]
        spans, (low, high) = spans[np.array(audible, bool)], self.target_range
        quality = self.predict_core(reference, degraded, spans, batch_size)
        scores = segments.mean(low + (high - low) * quality, spans, len(reference))
        return np.clip(scores, *self.value_range) if clip and self.value_range else scores


class OnnxMetric(Scorer, OnnxModel):
    """`zoo.quality_net.model.SurrogateMetric` on onnxruntime: `score`, and no gradient.

    Example:
        >>> metric = zoo.load("quality-net-lite-pesq-wb-16k", runtime="onnx")
        >>> speech = np.random.default_rng(0).normal(size=16000) / 10
        >>> metric.score(speech, speech, sample_rate=16000).shape
        (1,)
    """

    settings = ("sample_rate", "n_fft", "hop_length", "target_range", "value_range")
    value_shape = ()

    def core_values(self, reference, degraded, lengths):
        degraded, reference = (spectra.magnitude(x, self.n_fft, self.hop_length) for x in (degraded, reference))
        frames = 1 + lengths // self.hop_length
        return self.network.run("core", degraded=degraded, reference=reference, frames=frames)
