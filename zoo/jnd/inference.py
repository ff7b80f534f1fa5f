"""Distances of recordings by a JND metric, whatever runs it. Imports no backend."""

import numpy as np

from zoo.audio import checks, rows, spectra
from zoo.errors import InputError
from zoo.nn import segments
from zoo.nn.inference import MeasuredRecordings, OnnxModel

# Of zoo.jnd.quality.QualityJND.
LEVEL = 0.15  # rms that both recordings are brought to by one gain: speech at -16 LUFS
FAINTEST = 1e-3  # rms below which the gain hardly grows, -60 dB re full scale


class Judge(MeasuredRecordings):
    """Measures how different recordings sound. A class that runs networks defines `answers`."""

    def answers(self, by_layer: np.ndarray) -> np.ndarray:
        """Log-odds of the answers "same" and "different", (batch, 2), of float32 (batch, layers) distances."""
        raise NotImplementedError

    def distance(self, reference, degraded, sample_rate, lengths=None, resample=False, pad=False, batch_size=16):
        """How different recordings sound.

        Of recordings of more than 30 s it is the mean over equal segments of at most 30 s: the memory beyond the
        recordings is bounded. The channels of a segment, which then has at most 30 s of all of them, are heard one after
        the other: a difference in every channel counts as much as in a mono recording, one in a single channel less.

        Args:
            reference: float (samples,), (batch, samples) or (batch, samples, channels) in [-1, 1].
            degraded: the same recordings, changed; the same shape, aligned in time.
            sample_rate: of both, in Hz.
            lengths: int (batch,) samples that count of each padded recording; None for all.
            resample: bring another rate to the model's, instead of raising.
            pad: let the shorter of two lengths end in digital silence, instead of raising.
            batch_size: pairs at a time; fewer where they are long.

        Returns:
            float64 (batch,), 0 (identical) and up; NaN where a recording is empty, not finite or far too loud. Of less
            than a few tenths of a second it says little: listeners judged 2.5 s.

        Raises:
            InputError: for another rate, other shapes, or integers.

        Example:
            >>> metric = zoo.load("jnd-22k")
            >>> reference, _ = zoo.audio.io.read(zoo.examples()["reference"])
            >>> degraded, rate = zoo.audio.io.read(zoo.examples()["degraded"])
            >>> metric.distance(reference, degraded, sample_rate=rate, resample=True).shape
            (1,)
        """
        return self.judge(reference, degraded, sample_rate, lengths, resample, pad, batch_size)[0]

    def probability(self, reference, degraded, sample_rate, lengths=None, resample=False, pad=False, batch_size=16):
        """Probability that a listener, asked whether two recordings are the same, answers "different".

        Arguments, NaN and errors as for `distance`.

        Returns:
            float64 (batch,) in 0..1. It is a little above 0 for identical recordings, as with people.

        Example:
            >>> speech = np.random.default_rng(0).normal(size=22050) / 10
            >>> bool(zoo.load("jnd-22k").probability(speech, 0.1 * speech, sample_rate=22050)[0] > 0.5)
            True
        """
        return self.judge(reference, degraded, sample_rate, lengths, resample, pad, batch_size)[1]

    def judge(self, reference, degraded, sample_rate, lengths=None, resample=False, pad=False, batch_size=16):
        """`distance` and `probability` of recordings, in one pass; the probability is that of the mean distances.

        Arguments, NaN and errors as for `distance`.

        Returns:
            distances, probabilities: float64 (batch,) each.

        Example:
            >>> speech = np.random.default_rng(0).normal(size=22050) / 10
            >>> distances, probabilities = zoo.load("jnd-22k").judge(speech, 0.1 * speech, sample_rate=22050)
            >>> distances.shape, probabilities.shape
            ((1,), (1,))
        """
        (reference, channels), (degraded, others) = rows.split_channels(reference), rows.split_channels(degraded)
        if channels != others:
            raise InputError(f"the recordings have {channels} and {others} channels; give as many of both")
        if channels > 1 and lengths is not None:
            count, samples = len(reference) // channels, reference.shape[1]
            lengths = np.repeat(checks.check_lengths(lengths, count, samples), channels)
        if pad:
            if lengths is not None:
                raise InputError("give lengths or pad=True, not both: lengths already say where recordings end")
            reference, degraded = checks.padded(reference, degraded)
        reference, degraded, lengths = self.prepare(
            reference, degraded, sample_rate=sample_rate, lengths=lengths, resample=resample
        )
        if channels > 1:
            lengths = lengths[::channels]
            reference, degraded = (
                segments.in_turn(x, lengths, channels, self.sample_rate) for x in (reference, degraded)
            )
            lengths = channels * lengths
        spans = segments.cut(np.where(segments.finite(reference, degraded), lengths, 0), self.sample_rate)
        by_layer = segments.mean(self.predict_core([reference, degraded], spans, batch_size), spans, len(reference))
        answers = self.answers(by_layer.astype("float32")).astype("float64")
        with np.errstate(invalid="ignore"):  # of a pair without a distance
            return by_layer.sum(axis=1), np.exp(-np.logaddexp(0, answers[:, 0] - answers[:, 1]))


class OnnxJND(Judge, OnnxModel):
    """`zoo.jnd.model.JND` on onnxruntime: `distance`, `probability`, `judge`, and no gradient.

    Example:
        >>> metric = zoo.load("jnd-fin-22k", runtime="onnx")
        >>> speech = np.random.default_rng(0).normal(size=22050) / 10
        >>> metric.distance(speech, speech, sample_rate=22050).tolist()
        [0.0]
    """

    @property
    def value_shape(self):
        return self.network.shape("core")

    def core_values(self, reference, degraded, lengths):
        return self.network.run("core", reference=reference[:, :, None], degraded=degraded[:, :, None], lengths=lengths)

    def answers(self, by_layer):
        return self.network.run("head", distances=by_layer)


class OnnxSpectralJND(OnnxJND):
    """`zoo.jnd.spectral.SpectralJND` on onnxruntime: `distance`, `probability`, `judge`, and no gradient.

    Example:
        >>> metric = zoo.load("jnd-22k", runtime="onnx")
        >>> speech = np.random.default_rng(0).normal(size=22050) / 10
        >>> metric.distance(speech, speech, sample_rate=22050).tolist()
        [0.0]
    """

    settings = ("sample_rate", "n_fft", "hop_length")

    def core_values(self, reference, degraded, lengths):
        reference, degraded = (spectra.magnitude(x, self.n_fft, self.hop_length) for x in (reference, degraded))
        frames = 1 + lengths // self.hop_length
        return self.network.run("core", reference=reference, degraded=degraded, frames=frames)


class OnnxQualityJND(OnnxSpectralJND):
    """`zoo.jnd.quality.QualityJND` on onnxruntime: `distance`, `probability`, `judge`, and no gradient.

    Example:
        >>> metric = zoo.load("jnd-quality-22k", runtime="onnx")
        >>> speech = np.random.default_rng(0).normal(size=22050) / 10
        >>> metric.distance(speech, speech, sample_rate=22050).tolist()
        [0.0]
    """

    def core_values(self, reference, degraded, lengths):
        energy = np.sum(np.square(reference) + np.square(degraded), axis=1)
        power = energy / (2 * np.maximum(lengths, 1).astype("float32")) + FAINTEST**2
        gain = (LEVEL / np.sqrt(power)).astype("float32")[:, None]
        return super().core_values(gain * reference, gain * degraded, lengths)
