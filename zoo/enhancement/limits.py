"""What enhancers do where they are not meant to be: to music, to a second talker, at other levels and with an offset.

Imports no Keras backend.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.audio import blocks, io, mix, walk
from zoo.base import tables
from zoo.data.speech import SAMPLE_RATE, draw_speech
from zoo.enhancement.evaluate import enhance
from zoo.enhancement.examples import Example, evenly
from zoo.metrics import speech
from zoo.metrics.agreement import grouped_mean

# What each figure is, in words, and its decimals; in the order of the tables. A card may lack some.
ROWS = {
    "music": ("music alone: level that remains (dB)", 1),
    "music-10db-si-sdr": ("speech 10 dB above music: SI-SDR (dB)", 1),
    "music-10db-pesq-wb": ("speech 10 dB above music: PESQ wb", 2),
    "talker-0db-first": ("second talker as loud: SI-SDR of the first (dB)", 1),
    "talker-0db-both": ("second talker as loud: SI-SDR of both together (dB)", 1),
    "talker-0db-second": ("second talker as loud: level of the second that remains (dB)", 1),
    "talker-10db-first": ("second talker 10 dB softer: SI-SDR of the first (dB)", 1),
    "talker-10db-both": ("second talker 10 dB softer: SI-SDR of both together (dB)", 1),
    "talker-10db-second": ("second talker 10 dB softer: level of the second that remains (dB)", 1),
    "peak-50db": ("noisy speech at a peak of -50 dBFS: largest difference (dB)", 1),
    "peak-0db": ("noisy speech at a peak of 0 dBFS: largest difference (dB)", 1),
    "offset": ("noisy speech with an offset of 0.1: largest difference (dB)", 1),
}
OF_INPUT = {key for key in ROWS if key.startswith(("music", "talker")) and not key.endswith("both")}
_SECONDS, _COUNT = 4.0, 21  # of a recording, and of recordings of a kind
_SAMPLES = int(_SECONDS * SAMPLE_RATE)
_LEVEL_DB = -26.0  # rms
_ABOVE_MUSIC_DB, _TALKERS_DB = 10, (0, 10)
_CHANGES = {"peak-50db": 10**-2.5, "peak-0db": 1.0}  # peaks
_USUAL_PEAK, _OFFSET = 0.5, 0.1
_PLAYED = {"drums", "bass", "other"}  # stems of a song: a voice would be speech
_SEED = 5


@dataclass(frozen=True)
class Material:
    """Recordings of 4 s at 16 kHz that the cases are made of, float32 (samples,).

    Attributes:
        talkers: [(name of the talker, recording)], neighbours by different ones where there are several.
        music: [(name of the song, recording)].
        noisy: [(name of the utterance, mixture)].

    Each may be empty.
    """

    talkers: list
    music: list
    noisy: list


def material(mixtures: list[Example], music: list[tuple[str, np.ndarray]]) -> Material:
    """Material from a test set, the same for the same one.

    Args:
        mixtures: the test set, whose names are "talker-number".
        music: of `read_music`.

    Returns:
        `Material`, empty of what no utterance is long enough for.
    """
    utterances = {mixture.name: mixture.reference for mixture in mixtures}
    by_talker = {}
    for name, audio in utterances.items():
        by_talker.setdefault(name.rpartition("-")[0], []).append(audio)
    long = {talker: clips for talker, clips in by_talker.items() if max(map(len, clips)) >= _SAMPLES}
    rng, names = np.random.default_rng(_SEED), sorted(long)
    level = (_LEVEL_DB, _LEVEL_DB)
    turns = [names[i % len(names)] for i in range(_COUNT)] if names else []
    talkers = [(name, draw_speech({name: long[name]}, _SAMPLES, level, rng)) for name in turns]
    whole = [mixture for mixture in mixtures if len(mixture.noisy) >= _SAMPLES]
    noisy = [(mixture.name, mixture.noisy[:_SAMPLES]) for mixture in evenly(whole, _COUNT)] if whole else []
    return Material(talkers, music, noisy)


def read_music(data: str | Path, places: int = 3) -> list[tuple[str, np.ndarray]]:
    """Music without voices, of the songs of a data folder, which no enhancer was trained on.

    Args:
        data: folder of recordings, with music/SPLIT/SONG/, each of drums, bass and other.
        places: of each song, evenly apart.

    Returns:
        [(song, float32 (samples,) of 4 s at 16 kHz and -26 dB)], silent ones left out; empty where there are no songs.

    Example:
        >>> read_music("no/data")
        []
    """
    music = []
    for folder in sorted(path for path in Path(data).glob("music/*/*") if path.is_dir()):
        files = [path for path in sorted(folder.iterdir()) if path.stem in _PLAYED and walk.is_audio(path)]
        for i in range(places if files else 0):
            audio = sum(_read_place(path, (i + 1) / (places + 1)) for path in files)
            if mix.rms(audio) > 1e-4:
                music.append((folder.name, (audio * 10 ** (_LEVEL_DB / 20) / mix.rms(audio)).astype("float32")))
    return music


def _read_place(path, share):
    """4 s of a file from a share of its length on, float32 (samples,) at 16 kHz."""
    with io.open_audio(path) as file:
        start, samples = int(share * file.frames), int(_SECONDS * file.samplerate)
    audio, rate = blocks.read_part(path, start, samples)
    mono = io.resample(audio.mean(axis=1), rate, SAMPLE_RATE)[:_SAMPLES]
    return np.pad(mono, (0, _SAMPLES - len(mono)))


def measure(system, recordings: Material) -> dict[str, dict]:
    """What a system does to each case.

    Args:
        system: as for `zoo.enhancement.evaluate.score`.
        recordings: of `material`.

    Returns:
        {key of `ROWS`: {"value": [mean, low, high], "n": recordings, "n_failed": without a value}}, with 95 % bootstraps
        that resample songs, talkers; of a largest difference, re the output of the same at a peak of 0.5, the value is
        that, without an interval. Cases for which there is no material are not there.

    Example:
        >>> noise = 0.1 * np.random.default_rng(0).standard_normal(_SAMPLES).astype("float32")
        >>> recordings = Material([("f1", noise)], [("song", noise)], [("f1-0", noise)])
        >>> round(measure(lambda noisy: [audio / 2 for audio in noisy], recordings)["music"]["value"][0], 1)
        -6.0
    """
    measured = _of_music(system, recordings) | _of_talkers(system, recordings.talkers)
    return measured | _of_levels(system, [audio for _, audio in recordings.noisy])


def rows(limits: dict[str, dict]) -> tuple[list[str], list[list[str]]]:
    """A table of the limits of some systems.

    Args:
        limits: {system: of `measure`, or such of a card, where None stands for NaN}.

    Returns:
        Its header, and its rows in the order of `ROWS`: what is measured, a cell a system ("-" where there is no value),
        and how many recordings it is of.

    Example:
        >>> rows({"mine": {"music": {"value": [-6.0, -7.0, -5.0], "n": 21, "n_failed": 0}}})[1]
        [['music alone: level that remains (dB)', '-6.0 [-7.0, -5.0]', '21', '0']]
    """
    keys = [key for key in ROWS if any(key in measured for measured in limits.values())]
    cells = {key: [_cell(measured.get(key), ROWS[key][1]) for measured in limits.values()] for key in keys}
    counts = {key: [measured[key] for measured in limits.values() if key in measured] for key in keys}
    table = [
        [ROWS[key][0], *cells[key], str(counts[key][0]["n"]), str(sum(each["n_failed"] for each in counts[key]))]
        for key in keys
    ]
    return ["Limit", *limits, "n", "failed"], table


def _cell(figure, decimals):
    value = np.array(figure["value"] if figure else [None] * 3, float)  # None becomes NaN
    return tables.interval(value, f"z.{decimals}f")


def _of_music(system, recordings):
    if not recordings.music:
        return {}
    songs, music = zip(*recordings.music, strict=True)
    remains = [
        _level_db(mix.rms(out), mix.rms(audio)) for out, audio in zip(enhance(system, music), music, strict=True)
    ]
    measured = {"music": _summary(remains, songs)}
    if not recordings.talkers:
        return measured
    clean = [recordings.talkers[i % len(recordings.talkers)][1] for i in range(len(music))]
    mixtures = [_bounded(mix.mix_at_snr(a, b, _ABOVE_MUSIC_DB)) for a, b in zip(clean, music, strict=True)]
    enhanced = enhance(system, mixtures)
    for metric in ("si-sdr", "pesq-wb"):
        scores = [speech.score_or_nan(metric, *pair, SAMPLE_RATE) for pair in zip(clean, enhanced, strict=True)]
        measured[f"music-{_ABOVE_MUSIC_DB}db-{metric}"] = _summary(scores, songs)
    return measured


def _of_talkers(system, talkers):
    """The first talker with the next one's recording on top."""
    if len({name for name, _ in talkers}) < 2:
        return {}
    names, firsts = zip(*talkers, strict=True)
    seconds, measured = [*firsts[1:], firsts[0]], {}
    for level in _TALKERS_DB:
        both = [_bounded(mix.mix_at_snr(a, b, level)) for a, b in zip(firsts, seconds, strict=True)]
        outputs = enhance(system, both)
        figures = {
            "first": [speech.score_or_nan("si-sdr", *pair, SAMPLE_RATE) for pair in zip(firsts, outputs, strict=True)],
            "both": [speech.score_or_nan("si-sdr", *pair, SAMPLE_RATE) for pair in zip(both, outputs, strict=True)],
            "second": [_second_db(*four) for four in zip(firsts, seconds, both, outputs, strict=True)],
        }
        measured |= {f"talker-{level}db-{key}": _summary(values, names) for key, values in figures.items()}
    return measured


def _second_db(first, second, both, output):
    """How much of the second talker is in the output, re the input: the least-squares shares of the two in each."""
    shares = np.linalg.lstsq(np.stack([first, second], axis=1), np.stack([both, output], axis=1), rcond=None)[0]
    return _level_db(*np.abs(shares[1, ::-1]))


def _of_levels(system, mixtures):
    if not mixtures:
        return {}
    usual = [_USUAL_PEAK * audio / np.abs(audio).max() for audio in mixtures]
    changed = {key: [peak / _USUAL_PEAK * audio for audio in usual] for key, peak in _CHANGES.items()}
    outputs = {key: enhance(system, audio) for key, audio in changed.items()}
    outputs = {key: [_USUAL_PEAK / _CHANGES[key] * audio for audio in each] for key, each in outputs.items()}
    outputs["offset"] = enhance(system, [audio + np.float32(_OFFSET) for audio in usual])
    unchanged, measured = enhance(system, usual), {}
    for key, each in outputs.items():
        pairs = zip(each, unchanged, strict=True)
        differences = [_level_db(mix.rms(output - other), mix.rms(other)) for output, other in pairs]
        failed = int(np.isnan(differences).sum())
        largest = np.nan if failed == len(differences) else float(np.nanmax(differences))
        measured[key] = {"value": [largest, np.nan, np.nan], "n": len(differences), "n_failed": failed}
    return measured


def _bounded(audio):
    """Audio that peaks at 1 at most: enhancers refuse more."""
    return audio / max(1.0, np.abs(audio).max())


def _level_db(rms, reference_rms):
    """dB re another level, -200 for nothing; NaN where the other is nothing."""
    return float(20 * np.log10(rms / reference_rms + 1e-10)) if reference_rms > 0 else np.nan


def _summary(values: Iterable[float], groups):
    values = list(values)
    failed = int(np.isnan(values).sum())
    return {"value": list(grouped_mean(values, groups)), "n": len(values), "n_failed": failed}
