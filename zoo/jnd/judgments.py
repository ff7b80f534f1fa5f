"""The published answers of listeners: the conditions of the two recordings in each row, and the split of talkers.

The tables of Manocha et al. 2020 contain file names, no audio. A name states the levels of the perturbations, the talker
and the position in the talker's speech, so the pair can be rendered on other speech (`zoo.jnd.examples`).
"""

import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import InputError
from zoo.jnd.perturb import value

TABLES = ("combined", "eq", "linear", "reverb")
# Talkers not used for training: two women and two men for the test, one of each to choose the epoch by.
_HELD_OUT = {"test": {"f7", "f8", "m7", "m8"}, "validation": {"f6", "m6"}}
_NAME = re.compile(
    r"(?:\w+/)?(?P<levels>(?:-?\d[\d.e+-]*_)+)(?P<talker>[fm]\d+)_script(?P<script>\d+)"
    r"_produced_clipped_(?P<start>[\d.]+)\.wav(?:_(?P<room>.+))?"
)
_NOISES = {name: name.removesuffix("_noise") for name in ("brown_noise", "blue_noise", "pink_noise")}
_NOISES |= {name: name for name in ("applause", "crickets", "siren")}
_SOFTEST_AMPLITUDE, _SOFTEST_SNR_DB = 0.0006, 66.0


@dataclass(frozen=True)
class Judgment:
    """A listener's answer on two conditions of one clip.

    Attributes:
        table: "combined", "eq", "linear" or "reverb".
        talker, script, start: where the clip came from: "f1".."m10", a number, seconds.
        reference, degraded: conditions, {quantity: value} of the perturbations in the recording: "noise" (its name) and
            "snr_db", "drr_db" and "rt60" (s), "kbps", "eq" (three strengths).
        room: name of the measured room, "" if the table has none.
        different: whether the listener heard a difference.
    """

    table: str
    talker: str
    script: str
    start: str
    reference: dict
    degraded: dict
    room: str
    different: bool


def read_judgments(folder: Path | str) -> tuple[list[Judgment], Counter]:
    """Read the tables of a folder.

    Args:
        folder: folder of combined.tsv, eq.tsv, linear.tsv and reverb.tsv, or some of them; tab-separated lines of
            reference, perturbed, answer (0 same, 1 different) and, in `linear`, the perturbation's name.

    Returns:
        judgments: list of `Judgment`.
        dropped: {(table, reason): number of rows}.

    Raises:
        InputError: no table in the folder, or a row of another form.

    Example:
        >>> import pathlib, tempfile
        >>> name = "f1_script1_produced_clipped_0.5.wav"
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = pathlib.Path(folder, "linear.tsv").write_text(f"320_{name}\\t32_{name}\\t1\\tmp3\\n")
        ...     judgments, dropped = read_judgments(folder)
        >>> judgments[0].degraded, judgments[0].different
        ({'kbps': 32.0}, True)
    """
    paths = [path for path in (Path(folder) / f"{table}.tsv" for table in TABLES) if path.is_file()]
    if not paths:
        raise InputError(f"{folder} holds none of {', '.join(f'{table}.tsv' for table in TABLES)}; give their folder")
    judgments, dropped = [], Counter()
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            fields = [field.strip() for field in line.split("\t")]
            if path.stem == "eq" and fields[0] == fields[1]:
                # 40 % of these were answered "different", but only 3 % of such pairs in the other tables: the third band
                # changed, which the name does not state.
                dropped["eq", "names one file twice, though its third band changed"] += 1
                continue
            try:
                judgments.append(_judgment(path.stem, *fields))
            except (KeyError, TypeError, ValueError):
                raise InputError(
                    f"{path}, line {number}: cannot tell what was judged in {line!r}; a name is "
                    "LEVELS_TALKER_scriptN_produced_clipped_START.wav, as in the published tables"
                ) from None
    return judgments, dropped


def split_of(talker: str) -> str:
    """Split of a talker: "train", "validation" or "test". Talkers that the published tables lack, such as f9, are "test".

    Example:
        >>> split_of("f1"), split_of("m8")
        ('train', 'test')
    """
    if int(talker[1:]) > 8:
        return "test"
    return next((split for split, talkers in _HELD_OUT.items() if talker in talkers), "train")


def snr_db(amplitude: float) -> float:
    """SNR in dB of a noise in the table "linear", whose names state an amplitude.

    The lowest, 0.0006, is taken as the paper's highest SNR, 66 dB, and the number as an amplitude: the detection threshold
    in quiet, and the smallest audible change of a loud noise, then agree roughly with those of the strengths in
    "combined"; with the number as a power they do not. The loudest noises mask the speech, beyond the paper's 2 dB.

    Example:
        >>> round(snr_db(0.006), 3)
        46.0
    """
    return _SOFTEST_SNR_DB - 20 * math.log10(amplitude / _SOFTEST_AMPLITUDE)


def _judgment(table, reference, degraded, answer, perturbation=""):
    names = [_NAME.fullmatch(name) for name in (reference, degraded)]
    if None in names or answer not in ("0", "1"):
        raise ValueError
    clips = {name.group("talker", "script", "start", "room") for name in names}
    if len(clips) != 1:
        raise ValueError
    talker, script, start, room = clips.pop()
    levels = [[float(level) for level in name["levels"].rstrip("_").split("_")] for name in names]
    conditions = [_CONDITIONS[table](perturbation, *values) for values in levels]
    return Judgment(table, talker, script, start, *conditions, room or "", answer == "1")


def _combined(_, additive, drr, rt60, compression):
    condition = _additive("white", additive) if additive else {}
    condition |= _reverb("", drr, rt60) if drr or rt60 else {}
    # Answers on the fourth level are like those on MP3 in "linear", in all three campaigns. Levels above 64 are below the
    # codec's lowest rate; pairs that differ there in nothing else were rarely distinguished.
    return condition | ({"kbps": 300 ** (1 - compression / 100)} if compression else {})


def _linear(perturbation, *levels):
    if perturbation == "mp3":
        (kbps,) = levels
        return {"kbps": kbps}
    if perturbation == "reverb_noise":
        additive, drr, rt60 = levels
        return _additive("room", additive) | _reverb("", drr, rt60)
    (amplitude,) = levels
    return {"noise": _NOISES[perturbation], "snr_db": snr_db(amplitude)}


def _additive(noise, strength):
    return {"noise": noise, "snr_db": value("additive", strength)}


def _reverb(_, drr, rt60):
    """Direct-to-reverberant ratio and RT60 of two levels.

    The paper's range of -27..65 dB cannot be the scale of the ratio: listeners noticed differences of RT60 at both ends of
    the levels, if less often at the upper one. The scale here is -15 dB (level 0) to 25 dB, where reverberation is
    audible. The authors' published code also lowers the tail by 40 dB over the levels, from the room's own; the start of
    the scale matters little.
    """
    return {"drr_db": -15.0 + 0.4 * drr, "rt60": value("rt60", rt60)}


def _eq(_, *strengths):
    low, middle, high = strengths
    return {"eq": (low, middle, high)}


_CONDITIONS = {"combined": _combined, "eq": _eq, "linear": _linear, "reverb": _reverb}
