"""True metrics of separation, in NumPy: SDR, ISR, SIR, SAR and SI-SDR, in dB, higher is better; and oracle masks.

Recordings are dicts {source: audio}, audio float `(samples,)` or `(samples, channels)`, of one shape in a dict. They
are evaluated in float64. A source is silent where its samples are all zero.
"""

import hashlib
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import numpy as np
from joblib import Memory, Parallel, delayed

from zoo.audio import checks
from zoo.errors import InputError
from zoo.metrics import bss_eval, speech, stems
from zoo.metrics.bss_eval import MODES, SCORES

_OVER_FRAMES = {"median": np.median, "mean": np.mean}
_OVER_TRACKS = {"mean": np.mean, "deviation": np.std, "median": np.median}


def evaluate_track(
    references: dict[str, np.ndarray],
    estimates: dict[str, np.ndarray],
    sample_rate: int,
    window: float = 30.0,
    hop: float = 15.0,
    mode: str = "v4",
) -> dict[str, dict]:
    """SDR, ISR, SIR and SAR of one track's sources, by museval (BSS Eval, its "images" version).

    An estimate is split into s + e_spat + e_interf + e_artif, by 512-tap filters of the references' channels:
    SDR = |s|^2 / |e_spat + e_interf + e_artif|^2, ISR = |s|^2 / |e_spat|^2, SIR = |s + e_spat|^2 / |e_interf|^2,
    SAR = |s + e_spat + e_interf|^2 / |e_artif|^2. So SDR is the plain signal-to-noise ratio; SDR and ISR depend
    on an estimate's gain, SIR and SAR do not. Of mono audio, ISR measures linear filtering alone.

    30 s frames every 15 s are those of Chandna et al. 2017 (with v3's filters); (1.0, 1.0) is museval's default.
    Samples after the last whole frame belong to no frame; a track shorter than the window is one frame.

    A silent reference or estimate costs only its own values (`zoo.metrics.bss_eval`); museval's are unchanged where
    nothing is silent. For museval, opposite stereo channels are silence too; not here.

    Cost: with C = sources x channels, `v4` solves 512 C equations once a source, and holds the track's spectra, 16 C
    bytes x its samples raised to a power of 2 (2.1 GB for 4 min of four stereo sources at 44.1 kHz), the signals in
    float64 and some matrices of 8 (512 C)^2 bytes (134 MB). `v3` does so for each frame: less memory, more time, and
    far more in 1 s frames.

    Args:
        references: the true sources.
        estimates: the same sources, of the same shape.
        sample_rate: Hz.
        window: of a frame, in seconds.
        hop: from frame to frame, in seconds.
        mode: `"v4"` (the filters are of the whole track) or `"v3"` (of each frame).

    Returns:
        dict source -> dict of `sdr`, `isr`, `sir`, `sar`, float64 `(frames,)`, dB, and `silent`, bool: whether the
        reference is silent throughout (then it is left out of the decomposition). NaN in frames where the source's
        reference or estimate is silent; for `sir` also where no other reference sounds.

    Raises:
        InputError: sources or shapes differ, NaN or infinity, unknown mode, no ffmpeg (museval needs the program).

    Example:
        >>> rng = np.random.default_rng(0)
        >>> references = {"vocals": rng.standard_normal(4000), "rest": rng.standard_normal(4000)}
        >>> estimates = {name: audio + 0.1 * rng.standard_normal(4000) for name, audio in references.items()}
        >>> scores = evaluate_track(references, estimates, sample_rate=2000, window=2.0)
        >>> scores["vocals"]["sdr"].round()
        array([20.])
    """
    if mode not in MODES:
        raise InputError(f"mode is {mode!r}; use 'v3' or 'v4'")
    window, hop = (_in_samples(name, seconds, sample_rate) for name, seconds in (("window", window), ("hop", hop)))
    true, estimated = stems.pair(references, estimates)
    sounding = true.any(axis=(1, 2))
    starts = bss_eval.frame_starts(true.shape[1], window, hop)
    scores = np.full((len(SCORES), len(sounding), len(starts)), np.nan)
    if sounding.any():
        true, estimated = true[sounding], estimated[sounding]
        scores[:, sounding] = bss_eval.decompose(true, estimated, starts, window, hop, mode)
    return {
        source: {**dict(zip(SCORES, scores[:, i], strict=True)), "silent": not sounding[i]}
        for i, source in enumerate(references)
    }


def evaluate_tracks(
    tracks: Iterable[tuple[str, dict[str, np.ndarray], dict[str, np.ndarray]]],
    sample_rate: int,
    window: float = 30.0,
    hop: float = 15.0,
    mode: str = "v4",
    n_jobs: int = 1,
    cache: str | Path | None = None,
) -> dict[str, dict[str, dict]]:
    """`evaluate_track` of many tracks, several at a time.

    Args:
        tracks: iterable of (name, references, estimates); a generator is read as tracks are finished, so that no more
            tracks than processes are in memory.
        sample_rate: of all, in Hz.
        window, hop, mode: as for `evaluate_track`.
        n_jobs: processes; -1 uses all cores.
        cache: folder for results, so that an interrupted evaluation goes on and no track is evaluated twice; None
            keeps nothing. A result's key is the audio, the settings, the code of this module and museval's version.

    Returns:
        dict name -> result of `evaluate_track`, in the order of the tracks.

    Raises:
        InputError: two tracks have one name, or a track cannot be evaluated; the message names it.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> song = {"vocals": rng.standard_normal(4000), "rest": rng.standard_normal(4000)}
        >>> list(evaluate_tracks([("song", song, mixture_as_estimate(song))], sample_rate=2000, window=2.0))
        ['song']
    """
    evaluate = evaluate_track if cache is None else _cached(cache)
    jobs = (delayed(_evaluate)(evaluate, *track, sample_rate, window, hop, mode) for track in _named(tracks))
    # By default joblib would read two more tracks for each process.
    return dict(Parallel(n_jobs=n_jobs, pre_dispatch="n_jobs")(jobs))


def summarize(results: dict[str, dict[str, dict]], frames: str = "median") -> dict[str, dict]:
    """Scores over many tracks: a track's frames are reduced to one value, these to their mean, deviation and median.

    SiSEC takes the median of 1 s frames, and of tracks again; Chandna et al. 2017 the mean.

    Args:
        results: of `evaluate_tracks`.
        frames: `"median"` or `"mean"`, which reduces a track's frames to one value; NaNs are left out and counted.

    Returns:
        dict source -> dict of `sdr`, `isr`, `sir`, `sar`, and `silent`, list of the tracks whose reference is silent.
        A score is a dict of `mean`, `deviation` (divided by n), `median`, in dB, NaN where no track has a value; `n`,
        tracks with a value; `n_frames` and of these `n_nan_frames`, over all tracks.

    Raises:
        InputError: no results, or another `frames`.

    Example:
        >>> frames = {score: np.array([1.0, 3.0]) for score in SCORES}
        >>> summarize({"song": {"vocals": frames | {"silent": False}}})["vocals"]["sdr"]["mean"]
        2.0
    """
    if frames not in _OVER_FRAMES:
        raise InputError(f"frames is {frames!r}; use 'median' or 'mean'")
    if not results:
        raise InputError("there is no result to summarize; evaluate a track first")
    sources = dict.fromkeys(source for track in results.values() for source in track)
    return {
        source: _summary({name: track[source] for name, track in results.items() if source in track}, frames)
        for source in sources
    }


def si_sdr(references: dict[str, np.ndarray], estimates: dict[str, np.ndarray]) -> dict[str, float]:
    """SI-SDR of each source: cheap to compute, with no filters, no frames and no museval.

    As `zoo.metrics.speech.si_sdr`; the channels count as one long signal, so they share one gain.

    Args:
        references: the true sources.
        estimates: the same sources, of the same shape.

    Returns:
        dict source -> float, dB, within +-156.5, higher is better. NaN where either is silent or constant.

    Raises:
        InputError: sources or shapes differ, NaN or infinity.

    Example:
        >>> t = np.arange(8000) / 8000
        >>> wave, other = np.sin(2 * np.pi * 100 * t), np.cos(2 * np.pi * 100 * t)
        >>> round(si_sdr({"bass": wave}, {"bass": wave + 0.1 * other})["bass"], 6)
        20.0
    """
    true, estimated = stems.pair(references, estimates)
    return {
        source: float(speech.si_sdr(true[i].ravel(), estimated[i].ravel())[0]) for i, source in enumerate(references)
    }


def mixture_as_estimate(references: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The floor: the unseparated mixture as the estimate of each source.

    Args:
        references: the true sources.

    Returns:
        dict source -> the sum of the references, one array for all.

    Raises:
        InputError: shapes differ, NaN or infinity.

    Example:
        >>> mixture_as_estimate({"a": np.array([0.25, 0.5]), "b": np.array([0.25, 0.0])})["a"].tolist()
        [0.5, 0.5]
    """
    return dict.fromkeys(references, stems.stack(references, "reference").sum(axis=0))


def oracle_masks(
    references: dict[str, np.ndarray], n_fft: int = 1024, hop_length: int = 256, kind: str = "ratio"
) -> dict[str, np.ndarray]:
    """The ceiling for masks: the mixture under masks from the magnitudes of the true sources, channel by channel.

    `ratio` masks are |S_n| / sum_m |S_m| (exponent 1, as the masks of Chandna et al. 2017), `binary` ones 1 where
    |S_n| is the largest, ties going to the first source, and 0 elsewhere. Both sum to 1 where anything sounds, so the
    estimates sum to the mixture. Spectra are those of `zoo.audio.dsp.stft` with a periodic Hann window.

    Args:
        references: the true sources; their sum is the mixture.
        n_fft: window and transform length in samples, an even multiple of the hop.
        hop_length: samples from frame to frame.
        kind: `"ratio"` or `"binary"`.

    Returns:
        dict source -> estimate, float32, of the references' shape.

    Raises:
        InputError: shapes differ, NaN or infinity, an unknown kind, or a hop that does not fit.

    Example:
        >>> t = np.arange(8000) / 8000
        >>> references = {"low": np.sin(2 * np.pi * 200 * t), "high": np.sin(2 * np.pi * 2000 * t)}
        >>> bool(si_sdr(references, oracle_masks(references))["low"] > 30)
        True
    """
    if kind not in ("ratio", "binary"):
        raise InputError(f"kind is {kind!r}; use 'ratio' or 'binary'")
    if hop_length < 1 or n_fft < 1 or n_fft % (2 * hop_length):
        raise InputError(f"n_fft is {n_fft} and hop_length {hop_length}; make n_fft an even multiple of it")
    true = stems.stack(references, "reference")
    channels = true.reshape(*true.shape[:2], -1)
    estimates = np.empty(channels.shape, "float32")
    for c in range(channels.shape[2]):
        estimates[:, :, c] = _mask_channel(channels[:, :, c], n_fft, hop_length, kind)
    return dict(zip(references, estimates.reshape(true.shape), strict=True))


def _mask_channel(sources, n_fft, hop_length, kind):
    """Estimates (sources, samples) of one channel's sources (sources, samples)."""
    # Imported late: loading Keras takes seconds, and joblib's workers do not need it.
    from keras import ops

    from zoo.audio import dsp

    def spectrum(waveform):
        parts = dsp.stft(waveform[None], n_fft, hop_length, window="hann")
        return [ops.convert_to_numpy(part)[0] for part in parts]

    samples = sources.shape[1]
    # Padded to a multiple of the hop: past it, the inverse would divide by the small values at the window's end.
    sources = np.pad(sources, ((0, 0), (0, -samples % hop_length))).astype("float32")
    magnitudes = np.stack([np.hypot(*spectrum(source)) for source in sources])
    if kind == "ratio":
        masks = magnitudes / np.maximum(magnitudes.sum(axis=0), np.finfo("float32").tiny)
    else:
        masks = magnitudes.argmax(axis=0) == np.arange(len(sources))[:, None, None]
    real, imaginary = spectrum(sources.sum(axis=0))
    for source, mask in zip(sources, masks, strict=True):
        estimate = dsp.istft((mask * real)[None], (mask * imaginary)[None], source.size, n_fft, hop_length, "hann")
        source[:] = ops.convert_to_numpy(estimate)[0]
    return sources[:, :samples]


def _cached(folder):
    """`evaluate_track` with a memory, which joblib keeps for this function, not for those that it calls."""
    sources = b"".join(Path(path).read_bytes() for path in (__file__, bss_eval.__file__))
    key = hashlib.sha256(sources + version("museval").encode()).hexdigest()[:16]
    return Memory(Path(folder) / key, verbose=0).cache(evaluate_track)


def _evaluate(evaluate, name, references, estimates, *settings):
    try:
        return name, evaluate(references, estimates, *settings)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def _named(tracks):
    names = set()
    for name, references, estimates in tracks:
        if name in names:
            raise InputError(f"two tracks are called {name!r}; give each its own name")
        names.add(name)
        yield name, references, estimates


def _summary(tracks, frames):
    """Summary of one source, by {track name: its scores}."""
    result = {"silent": [name for name, scores in tracks.items() if scores["silent"]]}
    for score in SCORES:
        values = [scores[score] for scores in tracks.values()]
        known = [value[~np.isnan(value)] for value in values]
        of_tracks = np.array([_OVER_FRAMES[frames](value) for value in known if value.size])
        n_frames = sum(value.size for value in values)
        result[score] = {
            **{name: float(over(of_tracks)) if of_tracks.size else np.nan for name, over in _OVER_TRACKS.items()},
            "n": of_tracks.size,
            "n_frames": n_frames,
            "n_nan_frames": n_frames - sum(value.size for value in known),
        }
    return result


def _in_samples(name, seconds, sample_rate):
    rate = checks.whole_rate(sample_rate)
    if not (np.isfinite(seconds) and round(seconds * rate) >= 1):
        raise InputError(f"{name} is {seconds} s at {rate} Hz; give one sample at least")
    return round(seconds * rate)
