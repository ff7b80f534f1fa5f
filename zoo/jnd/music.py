"""Music in a known order: codecs at falling bit rates and other degradations, each kind a ladder, at 44.1 kHz.

As `zoo.jnd.severity` does for speech; the teacher is ViSQOL in its audio mode, where it was made for it.
"""

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.signal

from zoo.audio import codecs, io, mix
from zoo.errors import InputError
from zoo.jnd import artefacts, baselines, effects, examples, rendered
from zoo.jnd.degradations import Degradation, Graded, apply_by, draw_group, missed_by, store
from zoo.jnd.songs import SAMPLE_RATE, SAMPLES, Songs, pieces

VERSION = 2  # of the recordings; stored ones of another version are not used
TEACHER = "visqol-audio"
MOST_MISSED, SPREAD = 3.8, 0.9  # about how much its score can fall short of the best, and its deviation over the kinds
AAC = codecs.Program("aac", "adts", "aac", SAMPLE_RATE, (16, 256))
_OPUS_RATE = 48000
_MP3_KBPS = (32.0, 320.0)  # ends of libsndfile's scale
_RT60 = 1.2  # seconds
_NOISES = (0.0, 1.0, 2.0)  # exponents of white, pink and brown noise

# Values of each kind from mild to severe, of one channel: of codecs kb/s, of vorbis libsndfile's quality.
KINDS = {
    "opus": (128.0, 64.0, 40.0, 28.0, 20.0, 14.0, 10.0),
    "aac": (128.0, 80.0, 56.0, 40.0, 28.0, 20.0, 16.0),
    "mp3": (160.0, 96.0, 64.0, 56.0, 48.0, 40.0, 32.0),
    "vorbis": (0.8, 0.5, 0.3, 0.2, 0.1, 0.0),
    "low-pass": (16000.0, 12000.0, 9000.0, 6500.0, 4500.0, 3000.0, 2000.0, 1200.0),
    "noise": tuple(range(60, -1, -6)),
    "mnru": tuple(range(48, -1, -6)),
    "quantised": (12, 10, 9, 8, 7, 6, 5, 4),
    "clipping": (0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.35),
    "packet loss": (0.01, 0.02, 0.04, 0.08, 0.15, 0.25),
    "holes": (0.01, 0.03, 0.08, 0.16, 0.3, 0.5),
    "reverberation": (30.0, 24.0, 18.0, 12.0, 6.0, 0.0, -6.0),
    "griffin-lim": (100, 30, 10, 4, 2, 1, 0),
}
CODECS, CODECS_TOGETHER = ("opus", "aac", "mp3", "vorbis"), "codecs"
VALID = {*CODECS, "low-pass"}  # kinds for which ViSQOL's audio mode was made
# Values of two channels, which the test climbs: kb/s of both together.
STEREO = {
    "opus": (256.0, 128.0, 96.0, 64.0, 48.0, 32.0, 24.0),
    "aac": (256.0, 128.0, 96.0, 64.0, 48.0, 32.0, 24.0),
    "mp3": (256.0, 128.0, 96.0, 64.0, 48.0, 32.0),
    "vorbis": (0.8, 0.5, 0.3, 0.2, 0.1, 0.0),
    "low-pass": (16000.0, 11000.0, 7000.0, 3500.0, 1700.0),
    "noise": (60, 45, 30, 15, 0),
}
_FACTS = {"teachers": (TEACHER,), "sample_rate": SAMPLE_RATE}  # of what is rendered


def degrade(clip: np.ndarray, kind: str, value: float, seed: int) -> np.ndarray:
    """A clip after one kind of degradation; what is random follows from the seed alone.

    Args:
        clip: float (samples,) at 44.1 kHz; of codecs, low-pass and noise also (samples, channels).
        kind: of `KINDS`.
        value: as there, or of two channels as in `STEREO`.
        seed: of noise, room and positions.

    Returns:
        float32, of the same shape, its loudness as it comes.

    Raises:
        InputError: another kind, or "aac" where the program ffmpeg is not there.

    Example:
        >>> degrade(np.sin(0.1 * np.arange(44100)), "low-pass", 3000.0, seed=0).shape
        (44100,)
    """
    rng = np.random.default_rng(seed)
    match kind:
        case "opus":
            kbps = value / (clip.size // len(clip))  # of each channel
            level = codecs.compression_level(kbps, *artefacts.OPUS_KBPS)
            return _coded(clip, "OGG", "OPUS", _OPUS_RATE, compression_level=level)
        case "aac":
            return codecs.encode_and_decode_by_ffmpeg(clip, SAMPLE_RATE, AAC, value)
        case "mp3":
            options = {"bitrate_mode": "CONSTANT", "compression_level": codecs.compression_level(value, *_MP3_KBPS)}
            return _coded(clip, "MP3", "MPEG_LAYER_III", **options)
        case "vorbis":
            return _coded(clip, "OGG", "VORBIS", compression_level=1.0 - value)
        case "low-pass":
            return artefacts.low_pass(clip.T, value, SAMPLE_RATE).T
        case "noise":
            exponent = _NOISES[rng.integers(len(_NOISES))]
            noise = [mix.colored_noise(len(clip), exponent, rng) for _ in range(clip.size // len(clip))]
            return effects.add_noise(clip.ravel(), np.stack(noise, axis=-1).ravel(), value).reshape(clip.shape)
        case "mnru":
            return artefacts.mnru(clip, value, rng)
        case "quantised":
            step = 2 * np.abs(clip).max() / 2**value
            return (step * np.round(clip / step)).astype("float32")
        case "clipping":
            return artefacts.clip_peaks(clip, value)
        case "packet loss":
            return artefacts.lose_packets(clip, value, rng, SAMPLE_RATE)
        case "holes":
            return artefacts.punch_holes(clip, value, rng)
        case "reverberation":
            room = mix.decaying_room(_RT60, value, SAMPLE_RATE, rng)
            return scipy.signal.fftconvolve(clip, room)[: len(clip)].astype("float32")
        case "griffin-lim":
            return effects.griffin_lim(clip, value, rng)
    raise InputError(f"no kind of degradation {kind!r}: use {', '.join(KINDS)}")


def _coded(clip, container, subtype, rate=SAMPLE_RATE, **options):
    """A clip through a codec of libsndfile that codes at a rate, in Hz, aligned with it."""
    wide = io.resample(clip.T, SAMPLE_RATE, rate).T
    coded, coded_rate = codecs.encode_and_decode(wide, rate, container, subtype, **options)
    return codecs.align(io.resample(coded.T, coded_rate, SAMPLE_RATE).T, clip)


def apply(clip: np.ndarray, degradation: Degradation) -> np.ndarray:
    """A clip after a degradation, at -16 LUFS; arguments and shapes as for `degrade`.

    Example:
        >>> clip = np.sin(0.1 * np.arange(44100))
        >>> apply(clip, Degradation("mnru", 10, ("clipping", 0.1), seed=0)).shape
        (44100,)
    """
    return apply_by(degrade, clip, degradation, SAMPLE_RATE)


def missed_scores(recordings: np.ndarray, degradations: Sequence[Degradation]) -> np.ndarray:
    """By how much ViSQOL's scores of degraded recordings fall short of the best.

    Args:
        recordings: float (1 + n, samples) at 44.1 kHz, the clip and its degraded forms.
        degradations: n of them.

    Returns:
        float32 (n, 1), 0 and up; NaN where it is not valid or has no score.

    Raises:
        InputError: visqol-python is not installed.
    """
    return missed_by(_teacher, VALID, recordings, degradations, SAMPLE_RATE)[:, None]


@functools.cache
def _teacher():
    return baselines.visqol_audio()


def render(music: Path | str, count: int, runs: Path | str, seed: int = 0, n_jobs: int = -1) -> Graded:
    """Groups of degraded clips of music with scores, rendered or read from `runs`.

    Args:
        music: folder as `Songs.read` takes it.
        count: of groups.
        runs: folder to store them in, about 1.1 MB for each group.
        seed: of all random choices.
        n_jobs: processes, joblib's counting.

    Returns:
        `Graded`, of (clips, 5, 110250) at 44.1 kHz, one channel.

    Raises:
        InputError: recordings, the program ffmpeg or the package visqol-python are missing.

    Example:
        >>> graded = render("data/music", 256, "runs")  # needs recordings  # doctest: +SKIP
    """
    _check_programs()
    groups = [draw_group(examples.rng_of(seed, "music", i), KINDS) for i in range(count)]
    starts = range(0, count, rendered.CHUNK)
    items = [(seed, start, groups[start : start + rendered.CHUNK]) for start in starts]
    name = f"music-{count}-v{VERSION}-{_songs(str(music)).digest()}-{seed}"
    return store(_render, _score, str(music), items, Path(runs) / "jnd" / name, n_jobs, **_FACTS)


def render_stereo(folder: Path | str, runs: Path | str, n_jobs: int = -1) -> Graded:
    """Every value of `STEREO` on the middle of every recording of a folder, with scores, rendered or read from `runs`.

    Args:
        folder: of recordings, mono or stereo, at any rate.
        runs: folder to store them in, about 16 MB for each recording.
        n_jobs: processes, joblib's counting.

    Returns:
        `Graded`, of (clips, 1 + values, 220500): the left channel and then the right one.

    Raises:
        InputError: as for `pieces`, or the program ffmpeg or the package visqol-python are missing.

    Example:
        >>> graded = render_stereo("music/", "runs")  # needs recordings  # doctest: +SKIP
    """
    _check_programs()
    clips = list(pieces(folder))
    rungs = [(kind, value) for kind, ladder in STEREO.items() for value in ladder]
    items = [(clip, [[Degradation(*rung, None, seed) for rung in rungs]]) for seed, clip in enumerate(clips)]
    name = f"stereo-v{VERSION}-{examples.digest([clip.tobytes() for clip in clips])}"
    return store(_render_stereo, _score, str(folder), items, Path(runs) / "jnd" / name, n_jobs, **_FACTS)


def _check_programs():
    """Refuse early where ffmpeg or ViSQOL is missing."""
    codecs.check_ffmpeg()
    _teacher()


@functools.lru_cache(maxsize=1)  # a worker process reads it once
def _songs(music):
    return Songs.read(music)


def _render(music, seed, start, groups):
    songs, recordings = _songs(music), []
    for i, degradations in enumerate(groups, start):
        clip = songs.draw(examples.rng_of(seed, "clip of music", i))
        recordings.append([clip, *(apply(clip, degradation) for degradation in degradations)])
    return rendered.as_stored(np.array(recordings))


def _render_stereo(_, clip, groups):
    (degradations,) = groups
    recordings = [clip, *(apply(clip, degradation) for degradation in degradations)]
    return rendered.as_stored(np.array([recordings]).swapaxes(2, 3).reshape(1, len(recordings), -1))


def _score(_, folder, place, groups):
    audio = examples.as_float(np.load(rendered.chunk_path(folder, place), mmap_mode="r"))
    # ViSQOL compares the mean of the channels.
    mono = audio.reshape(*audio.shape[:2], -1, SAMPLES).mean(axis=2)
    return np.stack([missed_scores(x, degradations) for x, degradations in zip(mono, groups, strict=True)])
