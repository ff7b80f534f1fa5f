"""A page to hear enhancers on: a minute of test mixtures, as the reference, the noisy input, and what each makes of it."""

import numpy as np

from zoo.audio import player
from zoo.data.speech import SAMPLE_RATE
from zoo.enhancement.evaluate import BASELINES, enhance
from zoo.enhancement.examples import Example

_SECONDS = 60.0
_MOST_SECONDS = 8.0  # of a mixture, so that the minute has several
_KBPS = 40
_WORDS = (
    "Speech in noise, several mixtures end to end: the clean reference, what goes in, and what comes out of each system. "
    "Each mixture was enhanced whole, and cut afterwards."
)


def page(systems: dict, mixtures: list[Example], words: str) -> str:
    """The page, as HTML.

    Args:
        systems: {name: system}, as for `zoo.enhancement.evaluate.enhance`, "noisy" among them.
        mixtures: to choose from.
        words: what they are.

    Returns:
        HTML, as of `zoo.audio.player.page`.

    Example:
        >>> page({"noisy": lambda noisy: noisy}, mixtures, "mine")  # needs a test set  # doctest: +SKIP
    """
    chosen = choose(mixtures)
    lengths = [min(len(mixture.noisy), int(_MOST_SECONDS * SAMPLE_RATE)) for mixture in chosen]

    def join(recordings):
        parts = [recording[:length] for recording, length in zip(recordings, lengths, strict=True)]
        return np.concatenate(parts)[: int(_SECONDS * SAMPLE_RATE)]

    recordings = [player.Recording("clean reference", join([mixture.reference for mixture in chosen]))]
    for name, system in systems.items():
        heading = BASELINES[name][0] if name in BASELINES else name
        recordings.append(player.Recording(heading, join(enhance(system, [mixture.noisy for mixture in chosen]))))
    starts = np.cumsum([0, *lengths[:-1]]) / SAMPLE_RATE
    marks = [player.Mark(_name(mixture), start) for mixture, start in zip(chosen, starts, strict=True)]
    text = f"{_WORDS} They are {len(chosen)} of {words}."
    return player.page("Enhancers to listen to", [text], [player.Group("", recordings)], marks, SAMPLE_RATE, _KBPS)


def choose(mixtures: list[Example], seed: int = 3) -> list[Example]:
    """Mixtures for a minute: SNRs in turn, from the lowest, each utterance once, talkers as evenly as they come.

    Args:
        mixtures: to choose from.
        seed: of the utterances and, of an utterance with several noises at an SNR, of the noise.

    Returns:
        list of `Example`; all utterances where they are shorter than a minute.

    Example:
        >>> mixtures = [Example(f"f1-{i}", snr, *2 * [np.zeros(160000)]) for i in range(20) for snr in (0, 6)]
        >>> [mixture.snr_db for mixture in choose(mixtures)]
        [0, 6, 0, 6, 0, 6, 0, 6]
    """
    rng = np.random.default_rng(seed)
    by_name = {}
    for i in rng.permutation(len(mixtures)):
        by_name.setdefault(mixtures[i].name, []).append(mixtures[i])
    levels = sorted({mixture.snr_db for mixture in mixtures if mixture.snr_db is not None}) or [None]
    chosen, seconds = [], 0.0
    for name in _talkers_in_turn(list(by_name)):
        if seconds >= _SECONDS:
            break
        level = levels[len(chosen) % len(levels)]
        chosen.append(next((each for each in by_name[name] if each.snr_db == level), by_name[name][0]))
        seconds += min(len(chosen[-1].noisy) / SAMPLE_RATE, _MOST_SECONDS)
    return chosen


def _talkers_in_turn(names):
    """Names "talker-number" reordered: the first of each talker, then the second of each, and so on."""
    turns, places = {}, {}
    for name in names:
        talker = name.rpartition("-")[0]
        turns[name] = places[talker] = places.get(talker, -1) + 1
    return sorted(names, key=turns.get)


def _name(mixture):
    return mixture.name if mixture.snr_db is None else f"{mixture.name}, {mixture.snr_db:g} dB"
