"""Degradations in a known order, each kind a ladder, with the scores of kept metrics where those are valid.

Nobody was asked about these. What is known is the order within a kind, and, across kinds, what PESQ (ITU-T P.862.2) and
ViSQOL say where they were made for it: teachers of order, not the truth.
"""

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zoo.errors import InputError
from zoo.jnd import artefacts, baselines, effects, examples, rendered
from zoo.jnd.degradations import GROUP, Degradation, Graded, apply_by, draw_group, missed_by, store
from zoo.jnd.neural_codec import Lyra
from zoo.jnd.noises import NOISES, Material
from zoo.jnd.rendered import Source
from zoo.jnd.rooms import reverberate

VERSION = 1  # of the recordings; stored ones of another version are not used
MOST_MISSED = (3.6, 4.0)  # by how much their scores can fall short of the best
SPREADS = (1.2, 0.6)  # standard deviations of their scores over the kinds
_RT60 = 0.6  # seconds
_BROUGHT, _BROUGHT_WEIGHT = "lyra", 0.5  # networks that the user brings; drawn half as often as others

# Values of each kind from mild to severe; None of Lyra leaves its quantizer out.
KINDS = {
    "noise": tuple(range(45, -6, -5)),
    "mnru": tuple(range(40, -1, -5)),
    "opus": (40.0, 24.0, 16.0, 12.0, 9.0, 6.0),
    "mp3": (48.0, 32.0, 24.0, 16.0, 8.0),
    "adpcm": (32, 24, 16),
    "mu-law": (12.0, 9.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0),
    "clipping": (0.003, 0.01, 0.03, 0.1, 0.2, 0.35, 0.5),
    "low-pass": (6500.0, 5000.0, 4000.0, 3200.0, 2400.0, 1700.0, 1200.0),
    "packet loss": (0.01, 0.02, 0.04, 0.08, 0.15, 0.25),
    "holes": (0.01, 0.03, 0.08, 0.16, 0.3, 0.5),
    "denoised": tuple(range(35, -6, -5)),
    "reverberation": (25.0, 18.0, 12.0, 6.0, 0.0, -6.0, -12.0),
    "griffin-lim": (100, 30, 10, 4, 2, 1, 0),
    "world": (64, 40, 24, 16, 10, 6),
    "lyra": (None, 9.2, 6.0, 3.2),
}
_WAVEFORM = {
    "noise", "mnru", "opus", "mp3", "adpcm", "mu-law", "clipping", "low-pass", "packet loss", "holes", "denoised",
}  # fmt: skip
_SPECTROGRAM = {"opus", "mp3", "adpcm", "low-pass", "packet loss", "holes", "griffin-lim", "world", "lyra"}
VALID = {"pesq": _WAVEFORM, "visqol": _SPECTROGRAM}  # kinds for which a teacher was made


def degrade(clip: np.ndarray, kind: str, value: float, material: Material, lyra: Lyra | None, seed: int) -> np.ndarray:
    """A clip after one kind of degradation; what is random follows from the seed alone.

    Args:
        clip: float (samples,) at 22,050 Hz.
        kind: of `KINDS`.
        value: as there; others between them are possible.
        material: noises and rooms.
        lyra: the codec of the kind "lyra".
        seed: of noise, room and positions.

    Returns:
        float32 (samples,), its loudness as it comes.

    Example:
        >>> clip = np.sin(0.1 * np.arange(22050))
        >>> degrade(clip, "mnru", 10, Material({}, []), None, seed=0).shape
        (22050,)
    """
    rng = np.random.default_rng(seed)
    match kind:
        case "noise" | "denoised":
            noise = material.noise(NOISES[rng.integers(len(NOISES))], len(clip), rng)
            return (effects.add_noise if kind == "noise" else artefacts.denoise_harshly)(clip, noise, value)
        case "mnru":
            return artefacts.mnru(clip, value, rng)
        case "opus":
            return artefacts.opus(clip, value)
        case "mp3":
            return effects.mp3(clip, value)
        case "adpcm":
            return artefacts.adpcm(clip, value)
        case "mu-law":
            return effects.mu_law(clip, value)
        case "clipping":
            return artefacts.clip_peaks(clip, value)
        case "low-pass":
            return artefacts.low_pass(clip, value)
        case "packet loss":
            return artefacts.lose_packets(clip, value, rng)
        case "holes":
            return artefacts.punch_holes(clip, value, rng)
        case "reverberation":
            return reverberate(clip, material.room(rng), value, _RT60)
        case "griffin-lim":
            return effects.griffin_lim(clip, value, rng)
        case "world":
            return artefacts.vocode(clip, value)
        case "lyra":
            return artefacts.at_wideband(clip, lambda speech: lyra(speech, value))
    raise InputError(f"no kind of degradation {kind!r}: use {', '.join(KINDS)}")


def draw(rng: np.random.Generator, has_lyra: bool = False) -> list[Degradation]:
    """Degradations of one clip: two values of one kind, then two of another, mild before severe.

    Example:
        >>> [mild, severe, *others] = draw(np.random.default_rng(0))
        >>> mild.kind == severe.kind, len(others)
        (True, 2)
    """
    ladders = {kind: ladder for kind, ladder in KINDS.items() if kind != _BROUGHT or has_lyra}
    weights = np.array([_BROUGHT_WEIGHT if kind == _BROUGHT else 1.0 for kind in ladders])
    return draw_group(rng, ladders, weights / weights.sum(), len(ladders) - has_lyra)  # Lyra is the last


def apply(clip: np.ndarray, degradation: Degradation, material: Material, lyra: Lyra | None = None) -> np.ndarray:
    """A clip after a degradation, at -16 LUFS.

    Args:
        clip: float (samples,) at 22,050 Hz.
        degradation: `Degradation`.
        material: noises and rooms.
        lyra: the codec of the kind "lyra".

    Returns:
        float32 (samples,); deterministic.

    Example:
        >>> clip = np.sin(0.1 * np.arange(22050))
        >>> apply(clip, Degradation("mnru", 10, ("clipping", 0.1), seed=0), Material({}, [])).shape
        (22050,)
    """

    def process(audio, kind, value, seed):
        return degrade(audio, kind, value, material, lyra, seed)

    return apply_by(process, clip, degradation, effects.SAMPLE_RATE)


def missed_scores(recordings: np.ndarray, degradations: Sequence[Degradation]) -> np.ndarray:
    """By how much the teachers' scores of degraded recordings fall short of the best.

    Args:
        recordings: float (1 + n, samples) at 22,050 Hz, the clip and its degraded forms.
        degradations: n of them.

    Returns:
        float32 (n, teachers), 0 and up; NaN where a teacher is not valid or has no score.
    """
    missed = [
        missed_by(lambda teacher=teacher: _teacher(teacher), kinds, recordings, degradations, effects.SAMPLE_RATE)
        for teacher, kinds in VALID.items()
    ]
    return np.stack(missed, axis=1)


@functools.cache
def _teacher(name):
    return baselines.pesq(n_jobs=1) if name == "pesq" else baselines.visqol()


def render(
    source: Source, count: int, runs: Path | str, lyra: Path | str | None = None, seed: int = 0, n_jobs: int = -1
) -> Graded:
    """Groups of degraded recordings with scores, rendered or read from `runs`.

    Args:
        source: `Source` of speech, noises and rooms.
        count: of groups.
        runs: folder to store them in, about 550 kB for each group.
        lyra: folder of Lyra's networks (`zoo.jnd.neural_codec`); None to do without that kind.
        seed: of all random choices.
        n_jobs: processes, joblib's counting.

    Returns:
        `Graded`.

    Raises:
        InputError: recordings, Lyra's networks, or one of the packages visqol-python and pyworld are missing.

    Example:
        >>> graded = render(Source("data/", split="train"), 256, "runs")  # needs recordings  # doctest: +SKIP
    """
    rngs = [examples.rng_of(seed, source.split, "degradations", i) for i in range(count)]
    groups = [draw(rng, lyra is not None) for rng in rngs]
    return _rendered(source, groups, f"graded-{count}", runs, lyra, seed, n_jobs)


def render_ladders(
    source: Source, count: int, runs: Path | str, lyra: Path | str | None = None, seed: int = 0, n_jobs: int = -1
) -> Graded:
    """Every value of every kind on each of some clips, with scores, rendered or read from `runs`.

    The values of a kind share noise, room and positions, so that they differ in strength alone.

    Args:
        source, runs, lyra, seed, n_jobs: as for `render`; about 11 MB for each clip.
        count: of clips.

    Returns:
        `Graded`, with as many degradations of a clip as there are values, in the order of `KINDS`.

    Raises:
        InputError: as for `render`.

    Example:
        >>> graded = render_ladders(Source("data/"), 2, "runs")  # needs recordings  # doctest: +SKIP
    """
    kinds = {kind: ladder for kind, ladder in KINDS.items() if kind != _BROUGHT or lyra}
    groups = [
        [Degradation(kind, value, None, seed + i) for kind, ladder in kinds.items() for value in ladder]
        for i in range(count)
    ]
    return _rendered(source, groups, f"severity-{count}", runs, lyra, seed, n_jobs)


def _rendered(source, groups, title, runs, lyra, seed, n_jobs):
    """`Graded` of groups of degradations, a clip each."""
    folder = Path(runs) / "jnd" / f"{title}-v{VERSION}-{source.digest()}-{seed}{'-lyra' if lyra else ''}"
    size = max(1, GROUP * rendered.CHUNK // len(groups[0]))
    starts = range(0, len(groups), size)
    items = [(seed, lyra, start, groups[start : start + size]) for start in starts]
    return store(_render, _score, source, items, folder, n_jobs)


def _render(source, seed, lyra, start, groups):
    speech, material = rendered.read(source)
    codec, recordings = lyra and _codec(lyra), []
    for i, degradations in enumerate(groups, start):
        clip = examples.draw_clip(speech, examples.rng_of(seed, source.split, "clip", i))
        recordings.append([clip, *(apply(clip, degradation, material, codec) for degradation in degradations)])
    return rendered.as_stored(np.array(recordings))


def _score(_, folder, place, groups):
    audio = np.load(rendered.chunk_path(folder, place), mmap_mode="r")
    return np.stack([missed_scores(examples.as_float(x), d) for x, d in zip(audio, groups, strict=True)])


@functools.lru_cache(maxsize=1)
def _codec(folder):
    return Lyra(folder)
