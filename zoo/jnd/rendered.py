"""Rendered recordings on disk, to train and test metrics: judged pairs on any speech, and ladders of perturbations.

They are stored as int16 and read again the next time; an interrupted rendering continues where it stopped. Imports no
Keras backend: the processes that render import this module.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from tqdm import tqdm

from zoo.audio import io, walk
from zoo.base.files import atomic_write
from zoo.data import speech as corpus
from zoo.errors import InputError
from zoo.jnd import effects, examples, perturb
from zoo.jnd.judgments import Judgment
from zoo.jnd.noises import Material

CHUNK = 128  # judged pairs, or ladders, in a file
SNR = "white-snr-db"  # the ladder of white noise in even steps of SNR, beside the axes by strength
LADDERS = {SNR: tuple(float(snr_db) for snr_db in range(60, -1, -10))} | perturb.LADDER
COLUMNS = {}  # {axis: slice} of each ladder among the rungs of all
for _axis, _rungs in LADDERS.items():
    _start = max((columns.stop for columns in COLUMNS.values()), default=0)
    COLUMNS[_axis] = slice(_start, _start + len(_rungs))
WIDTH = sum(map(len, LADDERS.values()))


@dataclass(frozen=True)
class Source:
    """Source of recordings: a split of a data folder, optionally with speech from another folder.

    Attributes:
        data: folder of MANIFEST.csv, noise/, textures/, rir/ and speech/.
        speech: folder of wav, flac, ogg or mp3 files at any rate, one sub-folder for each talker; None for the data's
            own. They are resampled to 16 kHz first, the rate of the data's speech.
        split: "train", "validation", "test" or "test2", of the data's noises, rooms and speech.
    """

    data: str
    speech: str | None = None
    split: str = "test"

    def digest(self) -> str:
        """Eight hexadecimal digits that identify the recordings, by the manifest and the names and sizes of the speech."""
        manifest = Path(self.data) / "MANIFEST.csv"
        facts = [self.split, manifest.read_bytes() if manifest.exists() else b""]
        if self.speech is not None:
            facts += [(path.name, path.stat().st_size) for paths in _talkers(self.speech).values() for path in paths]
        return examples.digest(facts)


def render_ladders(source: Source, n_files: int, runs: Path | str, seed: int = 0, n_jobs: int = -1) -> list[np.ndarray]:
    """Clips with every rung of every ladder, rendered or read from `runs`.

    The rungs of a ladder share the segment of noise, the room and the positions, so they differ in strength alone. Every
    recording is normalised to -16 LUFS, on the SNR ladder too.

    Args:
        source: `Source`.
        n_files: number of clips; the first ones do not depend on it.
        runs: folder to store them in, about 21 MB for each clip.
        seed: of the clips and their perturbations.
        n_jobs: processes (joblib's counting).

    Returns:
        list of memory-mapped int16 (1 + WIDTH, 55125), one for each clip: the clip itself, then rungs in the order of
        `COLUMNS`.

    Raises:
        InputError: `n_files` is below 1, or recordings of the source are missing.

    Example:
        >>> ladders = render_ladders(Source("data/"), 2, "runs")  # needs recordings  # doctest: +SKIP
    """
    if n_files < 1:
        raise InputError(f"{n_files} files have no ladders; give 1 or more")
    folder = Path(runs) / "jnd" / f"rungs-v{examples.VERSION}-{source.digest()}-{seed}"
    return stored(_render_rungs, source, [(seed, i) for i in range(n_files)], folder, n_jobs, "render ladders")


def render_judgments(
    source: Source, judgments: list[Judgment], runs: Path | str, seed: int = 0, n_jobs: int = -1
) -> list[np.ndarray]:
    """Judged pairs with the speech, noises and rooms of a source, rendered or read from `runs`.

    Args:
        source: `Source`.
        judgments: list of `zoo.jnd.judgments.Judgment`.
        runs: folder to store them in, about 220 kB for each pair.
        seed: of the speech, noise and rooms.
        n_jobs: processes (joblib's counting).

    Returns:
        list of memory-mapped int16 (at most 128, 2, 55125), in the order of the judgments.

    Raises:
        InputError: there are no judgments, or recordings of the source are missing.

    Example:
        >>> chunks = render_judgments(Source("data/"), judgments, "runs")  # needs recordings  # doctest: +SKIP
    """
    if not judgments:
        raise InputError(f"no judgments to render for the {source.split} split")
    digest = examples.digest([source.digest(), judgments])
    folder = Path(runs) / "jnd" / f"judged-v{examples.VERSION}-{digest}" / str(seed)
    return stored(_render_judged, source, [(seed, chunk) for chunk in chunks(judgments)], folder, n_jobs, "render")


def draw_ladders(source: Source, count: int, runs: Path | str, seed: int = 0, n_jobs: int = -1) -> list[np.ndarray]:
    """Ladders of two rungs, drawn by `zoo.jnd.examples.draw_ladder` or read from `runs`.

    Args:
        source: `Source`.
        count: number of ladders.
        runs: folder to store them in, about 330 kB for each ladder.
        seed: of all random choices.
        n_jobs: processes (joblib's counting).

    Returns:
        list of memory-mapped int16 (at most 128, 3, 55125).

    Example:
        >>> chunks = draw_ladders(Source("data/", split="train"), 256, "runs")  # needs recordings  # doctest: +SKIP
    """
    folder = Path(runs) / "jnd" / f"ladders-v{examples.VERSION}-{source.digest()}-{count}-{seed}"
    return stored(_draw_ladders, source, [(seed, chunk) for chunk in chunks(range(count))], folder, n_jobs, "ladders")


def at_rate(metric: Any, *recordings: np.ndarray, sample_rate: int = effects.SAMPLE_RATE) -> list[np.ndarray]:
    """Rendered recordings, resampled to the rate of a metric.

    Args:
        metric: model with a `sample_rate`.
        recordings: float `(..., samples)`.
        sample_rate: of them, in Hz.

    Returns:
        list of float32 `(..., samples)`.

    Example:
        >>> from types import SimpleNamespace
        >>> [x.shape for x in at_rate(SimpleNamespace(sample_rate=16000), np.zeros((2, 22050)))]
        [(2, 16000)]
    """
    return [io.resample(x, sample_rate, metric.sample_rate) for x in recordings]


def as_stored(audio: np.ndarray) -> np.ndarray:
    """Recordings in [-1, 1] as they are stored, int16.

    Example:
        >>> as_stored(np.array([-1.0, 0.5])).tolist()
        [-32767, 16384]
    """
    return np.round(32767 * audio).astype("int16")


def chunks(items: Sequence) -> list[Sequence]:
    """Items in groups of at most `CHUNK`.

    Example:
        >>> [len(chunk) for chunk in chunks(range(130))]
        [128, 2]
    """
    return [items[start : start + CHUNK] for start in range(0, len(items), CHUNK)]


def stored(
    render: Callable, source: Any, items: list[tuple], folder: Path, n_jobs: int, title: str
) -> list[np.ndarray]:
    """What `render(source, *item)` gives for each item, computed or read from a folder.

    Args:
        render: gives an array of whatever type.
        source: of the recordings, such as a `Source`.
        items: arguments, one file each.
        folder: for the files.
        n_jobs: processes (joblib's counting).
        title: of the progress.

    Returns:
        list of memory-mapped arrays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [chunk_path(folder, i) for i in range(len(items))]
    todo = [(item, path) for item, path in zip(items, paths, strict=True) if not path.exists()]
    tasks = (joblib.delayed(_store)(render, source, item, path) for item, path in todo)
    done = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")(tasks)
    for _ in tqdm(done, total=len(todo), desc=title, disable=None if todo else True):
        pass
    return [np.load(path, mmap_mode="r") for path in paths]


def chunk_path(folder: Path, number: int) -> Path:
    """Path of a stored file."""
    return folder / f"chunk_{number:04d}.npy"


def _store(render, source, item, path):
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        np.save(file, render(source, *item))


def _render_rungs(source, seed, number):
    speech, material = read(source)
    clip = examples.draw_clip(speech, np.random.default_rng([seed, number]))
    recordings = [clip]
    for i, (axis, strengths) in enumerate(LADDERS.items()):
        for strength in strengths:
            rng = np.random.default_rng([seed, number, i])
            if axis == SNR:
                noisy = effects.add_noise(clip, material.noise("white", len(clip), rng), strength)
                recordings.append(effects.loudness_normalise(noisy))
            else:
                recordings.append(perturb.apply(clip, {axis: strength}, material, rng))
    return as_stored(np.stack(recordings))


def _render_judged(source, seed, judgments):
    speech, material = read(source)
    return as_stored(np.stack([examples.render(judgment, speech, material, seed) for judgment in judgments]))


def _draw_ladders(source, seed, numbers):
    speech, material = read(source)
    drawn = [examples.draw_ladder(speech, material, examples.rng_of(seed, source.split, i)) for i in numbers]
    return as_stored(np.stack(drawn))


@functools.lru_cache(maxsize=1)  # a worker process reads it once, not once for each file
def read(source: Source) -> tuple[dict, Material]:
    """{talker: [clips at 16 kHz]} and `Material` of a source."""
    material = Material.read(source.data, source.split)
    if source.speech is None:
        return corpus.read_corpus(source.data, source.split).speech, material
    return {
        talker: [io.read(path, corpus.SAMPLE_RATE, resample=True, downmix=True)[0] for path in paths]
        for talker, paths in _talkers(source.speech).items()
    }, material


def _talkers(folder):
    """{talker: [recordings]} of a folder, by sub-folder, sorted; files in the folder itself are one talker."""
    root, talkers = Path(folder), {}
    for name in sorted(walk.recordings(root)):
        talkers.setdefault(Path(name).parts[0] if "/" in name else "", []).append(root / name)
    if not talkers:
        raise InputError(f"{root} holds no {walk.WANTED}; check the path")
    return talkers
