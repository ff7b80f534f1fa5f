"""Songs with their stems: MUSDB18 (HQ folders or `.stem.mp4`), DSD100, and folders laid out alike.

Imports no Keras backend, and stempeg only where a `.stem.mp4` is read.
"""

import csv
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from zoo.audio import blocks, io, walk
from zoo.errors import InputError

SOURCES = ("vocals", "drums", "bass", "other")
SAMPLE_RATE = 44100
FACTS = "track.json"  # of a rendered track, beside its stems
SLACK = 4410  # samples (0.1 s) by which the stems of a track may differ: lossy codecs pad, and exports may end unevenly
_PREFERRED = (".wav", ".flac", ".ogg", ".mp3")
_STEMS = ".stem.mp4"
_STREAMS = {"drums": 1, "bass": 2, "other": 3, "vocals": 4}  # of a `.stem.mp4`; stream 0 is the mixture
_SPLITS = ("train", "validation", "test")
_DSD100 = {"train": "Dev", "test": "Test"}


@dataclass(frozen=True)
class Track:
    """The files of a song's stems.

    Attributes:
        name: of the song.
        files: {source: path} of recordings, or the path of one `.stem.mp4`. A track without all sources
            is used only in remixes.

    Example:
        >>> track = Track("song", {"vocals": "song/vocals.wav", "drums": "song/drums.wav"})
        >>> track.sources
        ('vocals', 'drums')
    """

    name: str
    files: dict | str | Path

    @property
    def sources(self) -> tuple[str, ...]:
        """Sources of the track, in the order of `SOURCES`."""
        return tuple(source for source in SOURCES if not isinstance(self.files, dict) or source in self.files)

    @cached_property
    def samples(self) -> int:
        """Length of the longest stem at 44.1 kHz, of what is there (see `zoo.audio.whole`); a `.stem.mp4` is decoded to measure it.

        Raises:
            InputError: a missing or unreadable file.
        """
        if not isinstance(self.files, dict):
            return len(self._whole("vocals"))  # the streams of one file have one length
        return max(self._length(path) for path in self.files.values())

    def read(self) -> dict[str, np.ndarray]:
        """Read all stems.

        Returns:
            {source: float32 (samples, 2)} in [-1, 1] at 44.1 kHz, of one length: stems that are up to 0.1 s shorter than
            the longest are padded with zeros. A mono stem is copied to both channels.

        Raises:
            InputError: a missing, unreadable or empty file, more than two channels, or lengths that differ by more than 0.1 s.

        Example:
            >>> track = Track("talk", {"vocals": zoo.examples()["reference"]})
            >>> track.read()["vocals"].shape == (track.samples, 2)
            True
        """
        stems = {source: self._whole(source) for source in self.sources}
        lengths = {source: len(stem) for source, stem in stems.items()}
        longest = max(lengths.values())
        if longest - min(lengths.values()) > SLACK:
            seconds = ", ".join(f"{source} {length / SAMPLE_RATE:.2f} s" for source, length in lengths.items())
            raise InputError(
                f"{self.name}: its stems differ in length ({seconds}); export them from one start to one end"
            )
        return {source: np.pad(stem, ((0, longest - len(stem)), (0, 0))) for source, stem in stems.items()}

    def read_excerpt(self, source: str, start: int, count: int) -> np.ndarray:
        """Read a part of one stem.

        Of a file at 44.1 kHz only the part is decoded: fastest for wav of 16 bits or float, slower for flac, ogg and
        mp3. A file at another rate and a `.stem.mp4` are decoded completely each time: convert them to wav before
        training.

        Args:
            source: one of `sources`.
            start: first sample, at 44.1 kHz, 0 or more.
            count: samples.

        Returns:
            float32 `(count, 2)` in [-1, 1]; zeros past the end.

        Raises:
            InputError: the track has no such source, `start` or `count` is below 0, or as for `read`.

        Example:
            >>> track = Track("talk", {"vocals": zoo.examples()["reference"]})
            >>> track.read_excerpt("vocals", 44100, 1000).shape
            (1000, 2)
        """
        if source not in self.sources:
            raise InputError(f"{self.name} has no {source}; it has {', '.join(self.sources)}")
        if start < 0 or count < 0:
            raise InputError(f"{self.name}: an excerpt of {count} samples from {start}; give 0 or more")
        part = self._read_part(source, start, count)
        if part is None:
            part = self._whole(source)[start : start + count].copy()  # a view would keep the whole stem in memory
        return part if len(part) == count else np.pad(part, ((0, count - len(part)), (0, 0)))

    def _read_part(self, source, start, count):
        """The part of a file at 44.1 kHz, shorter at its end; None for a file that must be decoded completely."""
        if not isinstance(self.files, dict):
            return None
        path = self.files[source]
        audio, rate = blocks.read_part(path, start, count)
        return _stereo(audio, path) if rate == SAMPLE_RATE else None

    def _whole(self, source):
        """One stem, float32 (samples, 2) at 44.1 kHz."""
        if not isinstance(self.files, dict):
            return _read_stream(self.files, source)
        recording = io.read_channels(self.files[source])
        stem = _stereo(recording.audio, self.files[source])
        return np.ascontiguousarray(io.resample(stem.T, recording.sample_rate, SAMPLE_RATE).T)

    def _length(self, path):
        with io.open_audio(path) as file:
            return round(file.frames * SAMPLE_RATE / file.samplerate)


def find_tracks(folder: Path | str, split: str | None = None, partial: bool = False) -> list[Track]:
    """The tracks of a folder.

    Known layouts: a folder of track folders with `vocals.wav` and so on (or flac, ogg, mp3 ...), or of `.stem.mp4` files,
    with or without `train/`, `validation/` and `test/` above them (MUSDB18-HQ, MUSDB18, output of
    tools/prepare_music.py); and DSD100, whose `Dev` is "train" and `Test` is "test". Mixtures are not read: they are the
    sums of the stems.

    Args:
        folder: of the data set.
        split: "train", "validation" or "test"; None for all tracks.
        partial: whether to include tracks without all sources, rather than refuse them.

    Returns:
        list of `Track`, sorted by name.

    Raises:
        InputError: no such folder or split, no tracks in it, or a track without all sources.

    Example:
        >>> songs = find_tracks("musdb18hq", "train")  # needs songs  # doctest: +SKIP
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; check the path")
    tracks = [track for place in _places(folder, split) for track in _tracks_in(place)]
    if not tracks:
        raise InputError(
            f"{folder} holds no tracks; give folders of {', '.join(SOURCES)} (.wav, .flac, ...) or {_STEMS} files"
        )
    for track in tracks:
        lacking = [source for source in SOURCES if source not in track.sources]
        if lacking and not partial:
            raise InputError(f"{track.name} lacks {', '.join(lacking)}; add silence, or take part of it (partial=True)")
    return sorted(tracks, key=lambda track: track.name)


def read_kinds(folder: Path | str) -> dict[str, str]:
    """Kind of each track, from the `tracks.csv` of tools/prepare_music.py.

    Args:
        folder: of the data set.

    Returns:
        {track name: kind}; empty if there is no tracks.csv.

    Example:
        >>> read_kinds("musdb18hq")
        {}
    """
    path = Path(folder) / "tracks.csv"
    if not path.is_file():
        return {}
    with open(path, newline="") as file:
        return {row["name"]: row["kind"] for row in csv.DictReader(file)}


def _places(folder, split):
    """The folders that hold the tracks of a split."""
    if split is not None and split not in _SPLITS:
        raise InputError(f"no split {split!r}; choose from {', '.join(_SPLITS)}")
    if (folder / "Sources").is_dir():
        folder, names = folder / "Sources", _DSD100
    else:
        names = {name: name for name in _SPLITS}
    existing = {name: folder / place for name, place in names.items() if (folder / place).is_dir()}
    if split is not None and split not in existing:
        raise InputError(
            f"{folder} has no {split} tracks (it has {', '.join(existing) or 'no splits'}); leave out the split"
        )
    if split is not None:
        return [existing[split]]
    return list(existing.values()) or [folder]


def _tracks_in(place):
    """Tracks of one folder; hidden ones, such as a track that is being rendered, are ignored."""
    by_track = {}
    for name in sorted(walk.recordings(place, depth=1, expected=(FACTS,)), key=_rank):
        folder, stem = Path(name).parent.name, Path(name).stem
        if folder and stem in SOURCES:
            by_track.setdefault(folder, {}).setdefault(stem, place / name)
    tracks = [Track(name, {s: files[s] for s in SOURCES if s in files}) for name, files in by_track.items()]
    coded = [path for path in place.iterdir() if path.name.endswith(_STEMS) and not path.name.startswith(".")]
    return tracks + [Track(path.name.removesuffix(_STEMS), path) for path in coded]


def _rank(name):
    """Where a source has several files, that comes first whose suffix comes first in `_PREFERRED`."""
    suffix = Path(name).suffix.lower()
    return _PREFERRED.index(suffix) if suffix in _PREFERRED else len(_PREFERRED), name


def _stereo(audio, path):
    """Two channels of (samples, channels); a mono recording is copied to both."""
    if audio.shape[1] > 2:
        raise InputError(f"{path}: has {audio.shape[1]} channels; give mono or stereo")
    return np.repeat(audio, 2, axis=1) if audio.shape[1] == 1 else audio


def _read_stream(path, source):
    """One stem of a `.stem.mp4`, float32 (samples, 2) at 44.1 kHz."""
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; check the path")
    try:
        import ffmpeg
        import stempeg  # its import needs the program
    except RuntimeError as error:
        raise InputError(f"{path}: needs the program ffmpeg; install it (Debian: ffmpeg)") from error
    try:
        info = stempeg.Info(str(path))
    except ffmpeg.Error as error:
        raise InputError(f"{path}: cannot be read; give a {_STEMS} file") from error
    if info.nb_audio_streams != 1 + len(_STREAMS):  # stempeg would read another stream without an error
        raise InputError(f"{path}: has {info.nb_audio_streams} streams; give a {_STEMS} file of five, as MUSDB18 has")
    audio, rate = stempeg.read_stems(str(path), stem_id=_STREAMS[source], dtype=np.float32, always_3d=True, info=info)
    stem = _stereo(audio[0], path)
    return np.ascontiguousarray(io.resample(stem.T, rate, SAMPLE_RATE).T)
