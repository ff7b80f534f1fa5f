"""Variety that costs no recordings: other noises, rooms and voices of a corpus, drawn by chance.

A recipe names the kinds of variety that its examples get, such as `variety = ["babble", "rooms"]`; each family lists
its own. With none of them its examples are what they are without this module.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from zoo.audio import mix, speed
from zoo.audio.rooms import shoebox_rooms
from zoo.data.speech import SAMPLE_RATE, draw_speech
from zoo.errors import InputError

CROWD = (3, 12)  # talkers of a babble
_SHOEBOXES = 64
_FACTORS = (0.85, 1.18)  # of speed, tempo and pitch


class Chances:
    """Decides which kinds of variety an example gets, and remembers them.

    It draws from a generator of its own, and as much for kinds that the recipe does not name: an example to which a
    kind does not come is the same in recipes with and without that kind.

    Args:
        kinds: that the recipe names; others never come.
        rng: NumPy generator of the example, of which a child is spawned; its own numbers stay.

    Attributes:
        drawn: list of the kinds that came.

    Example:
        >>> chance = Chances(["babble"], np.random.default_rng(0))
        >>> chance("babble", 1.0), chance("rooms", 1.0), chance.drawn
        (True, False, ['babble'])
    """

    def __init__(self, kinds: Iterable[str], rng: np.random.Generator):
        self.kinds, self.drawn = kinds, []
        self.rng = rng.spawn(1)[0] if kinds else None

    def __call__(self, kind: str, probability: float) -> bool:
        comes = self.rng is not None and bool(self.rng.random() < probability) and kind in self.kinds
        if comes and kind not in self.drawn:
            self.drawn.append(kind)
        return comes


def check(kinds: Iterable[str], known: Sequence[str]) -> None:
    """Refuse kinds of variety that a family does not know.

    Raises:
        InputError: a kind is not one of `known`.

    Example:
        >>> check(["babble"], ["babble", "rooms"])
    """
    unknown = sorted(set(kinds) - set(known))
    if unknown:
        raise InputError(f"no variety is called {unknown[0]!r}: use {', '.join(known)}")


def simulated_rooms(kinds: Iterable[str], split: str) -> tuple[np.ndarray, ...]:
    """64 shoebox rooms where "rooms" is among the kinds of variety, else none; training and validation share theirs.

    Raises:
        InputError: pyroomacoustics is not installed.

    Example:
        >>> simulated_rooms(["babble"], "train")
        ()
    """
    return shoebox_rooms(_SHOEBOXES, int(split.startswith("test")), SAMPLE_RATE) if "rooms" in kinds else ()


def draw_babble(
    speech: dict[str, list[np.ndarray]], samples: int, talkers: tuple[int, int], rng: np.random.Generator
) -> np.ndarray:
    """Random talkers at once, each from anywhere in a clip, which is looped if it is short, at one level.

    Args:
        speech: {talker: [clips]}, float32.
        samples: length.
        talkers: (fewest, most); one may come twice.
        rng: NumPy generator.

    Returns:
        float (samples,); the rms of each clip is 1.

    Example:
        >>> draw_babble({"f1": [np.random.randn(1000)]}, 3000, (3, 12), np.random.default_rng(0)).shape
        (3000,)
    """
    names = list(speech)
    voices = (speech[names[i]] for i in rng.integers(len(names), size=rng.integers(talkers[0], talkers[1] + 1)))
    clips = (clips[rng.integers(len(clips))] for clips in voices)
    return sum(mix.loop_to(clip, samples, rng) / mix.rms(clip) for clip in clips)


def draw_colored(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Coloured noise, from blue to deep brown, steady (60 %) or pulsing.

    Example:
        >>> draw_colored(3000, np.random.default_rng(0)).shape
        (3000,)
    """
    noise = mix.colored_noise(samples, rng.uniform(-1, 2.5), rng)
    return mix.pulse(noise, SAMPLE_RATE, rng) if rng.random() < 0.4 else noise


def draw_blend(draw: Callable[[], np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Two or three noises at once, each with a level of its own over time, by `zoo.audio.mix.blend`.

    Args:
        draw: function that draws a noise, (samples,).
        rng: NumPy generator.

    Returns:
        float32 (samples,).

    Example:
        >>> rng = np.random.default_rng(0)
        >>> draw_blend(lambda: draw_colored(3000, rng), rng).shape
        (3000,)
    """
    return mix.blend([draw() for _ in range(rng.integers(2, 4))], SAMPLE_RATE, rng)


def draw_room(
    measured: Sequence[np.ndarray], rng: np.random.Generator, simulated: Sequence[np.ndarray] = ()
) -> np.ndarray:
    """An impulse response: half measured ones, half decaying noise of RT60 0.1..2 s; where there are simulated ones, a third.

    What follows the direct path of a measured or simulated room is scaled to 10..100 %.

    Args:
        measured, simulated: lists of impulse responses (taps,) at 16 kHz; measured ones may be none.
        rng: NumPy generator.

    Returns:
        float32 (taps,).

    Example:
        >>> draw_room([np.array([1.0, 0.5])], np.random.default_rng(2)).shape
        (2,)
    """
    if simulated and rng.random() < 1 / 3:
        return _drier(simulated, rng)
    if rng.random() < 0.5 and measured:
        return _drier(measured, rng)
    rt60 = float(np.exp(rng.uniform(np.log(0.1), np.log(2.0))))
    return mix.decaying_room(rt60, rng.uniform(-5, 20), SAMPLE_RATE, rng)


def _drier(rooms, rng):
    """A room, its wet part at 10..100 %."""
    room = rooms[rng.integers(len(rooms))].copy()
    direct = int(np.argmax(np.abs(room)))
    room[direct + 1 :] *= rng.uniform(0.1, 1.0)
    return room


def draw_changed_speech(
    speech: dict[str, list[np.ndarray]], samples: int, level_db: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """`zoo.data.speech.draw_speech` at another speed, tempo or pitch, by 0.85 to 1.18 times.

    Args:
        speech, samples, level_db, rng: as for `draw_speech`; clips must be a fifth longer.

    Returns:
        float32 (samples,), at the level of the segment that was drawn.

    Raises:
        InputError: hardly any clip is long enough.

    Example:
        >>> speech = {"f1": [np.random.randn(32000)]}
        >>> draw_changed_speech(speech, 16000, (-26, -26), np.random.default_rng(0)).shape
        (16000,)
    """
    change, factor = rng.integers(3), float(np.exp(rng.uniform(*np.log(_FACTORS))))
    segment = draw_speech(speech, samples if change == 2 else int(np.ceil((samples + 1) * factor)), level_db, rng)
    if change == 0:
        changed = speed.change_speed(segment, factor)
    elif change == 1:
        changed = speed.change_tempo(segment, factor, SAMPLE_RATE)
    else:
        changed = speed.change_pitch(segment, factor, SAMPLE_RATE)
    changed = changed[:samples]
    return (changed * mix.rms(segment) / max(mix.rms(changed), 1e-9)).astype("float32")
