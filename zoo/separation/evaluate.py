"""Scores of separators on songs with known stems, compared with the mixture itself and with ideal masks."""

import numpy as np

from zoo.errors import InputError
from zoo.metrics import separation as metrics
from zoo.metrics.agreement import grouped_mean
from zoo.separation.tracks import SAMPLE_RATE

FLOOR = "mixture"
SYSTEMS = {
    FLOOR: metrics.mixture_as_estimate,
    "ideal binary mask": lambda references: metrics.oracle_masks(references, kind="binary"),
    "ideal ratio mask": lambda references: metrics.oracle_masks(references, kind="ratio"),
}
# Chandna et al. 2017 as SiSEC 2016 measured them, means over DSD100's 50 test tracks: other data, for orientation.
AUTHORS = {
    "vocals": {"sdr": 0.81, "isr": 8.29, "sir": 4.57, "sar": 6.35},
    "drums": {"sdr": 1.56, "isr": 8.19, "sir": 5.50, "sar": 5.69},
    "bass": {"sdr": -0.13, "isr": 11.09, "sir": 1.96, "sar": 6.97},
    "other": {"sdr": 0.84, "isr": 3.30, "sir": 3.00, "sar": 3.09},
}


def separator(model, gain_db=0.0):
    """A model as a system: {source: true audio} -> {source: estimate}, of the sum of the true ones.

    Args:
        model: `ChandnaSeparator`.
        gain_db: of the mixture, in dB; the estimates are brought back to the level of the true sources.
    """
    gain = np.float32(10 ** (gain_db / 20))

    def separate(references):
        estimates = model.separate(gain * sum(references.values()), SAMPLE_RATE)
        return {source: audio / gain for source, audio in estimates.items()}

    return separate


def read(track, seconds):
    """A track's stems, the middle `seconds` of them; None reads it whole.

    Returns:
        {source: float32 (samples, 2)}.

    Example:
        >>> references = read(find_tracks("runs/music", "test")[0], 60.0)  # needs tracks  # doctest: +SKIP
    """
    stems = track.read()
    if seconds is None:
        return stems
    samples = len(next(iter(stems.values())))
    start = max(samples - round(seconds * SAMPLE_RATE), 0) // 2
    return {source: audio[start : start + round(seconds * SAMPLE_RATE)] for source, audio in stems.items()}


def score(system, tracks, seconds=None, window=30.0, hop=15.0, mode="v4", n_jobs=1, cache=None):
    """SDR, ISR, SIR and SAR of a system by museval, and its SI-SDR, on every track.

    Args:
        system: {source: (samples, 2)} -> the same of its estimates, as those of `SYSTEMS` and `separator`.
        tracks: list of `zoo.separation.tracks.Track` with all sources.
        seconds: the middle of each track that is used; None for all.
        window, hop, mode: of museval, as for `zoo.metrics.separation.evaluate_track`.
        n_jobs: processes for museval (joblib's counting).
        cache: folder for museval's results, as for `zoo.metrics.separation.evaluate_tracks`.

    Returns:
        {track name: {source: {"sdr", "isr", "sir", "sar": float64 (frames,), "si-sdr": float, "silent": bool}}}.

    Example:
        >>> scored = score(separator(zoo.load("chandna-4stem-44k")), tracks)  # needs tracks  # doctest: +SKIP
    """
    cheap = {}

    def separated():
        for track in tracks:
            references = read(track, seconds)
            estimates = system(references)
            cheap[track.name] = metrics.si_sdr(references, estimates)
            yield track.name, references, estimates

    scored = metrics.evaluate_tracks(separated(), SAMPLE_RATE, window, hop, mode, n_jobs, cache)
    return {
        name: {source: scores | {"si-sdr": cheap[name][source]} for source, scores in track.items()}
        for name, track in scored.items()
    }


def table(scored, groups):
    """Figures of a system in each group of tracks, over all frames of the group's tracks.

    Args:
        scored: of `score`.
        groups: {track name: group}.

    Returns:
        {group: {source: {"sdr", "isr", "sir", "sar": {"mean", "deviation", "median", "n", "n_frames", "n_nan_frames"},
        "si-sdr": mean over tracks, "silent": [track names]}}}; None in place of NaN is left to the card.

    Raises:
        InputError: a track has no group.

    Example:
        >>> frames = {score: np.array([1.0, 3.0]) for score in metrics.SCORES}
        >>> scored = {"song": {"drums": frames | {"si-sdr": 2.5, "silent": False}}}
        >>> table(scored, {"song": "played"})["played"]["drums"]["sdr"]["mean"]
        2.0
    """
    if missing := [name for name in scored if name not in groups]:
        raise InputError(f"{missing[0]} is in no group; give it one")
    results = {}
    for group in dict.fromkeys(groups[name] for name in scored):
        tracks = {name: track for name, track in scored.items() if groups[name] == group}
        frames = {f"{name} {i}": frame for name, track in tracks.items() for i, frame in enumerate(_frames(track))}
        results[group] = metrics.summarize(frames)
        for source, facts in results[group].items():
            facts["si-sdr"] = _mean([track[source]["si-sdr"] for track in tracks.values()])
            facts["silent"] = [name for name, track in tracks.items() if track[source]["silent"]]
    return results


def gains(results, floor):
    """Mean SDR above the floor's: {group: {source: dB}}, NaN where either has no value."""
    return {
        group: {source: facts["sdr"]["mean"] - floor[group][source]["sdr"]["mean"] for source, facts in sources.items()}
        for group, sources in results.items()
    }


def song_gains(scored, floor):
    """Median over frames of the SDR above the floor's, by song, and its mean over songs.

    Args:
        scored, floor: of `score`, of a system and of the mixture as estimate.

    Returns:
        songs: {track name: {source: dB}}, NaN where no frame has a value.
        means: {source: {"value": [mean, low, high], "n": songs with a value}}, with 95 % bootstraps over songs.

    Example:
        >>> song = lambda sdr: {"song": {"drums": {"sdr": np.array(sdr)}}}
        >>> song_gains(song([1.0, 3.0, 9.0]), song([0.0, 0.0, 0.0]))[0]
        {'song': {'drums': 3.0}}
    """
    songs = {
        name: {source: _median(scores["sdr"] - floor[name][source]["sdr"]) for source, scores in track.items()}
        for name, track in scored.items()
    }
    return songs, {
        source: over_songs([gains[source] for gains in songs.values()]) for source in next(iter(songs.values()))
    }


def over_songs(values):
    """{"value": [mean, low, high], "n": songs with a value} of a number a song, with a 95 % bootstrap over songs.

    Example:
        >>> over_songs([1.0, float("nan")])
        {'value': [1.0, nan, nan], 'n': 1}
    """
    return {"value": list(grouped_mean(values, range(len(values)))), "n": int(np.isfinite(values).sum())}


def _median(values):
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _frames(track):
    """A track's scores frame by frame, each as if it were a track of one frame."""
    count = len(next(iter(track.values()))["sdr"])
    return [
        {
            source: {score: scores[score][i : i + 1] for score in metrics.SCORES} | {"silent": scores["silent"]}
            for source, scores in track.items()
        }
        for i in range(count)
    ]


def _mean(values):
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
