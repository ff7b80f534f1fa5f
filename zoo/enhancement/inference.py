"""Enhanced recordings by a network, whatever runs it: short ones in batches, long ones in chunks. Imports no backend."""

import numpy as np

from zoo.audio import checks, spectra
from zoo.audio.io import resample as resample_audio
from zoo.audio.rows import as_rows, from_rows
from zoo.nn.inference import OnnxModel, Recordings

CHUNK_SECONDS = 30.0  # a longer recording goes through the network in chunks of this length, which bounds the memory
_BUCKET_SECONDS = 1.0  # batches are padded to a multiple of it, so that few shapes are compiled
FLOOR = 1e-7  # 70 dB below a clip's mean power: about the noise of 16 bits under speech
FLAT = 0.1  # added to a bin's variance of log power: a bin that never changes must not be blown up
SILENCE = 1e-8
WINDOW = "sqrt-hann"  # of the causal networks


class Enhancing(Recordings):
    """Enhances recordings. A class that runs networks defines `enhance_batch`.

    Attributes:
        hop_length: samples; chunks of a long recording begin at multiples of it.
        context: hops on each side of a chunk that are computed and dropped.
        chunks_at_once: of a long recording, in a batch.
    """

    hop_length: int
    context: int
    chunks_at_once = 1

    def enhance_batch(self, noisy: np.ndarray, lengths: np.ndarray, *conditions: np.ndarray) -> np.ndarray:
        """Enhanced recordings, float32 (batch, samples), of such and int32 (batch,) lengths."""
        raise NotImplementedError

    def enhance(self, noisy, sample_rate, lengths=None, resample=False, batch_size=16):
        """Enhance recordings.

        A recording of more than 30 s goes through the network in chunks, so the memory beyond the recording itself
        is bounded.

        Args:
            noisy: speech in noise, float (samples,), (batch, samples) or (batch, samples, channels) in [-1, 1]; each
                channel is enhanced by itself.
            sample_rate: in Hz.
            lengths: int (batch,) samples that count of each padded recording; None for all.
            resample: bring another rate to the model's and the result back, instead of raising. What lies above
                half the model's rate is lost.
            batch_size: recordings at a time.

        Returns:
            float32 of the shape of `noisy`, aligned with it; zero at and after `lengths`. It may peak beyond 1.

        Raises:
            InputError: for another rate, other shapes, no samples, or NaN or infinity in what counts.

        Example:
            >>> enhancer = zoo.load("qrnn-quality-net-16k")
            >>> noisy, rate = zoo.audio.io.read(zoo.examples()["degraded"])
            >>> enhancer.enhance(noisy, sample_rate=rate).shape == noisy.shape
            True
        """
        rows, lengths = as_rows(noisy, lengths)
        sample_rate = checks.check_rate(sample_rate, self.sample_rate, resample)
        if sample_rate == self.sample_rate:
            enhanced = self._enhance_rows(rows, lengths, batch_size)
        else:
            enhanced = np.zeros(rows.shape, "float32")
            for output, row, length in zip(enhanced, rows, lengths, strict=True):
                back = self._enhance_resampled(row[:length], sample_rate)[:length]
                output[: len(back)] = back
        return from_rows(enhanced, np.shape(noisy))

    def _enhance_resampled(self, recording, sample_rate):
        """A recording (samples,) of another rate, enhanced at the model's and brought back; perhaps a sample shorter."""
        recording = resample_audio(recording, sample_rate, self.sample_rate)
        if not len(recording):  # less than half a sample at the model's rate
            return recording
        enhanced = self._enhance_rows(recording[None], np.array([len(recording)]), 1)[0]
        return resample_audio(enhanced, self.sample_rate, sample_rate)

    def _enhance_rows(self, rows, lengths, batch_size):
        """Short recordings by the batch, long ones by the chunk."""
        enhanced = np.zeros(rows.shape, "float32")
        limit = int(CHUNK_SECONDS * self.sample_rate) // self.hop_length * self.hop_length
        short, long = np.flatnonzero(lengths <= limit), np.flatnonzero(lengths > limit)
        for start in range(0, len(short), batch_size):
            chosen = short[start : start + batch_size]
            out = self._predict([row[:n] for row, n in zip(rows[chosen], lengths[chosen])])
            for i, row in zip(chosen, out):
                enhanced[i, : lengths[i]] = row
        for i in long:
            enhanced[i, : lengths[i]] = self._enhance_long(rows[i, : lengths[i]], limit)
        return enhanced

    def _predict(self, recordings, *conditions):
        """Run recordings of any lengths, with a condition of a row each where the network takes some."""
        lengths = np.array([len(recording) for recording in recordings], "int32")
        bucket = int(_BUCKET_SECONDS * self.sample_rate)
        padded = np.zeros((len(recordings), -(-int(lengths.max()) // bucket) * bucket), "float32")
        for row, recording in zip(padded, recordings):
            row[: len(recording)] = recording
        out = self.enhance_batch(padded, lengths, *conditions)
        return [row[:n] for row, n in zip(out, lengths)]

    def _enhance_long(self, recording, chunk):
        enhanced = np.empty(len(recording), "float32")
        conditions = self._conditions(recording, chunk)
        context = self.context * self.hop_length
        starts = range(0, len(recording), chunk)
        for turn in range(0, len(starts), self.chunks_at_once):
            spans = [
                (max(start - context, 0), start, start + chunk) for start in starts[turn : turn + self.chunks_at_once]
            ]
            parts = [recording[first : stop + context] for first, _, stop in spans]
            outputs = self._predict(parts, *(np.repeat(x, len(parts), axis=0) for x in conditions))
            for (first, start, stop), output in zip(spans, outputs, strict=True):
                enhanced[start:stop] = output[start - first : stop - first]
        return enhanced

    def _conditions(self, recording, chunk):
        """Statistics of the whole recording with which its chunks are enhanced, each (1, ...)."""
        return []


class MaskEnhancing(Enhancing):
    """Enhances by masks on spectra, whose level, mean and deviation are those of the whole recording.

    Attributes:
        n_fft: window and transform length in samples.
    """

    n_fft: int

    def _conditions(self, recording, chunk):
        """Level, mean and deviation of the whole recording, from one chunk at a time."""
        level = np.sqrt(np.mean(np.square(recording, dtype="float64")) + SILENCE**2).reshape(1, 1, 1).astype("float32")
        count, total, squares = 0, 0.0, 0.0
        for start in range(0, len(recording), chunk):
            # One frame more on each side, which then goes: the frames of chunks are those of the whole.
            first, stop = max(start - self.hop_length, 0), min(start + chunk, len(recording))
            part = recording[first : stop + self.hop_length]
            part = np.pad(part, (0, -len(part) % self.hop_length))[None]
            log_power = _log_power(spectra.stft(part, self.n_fft, self.hop_length), level)[0]
            begin = (start - first) // self.hop_length
            end = begin + chunk // self.hop_length if stop < len(recording) else None
            own = log_power[begin:end].astype("float64")
            count, total, squares = count + len(own), total + own.sum(axis=0), squares + np.square(own).sum(axis=0)
        mean = total / count
        deviation = np.sqrt(np.maximum(squares / count - mean**2, 0.0) + FLAT)
        return [level, *(x[None, None].astype("float32") for x in (mean, deviation))]


class StreamingEnhancing(Enhancing):
    """Enhances block by block, with a state that it hands on. A class that runs networks defines `run_core`.

    Attributes:
        n_fft: window and transform length in samples, of which the hop is half. An enhanced sample needs those of one
            window, so what comes out of a stream lags by `hop_length` samples.
        core_state_size: numbers in the state of the network.
    """

    n_fft: int
    core_state_size: int

    def run_core(self, parts: np.ndarray, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The enhanced spectrum's parts and the network's states.

        Args:
            parts: real and imaginary part of the spectrum, float32 (batch, frames, bins, 2).
            states: float32 (batch, core_state_size).
        """
        raise NotImplementedError

    def enhance_spectrum(self, spectrum: np.ndarray, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `run_core`, of complex64 (batch, frames, bins)."""
        parts, states = self.run_core(np.stack([spectrum.real, spectrum.imag], axis=3), states)
        return parts[..., 0] + 1j * parts[..., 1], states

    @property
    def state_size(self) -> int:
        """Numbers in the state of a stream: a hop of what came in, a hop that is not final, and the network's."""
        return 2 * self.hop_length + self.core_state_size

    def stream_batch(self, blocks: np.ndarray, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Enhanced blocks, of streams that go on.

        Args:
            blocks: float32 (streams, samples), one or more times `hop_length` samples.
            states: float32 (streams, state_size) that the last call gave; zeros at the start.

        Returns:
            float32 (streams, samples), enhanced, `hop_length` samples late: as many at the start lie before the recording
            and are to be left out; and the states after them.
        """
        half = self.hop_length
        before, ending, states = np.split(states, [half, 2 * half], axis=1)
        waveform = np.concatenate([before, blocks], axis=1)
        spectrum = spectra.stft(waveform, self.n_fft, half, WINDOW)[:, 1:-1]  # the outer frames are half padding
        spectrum, states = self.enhance_spectrum(spectrum, states)
        spectrum = np.pad(spectrum, ((0, 0), (1, 1), (0, 0)))
        enhanced = spectra.istft(spectrum, waveform.shape[1], self.n_fft, half, WINDOW)
        enhanced[:, :half] += ending
        states = np.concatenate([waveform[:, -half:], enhanced[:, -half:], states], axis=1)
        return enhanced[:, :-half], states

    def ending(self, samples: int) -> int:
        """Samples of silence after the last of a stream's, so that all are final: to a whole hop, and one hop more."""
        return self.hop_length + -samples % self.hop_length

    def _enhance_long(self, recording, chunk):
        """As a stream, so that what is cut in chunks is the same as the whole."""
        lag = self.hop_length
        padded = np.pad(recording, (0, self.ending(len(recording))))[None]
        states, parts = np.zeros((1, self.state_size), "float32"), []
        for start in range(0, padded.shape[1], chunk):
            part, states = self.stream_batch(padded[:, start : start + chunk], states)
            parts.append(part[0])
        return np.concatenate(parts)[lag : lag + len(recording)]


class OnnxEnhancer(Enhancing, OnnxModel):
    """`zoo.enhancement.context.ContextAggregationEnhancer` on onnxruntime: `enhance`, and no gradient.

    Example:
        >>> enhancer = zoo.load("can-l1-16k", runtime="onnx")
        >>> enhancer.enhance(np.zeros(4000), sample_rate=16000).shape
        (4000,)
    """

    settings = ("sample_rate", "hop_length", "context", "chunks_at_once")

    def enhance_batch(self, noisy, lengths):
        enhanced = self.network.run("core", waveform=noisy[:, :, None], lengths=lengths)[:, :, 0]
        return np.where(np.arange(noisy.shape[1]) < lengths[:, None], enhanced, 0)


class OnnxMaskEnhancer(MaskEnhancing, OnnxEnhancer):
    """`zoo.enhancement.model.MaskEnhancer` on onnxruntime: `enhance`, and no gradient.

    Example:
        >>> enhancer = zoo.load("dnn-pmsqe-16k", runtime="onnx")
        >>> enhancer.enhance(np.zeros(4000), sample_rate=16000).shape
        (4000,)
    """

    settings = (*OnnxEnhancer.settings, "mask_floor", "n_fft")

    def enhance_batch(self, noisy, lengths, *statistics):
        samples = noisy.shape[1]
        spectrum = spectra.stft(np.pad(noisy, ((0, 0), (0, -samples % self.hop_length))), self.n_fft, self.hop_length)
        frames = 1 + (lengths + self.hop_length - 1) // self.hop_length
        level, *moments = statistics or [_level(noisy, lengths)]
        log_power = _log_power(spectrum, level)
        mean, deviation = moments or _moments(log_power, frames)
        mask = self.network.run("core", features=(log_power - mean) / deviation, frames=frames)
        mask = np.float32(self.mask_floor) + np.float32(1 - self.mask_floor) * mask
        return spectra.istft(spectrum * mask, samples, self.n_fft, self.hop_length)


class OnnxStreamingEnhancer(StreamingEnhancing, OnnxEnhancer):
    """`zoo.enhancement.quasi_recurrent.QuasiRecurrentEnhancer` on onnxruntime: `enhance`, streams, and no gradient.

    Example:
        >>> enhancer = zoo.load("qrnn-16k", runtime="onnx")
        >>> enhancer.enhance(np.zeros(4000), sample_rate=16000).shape
        (4000,)
    """

    settings = (*OnnxEnhancer.settings, "n_fft", "core_state_size")

    def enhance_batch(self, noisy, lengths):
        samples = noisy.shape[1]
        noisy = np.pad(noisy, ((0, 0), (0, -samples % self.hop_length)))
        states = np.zeros((len(noisy), self.core_state_size), "float32")
        spectrum, _ = self.enhance_spectrum(spectra.stft(noisy, self.n_fft, self.hop_length, WINDOW), states)
        enhanced = spectra.istft(spectrum, samples, self.n_fft, self.hop_length, WINDOW)
        return np.where(np.arange(samples) < lengths[:, None], enhanced, 0)

    def run_core(self, parts, states):
        return self.network.run("enhanced", "next_state", spectrum=parts, state=states)


def _level(noisy, lengths):
    """rms of what counts, (batch, 1, 1)."""
    energy = np.square(noisy).sum(axis=1) / np.maximum(lengths, 1).astype("float32")
    return np.sqrt(energy + np.float32(SILENCE**2))[:, None, None]


def _log_power(spectrum, level):
    """log(|X|^2 + floor) of the spectrum at unit rms."""
    return np.log(spectra.power(spectrum) / np.square(level) / spectrum.shape[-1] + np.float32(FLOOR))


def _moments(log_power, frames):
    """Mean and standard deviation over the frames that count, (batch, 1, bins) each."""
    counted = (np.arange(log_power.shape[1]) < frames[:, None])[:, :, None].astype("float32")
    count = np.maximum(frames, 1).astype("float32")[:, None, None]
    mean = (log_power * counted).sum(axis=1, keepdims=True) / count
    variance = (np.square(log_power - mean) * counted).sum(axis=1, keepdims=True) / count
    return mean, np.sqrt(variance + np.float32(FLAT))
