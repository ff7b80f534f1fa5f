"""Sources of recordings by a network, whatever runs it: block by block. Imports no backend."""

import numpy as np

from zoo.audio import checks, spectra
from zoo.audio.io import resample as resample_audio
from zoo.errors import InputError
from zoo.nn.inference import OnnxModel, Recordings
from zoo.separation.stream import BLOCK_SECONDS, Stream, warn_of_level

EPS = 1e-12  # inside a square root, so that silence has a finite gradient


class Separating(Recordings):
    """Splits recordings into sources. A class that runs networks defines `separate_batch`.

    Attributes:
        sources: names.
        frames, step, n_fft, hop_length, latency: as of `zoo.separation.model.ChandnaSeparator`.
        depends_on_level: whether its masks do, so that mixtures are to be at the level of songs.
    """

    sources: tuple[str, ...]
    depends_on_level = True

    def separate_batch(self, mixture: np.ndarray) -> np.ndarray:
        """float32 (batch, samples) -> (batch, sources, samples)."""
        raise NotImplementedError

    def separate(self, mixture, sample_rate, resample=False):
        """Split a recording into its sources.

        Where masks depend on the level, a mixture whose peak is below 0.15, not that of songs, gets an `InputWarning`.
        It goes through the network in blocks: memory beyond the mixture and its sources, and beyond the same again where
        it is resampled, is bounded.

        Args:
            mixture: float (samples,), (samples, channels) or (batch, samples, channels) in [-1, 1]; each channel is
                separated by itself.
            sample_rate: in Hz.
            resample: bring another rate to the model's and the sources back, instead of raising. Frequencies above half
                the model's rate are lost.

        Returns:
            {source: float32 of the shape of `mixture`}, aligned with it. The sources sum to the mixture.

        Raises:
            InputError: for another rate, other shapes, more channels than samples, integers, no samples, NaN or infinity
                in it, or samples that are not scaled.

        Example:
            >>> separator = zoo.load("chandna-4stem-44k")
            >>> mixture = np.random.default_rng(0).normal(size=(22050, 2)) / 10
            >>> sources = separator.separate(mixture, sample_rate=44100)
            >>> sorted(sources), sources["vocals"].shape
            (['bass', 'drums', 'other', 'vocals'], (22050, 2))
        """
        mixture = checks.as_floats(mixture)
        if mixture.ndim not in (1, 2, 3):
            raise InputError(
                f"the mixture has shape {mixture.shape}: give (samples,), (samples, channels) or (batch, samples, channels)"
            )
        if not mixture.size:
            raise InputError(f"the mixture has shape {mixture.shape}, no samples; give a recording")
        if mixture.ndim > 1:
            checks.check_channels_last(mixture)
        checks.check_finite(mixture)
        checks.check_scale(mixture)
        sample_rate = checks.check_rate(sample_rate, self.sample_rate, resample)
        mixture = mixture.astype("float32", copy=False)
        if self.depends_on_level:
            warn_of_level(float(max(mixture.max(), -mixture.min())))
        songs = mixture if mixture.ndim == 3 else mixture.reshape(1, len(mixture), -1)
        separated = [self._separate_at(song, sample_rate) for song in songs]
        if len(separated) == 1:  # whose sources need not be held twice
            return {source: audio.reshape(mixture.shape) for source, audio in separated[0].items()}
        return {source: np.stack([song[source] for song in separated]) for source in self.sources}

    def _separate_at(self, song, sample_rate):
        """{source: (samples, channels)} of (samples, channels) at any rate."""
        if sample_rate == self.sample_rate:
            return self._separate_one(song)
        separated = self._separate_one(resample_audio(song.T, sample_rate, self.sample_rate).T)
        for source, audio in separated.items():
            back = resample_audio(audio.T, self.sample_rate, sample_rate).T[: len(song)]
            separated[source] = np.pad(back, ((0, len(song) - len(back)), (0, 0)))
        return separated

    def _separate_one(self, song):
        """{source: (samples, channels)} of (samples, channels) at the model's rate."""
        stream, block = Stream(self, song.shape[1]), int(BLOCK_SECONDS * self.sample_rate)
        separated, done = {source: np.empty(song.shape, "float32") for source in self.sources}, 0
        for start in range(0, len(song) + block, block):
            part = stream.push(song[start : start + block]) if start < len(song) else stream.flush()
            for source, audio in part.items():
                separated[source][done : done + len(audio)] = audio
            done += len(audio)
        return separated


class OnnxSeparator(Separating, OnnxModel):
    """`zoo.separation.model.MaskSeparator` on onnxruntime: `separate`, and no gradient.

    Example:
        >>> separator = zoo.load("chandna-4stem-44k", runtime="onnx")
        >>> mixture = np.random.default_rng(0).normal(size=22050) / 10
        >>> separator.separate(mixture, sample_rate=44100)["vocals"].shape
        (22050,)
    """

    settings = ("sample_rate", "sources", "frames", "step", "n_fft", "hop_length", "latency", "depends_on_level")

    def separate_batch(self, mixture):
        samples = mixture.shape[1]
        padded = np.pad(mixture, ((0, 0), (0, self.n_fft // 2 + -samples % self.hop_length)))
        spectrum = spectra.stft(padded, self.n_fft, self.hop_length, "hann")
        masks = self._masks(np.sqrt(spectra.power(spectrum) + np.float32(EPS)))
        separated = (spectrum[:, None] * masks).reshape(-1, *spectrum.shape[1:])
        waveforms = spectra.istft(separated, samples, self.n_fft, self.hop_length, "hann")
        return waveforms.reshape(len(mixture), -1, samples)

    def _masks(self, magnitude):
        """Masks (batch, sources, frames, bins) of (batch, frames, bins), cross-faded from segment to segment."""
        (batch, count, bins), parts = magnitude.shape, self.frames // self.step
        pieces = -(-count // self.step)  # of a step each
        lead = self.frames - self.step  # frames of silence before the first, so that all are in `parts` segments
        padded = np.pad(magnitude, ((0, 0), (lead, lead + pieces * self.step - count), (0, 0)))
        cut = np.lib.stride_tricks.sliding_window_view(padded, self.frames, axis=1)[:, :: self.step]
        segments = np.ascontiguousarray(cut.transpose(0, 1, 3, 2)).reshape(-1, self.frames, bins)
        masks = self.network.run("core", magnitude=segments) * fade(self.frames, self.step)
        masks = masks.reshape(batch, -1, len(self.sources), parts, self.step, bins)
        # The i-th part of a segment lies on the last part of the one that begins parts - 1 - i steps before.
        faded = sum(masks[:, parts - 1 - i : parts - 1 - i + pieces, :, i] for i in range(parts))
        return faded.swapaxes(1, 2).reshape(batch, len(self.sources), -1, bins)[:, :, :count]


def fade(frames, step):
    """Weights (frames, 1) of a segment's frames; those of overlapping segments sum to 1."""
    window = np.hanning(frames + 2)[1:-1]
    total = window.reshape(-1, step).sum(axis=0)
    return (window / np.tile(total, frames // step)).astype("float32")[:, None]
