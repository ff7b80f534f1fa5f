"""BSS Eval by museval, for recordings in which some sources are silent for a while.

museval refuses a track with a silent source, and gives no source a value in a frame where one is silent. Here silence
costs only the silent source its values.
"""

import numpy as np

from zoo.errors import InputError, extras

SCORES = ("sdr", "isr", "sir", "sar")
MODES = ("v3", "v4")


def decompose(true: np.ndarray, estimated: np.ndarray, starts: range, window: int, hop: int, mode: str) -> np.ndarray:
    """Scores of each source in each frame, by museval.

    Args:
        true, estimated: float64 `(sources, samples, channels)`, which are changed; no true source is all silence.
        starts: first samples of the frames, as `frame_starts` gives them.
        window, hop: of the frames, in samples.
        mode: "v4" or "v3".

    Returns:
        float64 `(4, sources, frames)` in the order of `SCORES`, dB; NaN where the source or its estimate is silent, and
        for SIR where no other source sounds.

    Raises:
        InputError: ffmpeg is missing, which museval needs.

    Example:
        >>> noise = np.random.default_rng(0).standard_normal((2, 2000, 1))
        >>> decompose(noise, noise + 0.1 * noise[::-1], range(0, 1, 2000), 2000, 2000, "v4").shape
        (4, 2, 1)
    """
    true_sounds, estimated_sounds = (_sounds(signals, starts, window) for signals in (true, estimated))
    for signals in (true, estimated):
        _unsilence(signals, starts, window)
    with np.errstate(divide="ignore", invalid="ignore"):  # of frames that become NaN below
        *scores, _ = _museval()(true, estimated, window=window, hop=hop, framewise_filters=mode == "v3")
    scores = np.array(scores)
    scores[:, ~(true_sounds & estimated_sounds)] = np.nan
    # Where no other source sounds, SIR would measure rounding (v3) or how two filters differ (v4).
    scores[SCORES.index("sir"), :, true_sounds.sum(axis=0) < 2] = np.nan
    return scores


def frame_starts(samples: int, window: int, hop: int) -> range:
    """First samples of the frames, as museval cuts them.

    Example:
        >>> list(frame_starts(10, 4, 3))
        [0, 3, 6]
    """
    return range(0, max(samples - window, 0) + 1, hop)


def _sounds(signals, starts, window):
    """bool (sources, frames): whether any sample of (sources, samples, channels) is not zero."""
    return np.stack([signals[:, start : start + window].any(axis=(1, 2)) for start in starts], axis=1)


def _unsilence(signals, starts, window):
    """Change, in place, one sample of each frame whose channels sum to zero: museval takes it for silent.

    In such a frame museval gives no source a value. 1e-100, or float64's resolution, changes no energy in its result.
    """
    for start in starts:
        silent = ~signals[:, start : start + window].sum(axis=2).any(axis=1)
        signals[silent, start, 0] = np.nextafter(signals[silent, start, 0], np.inf) + 1e-100


def _museval():
    # Imported late: museval imports pandas and musdb, and musdb raises where ffmpeg is missing.
    try:
        with extras():
            from museval.metrics import bss_eval
    except RuntimeError as error:
        raise InputError("museval needs the programs ffmpeg and ffprobe; install ffmpeg") from error
    return bss_eval
