"""A page to hear separators on: stretches of test songs, as the mixture, its true stems, estimates, and ideal masks."""

from collections.abc import Callable

import numpy as np

from zoo.audio import player
from zoo.metrics.separation import oracle_masks
from zoo.separation.evaluate import read
from zoo.separation.tracks import SAMPLE_RATE, Track

ORACLE = "ideal ratio mask"
_SECONDS, _LEAST_SECONDS = 40.0, 10.0  # of the page, and of a song
_STEP_SECONDS = 1.0
_KBPS = 32
_WORDS = (
    "Stretches of {} songs, end to end: the mixture, then each source as it was recorded or played (true), as each "
    "separator gives it, and by an ideal ratio mask, which knows the true sources and is what masks can reach. Of each song it "
    "is the stretch in which the softest of its sources is loudest; the separators had that stretch alone."
)


def page(separators: dict[str, Callable], tracks: list[Track], seconds: float | None = None) -> str:
    """The page, as HTML.

    Args:
        separators: {name: {source: true audio} -> {source: estimate}}, as of `zoo.separation.evaluate.separator`.
        tracks: songs with all sources; of more than there is room for, some from the first to the last.
        seconds: the middle of each song to choose from; None for all of it.

    Returns:
        HTML, as of `zoo.audio.player.page`.

    Example:
        >>> page({"mixture": mixture_as_estimate}, find_tracks("music", "test"))  # needs songs  # doctest: +SKIP
    """
    room = int(_SECONDS / _LEAST_SECONDS)
    chosen = [tracks[i] for i in np.linspace(0, len(tracks) - 1, min(len(tracks), room)).astype(int)]
    songs = [stretch(read(track, seconds), _SECONDS / len(chosen)) for track in chosen]
    systems = {"true": lambda references: references} | separators | {ORACLE: oracle_masks}
    parts = {name: [system(song) for song in songs] for name, system in systems.items()}
    groups = [
        player.Group("Mixture", [player.Recording("mixture", np.concatenate([sum(song.values()) for song in songs]))])
    ]
    for source in songs[0]:
        joined = {name: np.concatenate([song[source] for song in part]) for name, part in parts.items()}
        groups.append(
            player.Group(source.capitalize(), [player.Recording(f"{source}, {name}", x) for name, x in joined.items()])
        )
    starts = np.cumsum([0, *(len(next(iter(song.values()))) for song in songs[:-1])]) / SAMPLE_RATE
    marks = [player.Mark(track.name, start) for track, start in zip(chosen, starts, strict=True)]
    return player.page("Separators to listen to", [_WORDS.format(len(chosen))], groups, marks, SAMPLE_RATE, _KBPS)


def stretch(references: dict[str, np.ndarray], seconds: float) -> dict[str, np.ndarray]:
    """The stretch of a song in which the softest of its sources is loudest; one that is silent throughout does not count.

    Args:
        references: {source: float (samples, channels)} at 44.1 kHz.
        seconds: of the stretch; a shorter song is whole.

    Returns:
        The same of that stretch.

    Example:
        >>> ramp = np.linspace(0, 1, 10 * SAMPLE_RATE)[:, None]
        >>> loud = stretch({"drums": ramp, "bass": 1 - ramp}, 2.0)
        >>> {source: round(float(audio[0, 0]), 1) for source, audio in loud.items()}
        {'drums': 0.4, 'bass': 0.6}
    """
    step = int(_STEP_SECONDS * SAMPLE_RATE)
    steps = round(seconds / _STEP_SECONDS)
    powers = [_powers(audio, step) for audio in references.values() if audio.any()]
    if powers and len(powers[0]) > steps:
        ends = [np.convolve(power, np.ones(steps), "valid") for power in powers]
        start = step * int(np.argmax(np.min(ends, axis=0)))
    else:
        start = 0
    count = round(seconds * SAMPLE_RATE)
    # Copies: a part alone would keep the whole song in memory.
    return {source: audio[start : start + count].copy() for source, audio in references.items()}


def _powers(audio, step):
    """Mean squares of whole steps."""
    whole = audio[: len(audio) // step * step]
    return np.square(whole.astype("float64")).reshape(-1, step * audio.shape[1]).mean(axis=1)
