"""Scores of recordings by a Quality-Net, with or without their references, whatever runs it. Imports no backend."""

import numpy as np

from zoo.audio import spectra
from zoo.errors import InputError
from zoo.nn import segments
from zoo.nn.inference import MeasuredRecordings, OnnxModel
from zoo.quality_net.intervals import Intervals, describe

MIN_SECONDS = 0.5  # shorter clips have no score: the paper's network needs 29 frames
SILENCE = 1e-6  # a peak below this is digital silence at 16 bits


class Scorer(MeasuredRecordings):
    """Predicts a metric of recordings.

    Attributes:
        target_range, value_range: as of `zoo.quality_net.surrogate.Surrogate`.
        intervals: config of its `zoo.quality_net.intervals.Intervals`; None where there are none.
    """

    intervals = None

    def _score(self, recordings, lengths, batch_size, clip, interval):
        """Scores of prepared recordings, (batch,), and if `interval` their intervals, (batch, 2)."""
        if interval and not self.intervals:
            raise InputError("this metric has no intervals: leave out `interval`, or fit some (tools/fit_intervals.py)")
        spans = self._audible_spans(recordings, lengths)
        quality = self.predict_core(recordings, spans, batch_size)
        scores = segments.mean(self._clipped(quality, clip), spans, len(lengths))
        if not interval:
            return scores
        bounds = self._clipped(self._bounds(recordings, spans, quality, batch_size), clip)
        return scores, segments.mean(np.sort(bounds, axis=1), spans, len(lengths))

    def _bounds(self, recordings, spans, quality, batch_size):
        """Bounds of Q of each segment, (segments, 2)."""
        intervals, bounds = Intervals(**self.intervals), np.empty((len(spans), 2))
        for places, (*batch, lengths) in segments.batches(recordings, spans, batch_size, self.sample_rate):
            described = describe(batch, lengths, self.sample_rate, self.n_fft, self.hop_length)
            bounds[places] = intervals.bounds(described, quality[places])
        return bounds

    def _audible_spans(self, recordings, lengths):
        """The segments that count, of the recordings that have a score."""
        peaks = np.array([np.abs(x).max(axis=1, initial=0.0) for x in recordings])
        # A peak that is not finite compares as False.
        scorable = ((peaks > SILENCE) & (peaks < np.inf)).all(axis=0) & (lengths >= MIN_SECONDS * self.sample_rate)
        spans = segments.cut(np.where(scorable, lengths, 0), self.sample_rate)
        audible = [max(np.abs(x[row, a:b]).max() for x in recordings) > SILENCE for row, a, b in spans]
        return spans[np.array(audible, bool)]

    def in_units(self, quality):
        """The metric, of Q as an array or a tensor.

        Example:
            >>> zoo.load("quality-net-lite-pesq-wb-16k").in_units(1.0)
            4.5
        """
        low, high = self.target_range
        return low + (high - low) * quality

    def _clipped(self, quality, clip):
        """The metric of Q, within its possible values if `clip`."""
        scores = self.in_units(quality)
        return np.clip(scores, *self.value_range) if clip and self.value_range else scores


class PairScorer(Scorer):
    """Predicts a metric of degraded recordings and their references."""

    def score(
        self, reference, degraded, sample_rate, lengths=None, resample=False, batch_size=16, clip=True, interval=False
    ):
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
            interval: give an interval with each score, in which the true metric lies in 9 of 10 cases like those that the
                checkpoint's card tells of; it is wider where the recordings are unlike the training's.

        Returns:
            float64 (batch,), in the metric's units, from the worst to the best of `target_range`; NaN where a recording
            is silent, not finite, or has less than 0.5 s. With `interval` a tuple: these, and float64 (batch, 2), the
            lowest and highest value.

        Raises:
            InputError: for another rate or other shapes, or it has no intervals.

        Example:
            >>> metric = zoo.load("quality-net-lite-pesq-wb-16k")
            >>> reference, _ = zoo.audio.io.read(zoo.examples()["reference"])
            >>> degraded, rate = zoo.audio.io.read(zoo.examples()["degraded"])
            >>> (score,), ((low, high),) = metric.score(reference, degraded, sample_rate=rate, interval=True)
            >>> bool(1 <= low <= score <= high < 2)
            True
        """
        *pair, lengths = self.prepare(reference, degraded, sample_rate=sample_rate, lengths=lengths, resample=resample)
        return self._score(pair, lengths, batch_size, clip, interval)


class FreeScorer(Scorer):
    """Predicts a metric of recordings alone, as a whole and over time. A class that runs networks defines `frame_values`.

    Attributes:
        frame_samples: samples from each value over time to the next.
    """

    needs_reference = False

    def frame_values(self, recording: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Q over time, (batch, frames), of what `core_values` takes."""
        raise NotImplementedError

    def score(self, recording, sample_rate, lengths=None, resample=False, batch_size=16, clip=True, interval=False):
        """Predict the metric of recordings, without their references.

        Of a recording of more than 30 s it is the mean over equal segments of at most 30 s, without silent ones: the
        memory beyond the recordings is bounded.

        Args:
            recording: speech, float (samples,) or (batch, samples) in [-1, 1].
            sample_rate: of it, in Hz.
            lengths, resample, batch_size, clip, interval: as for `PairScorer.score`.

        Returns:
            float64 (batch,), in the metric's units, from the worst to the best of `target_range`; NaN where a recording
            is silent, not finite, or has less than 0.5 s. With `interval` as for `PairScorer.score`.

        Raises:
            InputError: for another rate or another shape, or it has no intervals.

        Example:
            >>> metric = zoo.load("quality-net-free-pesq-wb-16k")
            >>> recording, rate = zoo.audio.io.read(zoo.examples()["degraded"])
            >>> bool(1 < metric.score(recording, sample_rate=rate)[0] < 3)
            True
        """
        recording, lengths = self.prepare(recording, sample_rate=sample_rate, lengths=lengths, resample=resample)
        return self._score([recording], lengths, batch_size, clip, interval)

    def score_over_time(self, recording, sample_rate, resample=False, clip=True):
        """Predict the metric of each moment of a recording; `score` is a weighted mean of these values.

        A value hears about a second before and after its moment.

        Args:
            recording: speech, float (samples,) in [-1, 1].
            sample_rate: of it, in Hz.
            resample, clip: as for `PairScorer.score`.

        Returns:
            seconds, scores: float64 (frames,) each; the moments, `frame_samples` of the model's rate apart, and the
            metric there, NaN in silent segments and where `score` is NaN.

        Raises:
            InputError: for another rate, or more than one recording.

        Example:
            >>> metric = zoo.load("quality-net-free-pesq-wb-16k")
            >>> recording, rate = zoo.audio.io.read(zoo.examples()["degraded"])
            >>> seconds, scores = metric.score_over_time(recording, sample_rate=rate)
            >>> seconds.shape == scores.shape, float(seconds[1])
            (True, 0.064)
        """
        recording, lengths = self.prepare(recording, sample_rate=sample_rate, resample=resample)
        if len(recording) > 1:
            raise InputError(f"{len(recording)} recordings; give one, (samples,): each has moments of its own")
        seconds = np.arange(0, lengths[0], self.frame_samples) / self.sample_rate
        scores = np.full(len(seconds), np.nan)
        for span in self._audible_spans([recording], lengths)[:, None]:
            ((_, batch),) = segments.batches([recording], span, 1, self.sample_rate, self.pads_segments)
            values = self._clipped(self.frame_values(*batch)[0], clip)
            moments = (span[0, 1] + self.frame_samples * np.arange(len(values))) / self.sample_rate
            inside = (seconds >= moments[0]) & (seconds < span[0, 2] / self.sample_rate)
            scores[inside] = np.interp(seconds[inside], moments, values)
        return seconds, scores


class OnnxMetric(PairScorer, OnnxModel):
    """`zoo.quality_net.model.SurrogateMetric` on onnxruntime: `score`, and no gradient.

    Example:
        >>> metric = zoo.load("quality-net-lite-pesq-wb-16k", runtime="onnx")
        >>> speech = np.random.default_rng(0).normal(size=16000) / 10
        >>> metric.score(speech, speech, sample_rate=16000).shape
        (1,)
    """

    settings = ("sample_rate", "n_fft", "hop_length", "target_range", "value_range", "intervals")
    value_shape = ()

    def core_values(self, reference, degraded, lengths):
        degraded, reference = (spectra.magnitude(x, self.n_fft, self.hop_length) for x in (degraded, reference))
        frames = 1 + lengths // self.hop_length
        return self.network.run("core", degraded=degraded, reference=reference, frames=frames)


class OnnxFreeMetric(FreeScorer, OnnxModel):
    """`zoo.quality_net.free.QualityNetFree` on onnxruntime: `score`, `score_over_time`, and no gradient.

    Example:
        >>> metric = zoo.load("quality-net-free-pesq-wb-16k", runtime="onnx")
        >>> metric.score(np.random.default_rng(0).normal(size=16000) / 10, sample_rate=16000).shape
        (1,)
    """

    settings = (*OnnxMetric.settings, "frame_samples")
    value_shape = ()

    def core_values(self, recording, lengths):
        return self._run("core", recording, lengths)

    def frame_values(self, recording, lengths):
        return self._run("over_time", recording, lengths)

    def _run(self, output, recording, lengths):
        magnitude = spectra.magnitude(recording, self.n_fft, self.hop_length)
        return self.network.run(output, magnitude=magnitude, frames=1 + lengths // self.hop_length)
