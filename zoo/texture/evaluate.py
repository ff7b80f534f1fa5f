"""Quality and novelty of synthesised textures: scores, the paper's Table 1, its sections 3.2.1 and 3.3, its figures.

The audio is scored, after Griffin-Lim, by networks that no synthesis here has used (another seed), so that no system
is scored by the networks that it was optimised with.
"""

import json
from pathlib import Path

import numpy as np
from keras import ops
from tqdm import tqdm

from zoo.audio import io
from zoo.base.files import atomic_write
from zoo.errors import InputError
from zoo.metrics.agreement import grouped_mean
from zoo.texture import baselines, spectrum, terms
from zoo.texture.loss import FRAME_RATE, LAGS, AutocorrelationLoss, DiversityLoss, SendikLoss
from zoo.texture.model import RandomConvEnsemble
from zoo.texture.scores import class_score
from zoo.texture.statistics import match_statistics
from zoo.texture.synthesis import synthesize

JUDGE_SEED = 1000  # of the networks that judge
# The shared textures: whose loudness repeats within two seconds, whose energy lies in steady or sung tones, and others.
GROUPS = {
    "rhythmic": ("clock_tick_a", "clock_tick_b", "helicopter", "train_interior", "vinyl_crackle"),
    "pitched": ("birds", "cafe", "crowd_cheering", "metro_ventilation", "washing_machine"),
    "other": (
        "applause", "boat_water", "campfire", "crowd_large", "film_static", "letter_sorter", "rain_bridge", "rain_city",
        "river_rapids", "running_tap", "sms_ocean", "sms_rain", "tv_static", "waterfall", "wind",
    ),
}  # fmt: skip
SCORES = ("class", "autocorrelation", "diversity", "spectrogram autocorrelation", "spectrogram diversity")
GRAM, RHYTHM = "Gram alone", "Gram, autocorrelation"
TABLE_BETAS = (1e-5, 1e-4, 1e-3)  # the paper's two, and its usual one
BETAS = (1e-5, 1e-4, 1e-3, 1e-2, 1.0, 10.0)
ALPHAS = (1.0, 10.0, 1e2, 1e3, 1e4)
WIDTHS, FILTERS = (2, 4, 8, 16, 32, 64), (32, 128)


def beta_name(beta):
    """Name of the system with autocorrelation and diversity at a weight."""
    return f"Gram, autocorrelation, diversity {beta:g}"


def systems(settings):
    """The rows of Table 1.

    Args:
        settings: {"iterations", "phase_iterations", "seed"}.

    Returns:
        {name: function of (target float32 (samples,) at 16 kHz) -> audio of the same length, and the log spectrogram
        that it was computed from, or None for the audio's own}.

    Example:
        >>> list(systems({"iterations": 100, "phase_iterations": 100, "seed": 0}))[:2]
        ['Griffin-Lim of the target', 'Gram alone']
    """
    rate, phases, seed = spectrum.SAMPLE_RATE, settings["phase_iterations"], settings["seed"]

    def ours(**options):
        return lambda target: _synthesis(target, settings, options)

    return {
        "Griffin-Lim of the target": lambda target: (baselines.round_trip(target, phases, seed), None),
        GRAM: ours(alpha=0.0, beta=0.0),
        RHYTHM: ours(beta=0.0),
        **{beta_name(beta): ours(beta=beta) for beta in TABLE_BETAS},
        "Ulyanov and Lebedev": lambda target: (baselines.one_network(target, rate, **settings), None),
        "McDermott and Simoncelli": lambda target: (
            match_statistics(target, rate, iterations=settings["iterations"], seed=seed)[0],
            None,
        ),
    }


def _synthesis(target, settings, options):
    """Audio and spectrogram of a synthesis that shows no bar."""
    result = synthesize(target, spectrum.SAMPLE_RATE, progress=False, **settings, **options)
    return result.audio, result.spectrogram


def trade_off(settings):
    """`systems` of the paper's Figure 2: ever more weight against copying."""
    return {beta_name(beta): lambda target, beta=beta: _synthesis(target, settings, {"beta": beta}) for beta in BETAS}


def rhythms(settings):
    """`systems` of the paper's section 3.2.1: ever more weight on the autocorrelation, and none against copying."""
    return {
        f"{RHYTHM} {alpha:g}": lambda target, alpha=alpha: _synthesis(target, settings, {"alpha": alpha, "beta": 0.0})
        for alpha in ALPHAS
    }


def architectures(settings):
    """`systems` of the paper's section 3.3: widest kernel, number of filters, and six networks against one stack.

    Beside them goes `beta_name(1e-4)`: six networks, the widest 64, of 512 filters.
    """
    options_by_name = {f"widest kernel {width}": {"widths": WIDTHS[: i + 1]} for i, width in enumerate(WIDTHS[:-1])}
    options_by_name |= {f"{filters} filters": {"filters": filters} for filters in FILTERS}
    options_by_name["one stack of six layers, as the paper's"] = {
        "widths": (2,) * 6, "stacked": True, "pooling": "average",
    }  # fmt: skip
    options_by_name["one stack of six layers, width 4, max pooling"] = {"widths": (4,) * 6, "stacked": True}

    def ours(options):
        ensemble = RandomConvEnsemble(**options)
        return lambda target: _synthesis(target, settings, {"ensemble": ensemble})

    return {name: ours(options) for name, options in options_by_name.items()}


class Judge:
    """The scores of a synthesised texture: on features of other random networks, and on spectrograms as the paper's.

    Args:
        classifier: as for `zoo.texture.scores.class_score`.
        seed: of the random networks.

    Example:
        >>> Judge(zoo.load("texture-classifier-16k"))(rain, copy)  # takes minutes  # doctest: +SKIP
        {'class': 0.02, 'autocorrelation': 0.01, 'diversity': 0.6}
    """

    def __init__(self, classifier, seed=JUDGE_SEED):
        self.classifier, self.ensemble = classifier, RandomConvEnsemble(seed=seed)
        self.rhythm, self.copying = AutocorrelationLoss(self.ensemble), DiversityLoss(self.ensemble)
        self.sendik = SendikLoss(self.ensemble)

    def __call__(
        self, target: np.ndarray, synthesised: np.ndarray, spectrogram: np.ndarray | None = None
    ) -> dict[str, float]:
        """Scores of float (samples,) twice at 16 kHz.

        Args:
            target, synthesised: float (samples,), of one length.
            spectrogram: float (frames, 257) that the audio was computed from, for the paper's scores; None for the
                audio's own.

        Returns:
            {"class": divergence of class probabilities, "autocorrelation": equation (5), "diversity": equation (7) at
            its worst shift; "spectrogram autocorrelation", "spectrogram diversity": `spectrogram_scores`}, floats, 0 and
            up; lower is better, or for diversity less of a copy. NaN for audio that is silent or not finite.
        """
        if not (np.isfinite(synthesised).all() and np.any(synthesised)):
            return dict.fromkeys(SCORES, float("nan"))
        original, copy = self.features(target), self.features(synthesised)
        return {
            "class": float(class_score(target, synthesised, spectrum.SAMPLE_RATE, self.classifier)[0]),
            "autocorrelation": float(self.rhythm.compare(self.rhythm.targets(original), copy)[0]),
            "diversity": float(self.copying.compare(original, copy)[0]),
        } | spectrogram_scores(*(self._spectrogram(audio) for audio in (target, synthesised)), spectrogram)

    def features(self, audio):
        """Features of the random networks, a list of (1, frames, filters), of float (samples,) at 16 kHz."""
        return self.ensemble(self._spectrogram(audio)[None])

    def by_shift(self, target: np.ndarray, synthesised: np.ndarray) -> np.ndarray:
        """Equation (7) at every shift, float (shifts,), a shift 4 ms."""
        curves = self.copying.by_shift(self.features(target), self.features(synthesised))
        return ops.convert_to_numpy(curves)[0]

    def inverse_by_shift(self, target: np.ndarray, synthesised: np.ndarray) -> np.ndarray:
        """Figure 1: the inverse of minus equation (6) at every shift, float (shifts,), a shift 4 ms."""
        curves = self.sendik.inverse_by_shift(self.features(target), self.features(synthesised))
        return ops.convert_to_numpy(curves)[0]

    @staticmethod
    def _spectrogram(audio):
        return ops.convert_to_numpy(spectrum.log_spectrogram(np.asarray(audio, "float32")[None]))[0]


def spectrogram_scores(target: np.ndarray, copy: np.ndarray, spectrogram: np.ndarray | None = None) -> dict[str, float]:
    """The autocorrelation and diversity scores of the paper's Table 1, with log spectrograms in place of features.

    Section 3.2.1: the squared difference of the spectrograms' circular autocorrelations, relative to the target's, over
    lags of 0.2 to 2 s as in equation (5), up to half of a shorter clip. Section 3.2.2: equation (7) of the spectrograms
    at all shifts. The paper does not say over which lags, nor in what unit Table 1 is.

    Args:
        target: float (frames, bins), of the target.
        copy: float (frames, bins), of the audio.
        spectrogram: float (more frames, bins) that the audio was computed from, whose middle is taken in place of
            `copy`; or None.

    Returns:
        {"spectrogram autocorrelation", "spectrogram diversity"}: floats, 0 and up.

    Example:
        >>> x = np.random.default_rng(0).random((600, 257)).astype("float32")
        >>> spectrogram_scores(x, x)["spectrogram autocorrelation"]
        0.0
    """
    if spectrogram is not None:
        start = (len(spectrogram) - len(target)) // 2
        copy = spectrogram[start : start + len(target)]
    theirs, ours = ([ops.convert_to_tensor(x[None])] for x in (target, copy))
    first, last = (round(lag * FRAME_RATE) for lag in LAGS)
    lags = [(first, max(min(last, len(target) // 2), first))]
    distances = terms.squared_distance(theirs, ours, len(target), len(target), [1])
    correlations = (terms.circular_autocorrelation(x, lags) for x in (theirs, ours))
    return {
        "spectrogram autocorrelation": float(terms.relative_error(*correlations)[0]),
        "spectrogram diversity": float(terms.diversity(*distances)[0][0]),
    }


def read_textures(folder, seconds, few=None):
    """The textures of `GROUPS` that a folder holds.

    Args:
        folder: of NAME.flac.
        seconds: read of each, from its start.
        few: at most so many of a group, the first ones; None for all.

    Returns:
        {name: float32 (samples,) at 16 kHz}, and {name: group}.

    Raises:
        InputError: the folder holds none of them.

    Example:
        >>> textures, groups = read_textures("data/textures", 3.0)  # needs the data  # doctest: +SKIP
    """
    textures, groups = {}, {}
    for group, names in GROUPS.items():
        for name in [name for name in names if (Path(folder) / f"{name}.flac").is_file()][:few]:
            audio, _ = io.read(Path(folder) / f"{name}.flac", spectrum.SAMPLE_RATE, resample=True, downmix=True)
            textures[name], groups[name] = audio[: round(seconds * spectrum.SAMPLE_RATE)], group
    if not textures:
        raise InputError(f"{folder} holds none of the textures; give the data folder by --data or ZOO_DATA")
    return textures, groups


def run(systems: dict, textures: dict[str, np.ndarray], judge: Judge, folder) -> dict[str, dict]:
    """Synthesise and score every texture by every system, or read those that a folder holds.

    Args:
        systems: as of the function `systems`.
        textures: {name: float32 (samples,)}.
        judge: `Judge`.
        folder: for an audio file and the scores of each; what it holds is not synthesised again.

    Returns:
        {system: {texture: scores of `Judge`}}.

    Example:
        >>> scores = run(systems(settings), textures, judge, "runs/texture")  # takes hours  # doctest: +SKIP
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    todo = [(system, texture) for texture in textures for system in systems]
    scores = {system: {} for system in systems}
    for system, texture in tqdm(todo, desc="synthesise", unit="sound", disable=None):
        path = _path(folder, texture, system)
        if not path.exists():
            audio, spectrogram = systems[system](textures[texture])
            audio = np.asarray(audio, "float32")
            io.write(path.with_suffix(".wav"), audio, spectrum.SAMPLE_RATE, subtype="FLOAT", clip=True)
            with atomic_write(path) as part:
                part.write_text(json.dumps(judge(textures[texture], audio, spectrogram)))
        scores[system][texture] = json.loads(path.read_text())
    return scores


def read_made(folder, texture, system):
    """The audio that `run` kept in a folder, float32 (samples,) at 16 kHz."""
    return io.read(_path(folder, texture, system).with_suffix(".wav"), spectrum.SAMPLE_RATE)[0]


def _path(folder, texture, system):
    return Path(folder) / f"{texture}, {system.replace(' ', '-')}.json"


def table(scores, groups):
    """Means of scores by group.

    Args:
        scores: of `run`.
        groups: {texture: group}.

    Returns:
        {system: {group: {"n", "n_failed", and each of `SCORES`: [mean, low, high] with a 95 % bootstrap interval that
        resamples textures}}}.

    Example:
        >>> scores = {"Gram alone": {"clock": dict.fromkeys(SCORES, 0.5)}}
        >>> table(scores, {"clock": "rhythmic"})["Gram alone"]["rhythmic"]["class"][0]
        0.5
    """
    results = {}
    for system, by_texture in scores.items():
        results[system] = {}
        for group in dict.fromkeys(groups[name] for name in by_texture):
            names = [name for name in by_texture if groups[name] == group]
            rows = np.array([[by_texture[name][score] for score in SCORES] for name in names], float)
            failed = int(np.isnan(rows).any(axis=1).sum())
            means = {score: list(grouped_mean(rows[:, i], np.arange(len(names)))) for i, score in enumerate(SCORES)}
            results[system][group] = {"n": len(names) - failed, "n_failed": failed, **means}
    return results
