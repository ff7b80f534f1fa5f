"""What separators do where they are not meant to be: to quiet, mono and telephone music, to one source alone, to speech."""

import warnings
from collections.abc import Callable

import numpy as np

from zoo.audio import io
from zoo.base import tables
from zoo.data.examples import examples
from zoo.errors import InputWarning
from zoo.metrics.separation import mixture_as_estimate, si_sdr
from zoo.separation.evaluate import over_songs
from zoo.separation.tracks import SAMPLE_RATE, SOURCES

SECONDS = 12.0  # of a stretch of a song
_TELEPHONE_RATE = 8000
_QUIET_GAIN = 0.01
# Changes of a song, whose figures are SI-SDR above that of the mixture.
_CHANGES = {
    "usual": lambda audio: audio,
    "quiet": lambda audio: _QUIET_GAIN * audio,
    "mono": lambda audio: audio.mean(axis=1, keepdims=True),
    "telephone": lambda audio: _at_telephone_rate(audio),
}
# Each case in words, in the order of the table. A card may lack some.
ROWS = {
    "usual": "as it is: above the mixture",
    "quiet": "40 dB softer: above the mixture",
    "mono": "both channels averaged: above the mixture",
    "telephone": "at a rate of 8 kHz: above the mixture",
    "alone": "the source alone: its SI-SDR",
    "speech": "a read sentence: its SI-SDR",
}


def measure(system: Callable, songs: dict[str, dict[str, np.ndarray]]) -> dict[str, dict[str, dict]]:
    """SI-SDR in dB of each source in each case.

    Args:
        system: {source: true audio} -> {source: estimate}, as of `zoo.separation.evaluate.separator`.
        songs: {song: {source: float (samples, channels)}} at 44.1 kHz, with all of `SOURCES`.

    Returns:
        {key of `ROWS`: {source: {"value": [mean, low, high], "n": songs where it sounds}}}, with 95 % bootstraps over songs;
        of speech, one recording, only that of the vocals, without an interval.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> song = {source: 0.1 * rng.standard_normal((44100, 2)) for source in SOURCES}
        >>> limits = measure(mixture_as_estimate, {"a": song, "b": song})
        >>> limits["usual"]["bass"]
        {'value': [0.0, 0.0, 0.0], 'n': 2}
    """
    measured = {}
    for case, change in _CHANGES.items():
        gains = []
        for song in songs.values():
            references = {source: change(audio) for source, audio in song.items()}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", InputWarning)  # of a level that is meant
                floor, reached = (si_sdr(references, each(references)) for each in (mixture_as_estimate, system))
            gains.append({source: reached[source] - floor[source] for source in song})
        measured[case] = _by_source(gains)
    alone = [{source: _alone(system, song, source) for source in song} for song in songs.values()]
    speech = io.read(examples()["reference"], SAMPLE_RATE, resample=True)[0][:, None]
    said = _alone(system, {source: speech for source in SOURCES}, "vocals")
    return measured | {"alone": _by_source(alone), "speech": {"vocals": over_songs([said])}}


def rows(limits: dict[str, dict[str, dict]], sources: list[str]) -> tuple[list[str], list[list[str]]]:
    """A table of limits: its header, and a row a case with a cell a source.

    Example:
        >>> rows({"usual": {"bass": {"value": [6.0, 5.0, 7.0], "n": 3}}}, ["bass"])[1]
        [['as it is: above the mixture', '6.0 [5.0, 7.0]']]
    """
    cells = [[ROWS[case], *(cell(limits[case].get(source)) for source in sources)] for case in ROWS if case in limits]
    return ["Input", *sources], cells


def cell(figure: dict | None) -> str:
    """A figure of `measure` or of `zoo.separation.evaluate.over_songs` in a table; "-" where there is none.

    Example:
        >>> cell({"value": [6.04, 5.0, 7.0], "n": 3})
        '6.0 [5.0, 7.0]'
    """
    return tables.interval(np.array(figure["value"] if figure else [None] * 3, float), "z.1f")  # None becomes NaN


def _alone(system, song, source):
    """SI-SDR of a source with nothing else in the mixture; NaN of a silent one."""
    references = {other: audio if other == source else 0 * audio for other, audio in song.items()}
    return si_sdr(references, system(references))[source]


def _by_source(songs):
    return {source: over_songs([song[source] for song in songs]) for source in (songs[0] if songs else ())}


def _at_telephone_rate(audio):
    """What is left of (samples, channels) at 8 kHz, at its own rate."""
    narrow = io.resample(io.resample(audio.T, SAMPLE_RATE, _TELEPHONE_RATE), _TELEPHONE_RATE, SAMPLE_RATE).T[
        : len(audio)
    ]
    return np.pad(narrow, ((0, len(audio) - len(narrow)), (0, 0)))
