"""Excerpts of stems to train on: remixed at random from many songs, or all that the songs have, in turn; all seeded."""

import math

import keras
import numpy as np
from scipy import signal

from zoo.audio import io
from zoo.errors import InputError
from zoo.separation.tracks import SAMPLE_RATE, SOURCES

_QUIET = 1e-3  # rms, 60 dB below full scale: an excerpt that is drawn again
_TRIES = 4
_CORNERS_HZ = 200.0, 4000.0  # of the shelves that tilt a source


class Remixes(keras.utils.PyDataset):
    """Batches of excerpts of each source, drawn anew in each epoch from (seed, epoch, batch).

    Args:
        tracks: list of `zoo.separation.tracks.Track`; they may lack sources.
        samples: of an excerpt.
        batch_size, steps: excerpts in a batch, batches in an epoch.
        seed: of what is drawn.
        remix: share of the examples whose sources come from songs of their own, not from one moment of one song that
            has them all.
        gains_db: (lowest, highest) gain of each source in dB.
        drop: share of the sources that are silent.
        speed: most by which an excerpt is faster or slower than its recording, and higher or lower in pitch: 0.1 for
            0.9 to 1.1 times. It is drawn for each excerpt, and is one for all sources of a moment.
        tilt_db: most by which a source's high frequencies are raised or lowered, above a corner between 200 Hz and 4 kHz
            (a shelf of first order).
        kinds: of each track, for `shares`.
        shares: {kind: how often its tracks are drawn for a source, relative to the other kinds that have it}; the
            tracks of a kind share it evenly. None draws all tracks evenly.

    A batch is float32 (batch, sources, samples), in the order of `SOURCES`, in a tuple: one channel of each stem, left
    or right at random and the same for all sources of a moment. Stems are taken where they sound: a quiet excerpt is
    drawn again, three times at most.

    Raises:
        InputError: no track has some source, none has all where `remix` is below 1, or a kind has no share.

    Example:
        >>> tracks = find_tracks("runs/music", "train", partial=True)  # needs music  # doctest: +SKIP
        >>> (sources,) = Remixes(tracks, 8448, 32, 100, seed=0)[0]  # needs music  # doctest: +SKIP
    """

    def __init__(
        self,
        tracks,
        samples,
        batch_size,
        steps,
        seed,
        remix=1.0,
        gains_db=(0.0, 0.0),
        drop=0.0,
        speed=0.0,
        tilt_db=0.0,
        kinds=None,
        shares=None,
    ):
        super().__init__()
        self.samples, self.batch_size, self.steps, self.seed = samples, batch_size, steps, seed
        self.remix, self.gains_db, self.drop, self.epoch = remix, gains_db, drop, 0
        self.speed, self.tilt_db = speed, tilt_db
        if shares is None:
            kinds, shares = ["any"] * len(tracks), {"any": 1.0}
        self._having = {source: _having(tracks, kinds, shares, (source,)) for source in SOURCES}
        self._whole = _having(tracks, kinds, shares, SOURCES) if remix < 1 else None

    def shuffle(self, epoch):
        """Go to another epoch."""
        self.epoch = epoch

    def __len__(self):
        return self.steps

    def __getitem__(self, index):
        rng = np.random.default_rng([self.seed, self.epoch, index])
        examples = np.empty((self.batch_size, len(SOURCES), self.samples), "float32")
        for example in examples:
            self._draw(example, rng)
            if self.tilt_db:
                for row in example:
                    row[:] = tilted(
                        row, rng.uniform(-self.tilt_db, self.tilt_db), np.exp(rng.uniform(*np.log(_CORNERS_HZ)))
                    )
        gains = 10 ** (rng.uniform(*self.gains_db, examples.shape[:2]) / 20)
        gains *= rng.random(gains.shape) >= self.drop
        # In place, by gains in double precision: no copies of the batch.
        return (np.multiply(examples, gains[:, :, None], out=examples, casting="same_kind"),)

    def _draw(self, example, rng):
        """Fill (sources, samples)."""
        if rng.random() < self.remix:
            for source, row in zip(SOURCES, example, strict=True):
                self._stretch(row[None], self._having[source], (source,), rng)
        else:
            self._stretch(example, self._whole, SOURCES, rng)

    def _stretch(self, rows, having, sources, rng):
        """Fill (sources, samples) with one channel of some sources at one moment of a track."""
        tracks, up_to = having
        for _ in range(_TRIES):
            track = tracks[np.searchsorted(up_to, rng.random(), side="right")]
            speed = rng.uniform(1 - self.speed, 1 + self.speed) if self.speed else 1.0
            needed = math.ceil(speed * self.samples)
            start, channel = rng.integers(max(track.samples - needed, 0) + 1), rng.integers(2)
            for source, row in zip(sources, rows, strict=True):
                excerpt = track.read_excerpt(source, start, needed)[:, channel]
                row[:] = (
                    io.resample(excerpt, speed * SAMPLE_RATE, SAMPLE_RATE)[: self.samples] if self.speed else excerpt
                )
            if np.mean(np.square(rows.sum(axis=0))) > _QUIET**2:
                break


def tilted(audio: np.ndarray, gain_db: float, corner_hz: float) -> np.ndarray:
    """A recording with its high frequencies raised or lowered by a shelf of first order.

    Args:
        audio: float (samples,) at 44.1 kHz.
        gain_db: of frequencies far above the corner; those far below stay.
        corner_hz: where half of the power is of the part that stays.

    Example:
        >>> constant = tilted(np.ones(44100), -6.0, 1000.0)
        >>> bool(abs(constant[-1] - 1) < 1e-3)  # which is as low as can be
        True
    """
    share = 1 - math.exp(-2 * math.pi * corner_hz / SAMPLE_RATE)
    low = signal.lfilter([share], [1, share - 1], audio)
    return low + 10 ** (gain_db / 20) * (audio - low)


def _having(tracks, kinds, shares, sources):
    """The tracks that have some sources, and the cumulative probability of drawing each."""
    candidates = [
        (track, kind) for track, kind in zip(tracks, kinds, strict=True) if set(sources) <= set(track.sources)
    ]
    if unknown := [track.name for track, kind in candidates if kind not in shares]:
        raise InputError(
            f"{unknown[0]} has no kind in tracks.csv, or none of {', '.join(shares)}: add it, or its share"
        )
    their_kinds = [kind for _, kind in candidates]
    chances = np.array([shares[kind] / their_kinds.count(kind) for kind in their_kinds])
    if not (np.isfinite(chances).all() and (chances >= 0).all()):
        raise InputError(f"shares {shares}: give numbers of 0 or more")
    if not chances.sum() > 0:
        raise InputError(f"no track has {', '.join(sources)}: add one, or remix all (remix = 1)")
    cumulative = np.cumsum(chances / chances.sum())
    return [track for track, _ in candidates], cumulative / cumulative[-1]


class Segments(keras.utils.PyDataset):
    """Batches of excerpts in a complete pass over songs, each once an epoch, as Groysman and Priymak's report cuts them.

    Each song is cut into segments of 20 s (the last is shorter), and each segment's whole frames into groups of the
    network's frames, one after the other; frames that fill no group are left out. Both channels are averaged. The order
    is drawn from (seed, epoch).

    Args:
        tracks: list of `zoo.separation.tracks.Track` with all sources.
        samples: of an excerpt, which covers a group of frames.
        hop: samples from one group of frames to the next.
        batch_size: excerpts in a batch; the last may be smaller.
        seed: of the order.
        seconds: of a segment.
        steps: most batches in an epoch; 0 for all of them.

    A batch is float32 (batch, sources, samples), in the order of `SOURCES`, in a tuple.

    Raises:
        InputError: a track lacks a source, or all are too short for an excerpt.

    Example:
        >>> tracks = find_tracks("DSD100", "train")  # needs songs  # doctest: +SKIP
        >>> (sources,) = Segments(tracks, 8448, 7680, 30, seed=0)[0]  # needs songs  # doctest: +SKIP
    """

    def __init__(self, tracks, samples, hop, batch_size, seed, seconds=20.0, steps=0):
        super().__init__()
        self.samples, self.batch_size, self.seed, self.steps = samples, batch_size, seed, steps
        if partial := [track.name for track in tracks if len(track.sources) < len(SOURCES)]:
            raise InputError(f"{partial[0]} lacks a source; give songs with all of {', '.join(SOURCES)}")
        size = round(seconds * SAMPLE_RATE)
        self.places = [
            (track, start + offset)
            for track in tracks
            for start in range(0, track.samples, size)
            for offset in range(0, min(size, track.samples - start) - samples + 1, hop)
        ]
        if not self.places:
            raise InputError(f"no song, and no segment of {seconds} s, has {samples} samples; give longer ones")
        self.shuffle(0)

    def shuffle(self, epoch):
        """Go to another epoch."""
        self.order = np.random.default_rng([self.seed, epoch]).permutation(len(self.places))

    def __len__(self):
        whole = -(-len(self.places) // self.batch_size)
        return min(self.steps, whole) if self.steps else whole

    def __getitem__(self, index):
        drawn = [self.places[i] for i in self.order[index * self.batch_size : (index + 1) * self.batch_size]]
        excerpts = [[track.read_excerpt(source, start, self.samples) for source in SOURCES] for track, start in drawn]
        return (np.mean(excerpts, axis=3),)
