"""How well a surrogate agrees with the metric it learned, and how far its gradient can be trusted."""

import dataclasses
import functools
import itertools
from array import array

import joblib
import keras
import numpy as np
import scipy.signal
from keras import ops
from matplotlib.figure import Figure
from tqdm import tqdm

from zoo import scoring
from zoo.audio import dsp, pairs
from zoo.base import files
from zoo.checkpoint import preset
from zoo.errors import describe
from zoo.metrics.agreement import agreement, bootstrap
from zoo.quality_net import examples
from zoo.quality_net.loss import QualityNetLoss

_KINDS = ("noisy", "enhanced", "clean")
_OTHERS = ("reverb", "codec", "band", "clip", "loss")  # with every kind that is not known, these are "other"
_REFERENCES = {"clean": True, "noisy": False}
_SNR_BANDS = (-10, 0, 10, 20, 30)
SCORES = ("truth", "predicted")  # columns of `evaluate_pairs`
_FACTS = {"kind": "other", "snr_db": "nan"}  # columns that a CSV of pairs may have, and what a row without them is
_DRAWN = 4000  # points of a plot; more would only hide each other
_ASCENT_STEPS = (0, 1, 2, 5, 10, 20, 40, 80, 150)
_ASCENT_RATE = 0.1  # of Adam, on the logits of the mask
_ASCENT_START = 2.0  # logit: the mask starts at 0.88


def predict(model, chunks, batch_size=32):
    """A surrogate's scores of stored pairs, not clipped to the metric's values: float64 (pairs,), in order."""
    scores = []
    for waveforms in recordings(model, tqdm(chunks.audio, desc="predict", unit="chunk")):
        scores.append(model.score(*waveforms, examples.SAMPLE_RATE, batch_size=batch_size, clip=False))
    return np.concatenate(scores)


def recordings(model, audio):
    """What a surrogate hears of stored pairs, int16 (pairs, 2, samples) each: lists of float32 (pairs, samples)."""
    for pairs_of_chunk in audio:
        yield model.of_pair(*np.moveaxis(examples.as_float(pairs_of_chunk), 1, 0))


def with_references(chunks, least_db):
    """Facts of stored pairs with "clean_reference": whether the reference has this range of levels (`mix.level_range_db`)."""
    clean = examples.reference_ranges_db(chunks.audio) >= least_db
    return [pair | {"clean_reference": bool(one)} for pair, one in zip(chunks.facts, clean, strict=True)]


def groups(facts):
    """Groups of pairs that are told of by themselves: {name: bool (pairs,)}, those that are not empty.

    Args:
        facts: list of {"kind", "snr_db"}, one a pair, "variety", a list of kinds, where pairs vary, "seconds" where they
            are of several lengths, and "clean_reference" where that matters.

    Returns:
        Groups are "all", "noisy", "enhanced", "clean", "other", of which "reverb", "codec", "band", "clip" and "loss" are
        parts, "snr -10..0" and so on, "variety shift" and so on, "10 s" and so on, and "clean references" and "noisy
        references".
    """
    kinds, exact = _kinds(facts), np.array([pair["kind"] for pair in facts])
    snr = np.array([np.nan if pair["snr_db"] is None else pair["snr_db"] for pair in facts])
    chosen = {"all": np.ones(len(facts), bool)}
    chosen |= {kind: kinds == kind for kind in (*_KINDS, "other")} | {kind: exact == kind for kind in _OTHERS}
    for low, high in itertools.pairwise(_SNR_BANDS):
        chosen[f"snr {low}..{high}"] = (kinds == "noisy") & (snr >= low) & (snr < high)
    for variety in examples.VARIETY:
        chosen[f"variety {variety}"] = np.array([variety in pair.get("variety", ()) for pair in facts])
    lengths = np.array([pair.get("seconds", np.nan) for pair in facts])
    chosen |= {f"{seconds:g} s": lengths == seconds for seconds in np.unique(lengths[np.isfinite(lengths)])}
    clean = [pair.get("clean_reference") for pair in facts]
    chosen |= {f"{name} references": np.array([one is has for one in clean]) for name, has in _REFERENCES.items()}
    return {name: pairs for name, pairs in chosen.items() if pairs.any()}


def report(facts, truth, predicted):
    """Agreement of float (pairs,) truth and predicted in each of `groups`: {group: `agreement` dict}."""
    # The bootstrap of a million pairs takes minutes.
    shown = tqdm(groups(facts).items(), desc="agree", unit="group", disable=None)
    results = {name: agreement(truth[chosen], predicted[chosen]) for name, chosen in shown}
    if "clean" in results:
        # Every recording against itself has the metric's top score: there is nothing to correlate.
        results["clean"] |= {"pearson": [np.nan] * 3, "spearman": [np.nan] * 3}
    return results


def evaluate_pairs(directory, recipe, path, output=None, resume=False, n_jobs=-1, backend=None, scheduler=None):
    """Score the recordings that a CSV names, truly and predicted, a bounded number of them at a time.

    Args:
        directory: of a surrogate.
        recipe: its `Recipe`, which names the metric that it learned.
        path: CSV with the columns reference and degraded (relative to its folder), and optionally kind and snr_db.
        output: CSV of the rows, written as they come (`scoring.Table`); None writes none.
        resume: keep the rows of a run that was stopped.
        n_jobs, backend, scheduler: as `jobs` and so on of `scoring.scored`; each process loads the surrogate once.

    Yields:
        `scoring.Row` with the scores truth and predicted, one a row, in order; an unreadable pair has NaN scores
        and says why, one that has no score has NaN.

    Raises:
        InputError: the CSV, the surrogate or the metric cannot be used, or as `scoring.rows`.

    Example:
        >>> rows = evaluate_pairs("my-metric/", recipe, "pairs.csv")  # needs recordings  # doctest: +SKIP
    """
    table = scoring.Table(output, SCORES, resume, _FACTS) if output else None
    score = functools.partial(_score, directory, recipe)
    return scoring.rows(score, map(_checked, pairs.stream(path, _FACTS)), table, n_jobs, backend, scheduler)


def _checked(pair):
    """The pair; with an error where its snr_db is no number."""
    kind, snr_db = pair.facts
    try:
        float(snr_db)
    except ValueError:
        error = pair.error or f"{pair.degraded}: has the snr_db {snr_db!r}; give a number, in dB"
        return dataclasses.replace(pair, error=error, facts=(kind, _FACTS["snr_db"]))
    return pair


_model = functools.cache(preset.load)  # once in each process


def _score(directory, recipe, pair):
    """`scoring.Row` of a pair, in whatever process this is."""
    scores, error = dict.fromkeys(SCORES, np.nan), pair.error
    model, function = _model(directory), recipe.target().function
    try:
        if not error:
            recordings = pairs.read(pair, (model.sample_rate,))
            predicted = model.score(*model.of_pair(*recordings[:2]), recordings[2], clip=False)[0]
            values = function(*recordings), predicted
            scores = dict(zip(SCORES, map(float, values), strict=True))
    except Exception as raised:  # noqa: BLE001 - of whatever library; the other pairs go on
        error = describe(raised)
    return scoring.Row(pair, scores, " ".join(error.split()))  # one line, whatever a library says


def summed(rows):
    """What `report` and `scatter` need of any number of rows, in 24 bytes a row.

    Args:
        rows: iterable, as `evaluate_pairs` gives them.

    Returns:
        facts, truth, predicted: list of {"kind", "snr_db"}, where snr_db is the lower end of its band, NaN outside of
        all, and float64 (pairs,) twice.

    Example:
        >>> pair = pairs.Pair("b.wav", "a.wav", "b.wav", facts=("noisy", "5"))
        >>> summed([scoring.Row(pair, {"truth": 2.0, "predicted": 2.5}, "")])
        ([{'kind': 'noisy', 'snr_db': 0}], array([2.]), array([2.5]))
    """
    facts, scores, known = [], {name: array("d") for name in SCORES}, {}
    for row in rows:
        kind, snr_db = row.pair.facts
        kind = kind if kind in _KINDS + _OTHERS else "other"
        band = max((low for low in _SNR_BANDS if low <= float(snr_db)), default=np.nan)
        # Rows of a kind and band share one dict.
        facts.append(known.setdefault((kind, band), {"kind": kind, "snr_db": band}))
        for name, value in row.scores.items():
            scores[name].append(value)
    return facts, *map(np.asarray, scores.values())


def scatter(facts, truth, predicted, title, path):
    """Predicted against true scores, coloured by kind: of very many pairs a random few, while the legend counts all."""
    kinds = _kinds(facts)
    drawn = np.zeros(len(kinds), bool)
    drawn[np.random.default_rng(0).permutation(len(kinds))[:_DRAWN]] = True
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    for kind, colour in zip((*_KINDS, "other"), ("tab:blue", "tab:orange", "tab:green", "tab:gray"), strict=True):
        chosen = kinds == kind
        shown, label = chosen & drawn, f"{kind} ({chosen.sum()})"
        axes.scatter(truth[shown], predicted[shown], s=5, alpha=0.6, color=colour, label=label)
    ends = [np.nanmin([truth, predicted]), np.nanmax([truth, predicted])]
    axes.plot(ends, ends, color="black", linewidth=0.8)
    axes.set(xlabel="true", ylabel="predicted", title=title, aspect="equal")
    axes.legend(loc="upper left", markerscale=2, fontsize=8)
    _save(figure, path)


# --- the gradient -----------------------------------------------------------------------------------------------


class _Mask(keras.layers.Layer):
    """A free mask in 0..1 for each bin of a fixed batch of spectra."""

    def __init__(self, shape):
        super().__init__()
        start = keras.initializers.Constant(_ASCENT_START)
        self.logits = self.add_weight(shape=shape, initializer=start, name="logits")

    def call(self, magnitude):
        return magnitude * ops.sigmoid(self.logits)


def ascend(model, reference, noisy, target, n_jobs=-1):
    """Gradient ascent on the surrogate by a mask over noisy magnitudes, with the true metric at some steps.

    Adam moves the logits of each bin's mask by about 0.1 a step so that (1 - Q)^2 falls; at some steps the masked
    spectrum goes back to sound with the noisy phase and is scored truly.

    Args:
        model: a surrogate.
        reference, noisy: float32 (pairs, samples), at the model's rate.
        target: the `Target` that the surrogate learned.
        n_jobs: processes for the true scores.

    Returns:
        {"steps": [...], "predicted": (steps, pairs), "truth": (steps, pairs)} in the metric's units.
    """
    transform = scipy.signal.ShortTimeFFT(
        scipy.signal.get_window("hamming", model.n_fft), model.hop_length, fs=model.sample_rate
    )
    spectra = transform.stft(noisy, p0=0, p1=1 + noisy.shape[1] // model.hop_length)
    magnitudes = [ops.convert_to_numpy(dsp.magnitude(x, model.n_fft, model.hop_length)) for x in (reference, noisy)]
    mask = _Mask(magnitudes[1].shape)
    climber = keras.Sequential([mask])
    # Adam's epsilon must be below the gradient of one bin, which is about 1e-6.
    climber.compile(
        keras.optimizers.Adam(_ASCENT_RATE, epsilon=1e-12),
        loss=QualityNetLoss(model, inputs="magnitude", reduction="sum"),
        jit_compile=False,
    )
    predicted, truth = [], []
    for step in tqdm(range(max(_ASCENT_STEPS) + 1), desc="ascend", unit="step"):
        if step in _ASCENT_STEPS:
            gain = ops.convert_to_numpy(ops.sigmoid(mask.logits)).transpose(0, 2, 1)
            masked = transform.istft(spectra * gain, k1=noisy.shape[1]).astype("float32")
            predicted.append(model.score(*model.of_pair(reference, masked), model.sample_rate, clip=False))
            truth.append(_true_scores(target, reference, masked, model.sample_rate, n_jobs))
        climber.train_on_batch(magnitudes[1], magnitudes[0])
    return {"steps": list(_ASCENT_STEPS), "predicted": np.array(predicted), "truth": np.array(truth)}


def ascent_pairs(chunks, count=48):
    """Up to `count` noisy pairs of 2 s at 0..15 dB SNR: float32 reference and noisy (pairs, samples)."""
    facts, start, chosen = chunks.facts, 0, []
    for audio in chunks.audio:
        if audio.shape[-1] == 2 * examples.SAMPLE_RATE:
            here = facts[start : start + len(audio)]
            rows = [i for i, pair in enumerate(here) if pair["kind"] == "noisy" and 0 <= pair["snr_db"] < 15]
            chosen += [audio[i] for i in rows]
        start += len(audio)
    audio = examples.as_float(np.stack(chosen[:count]))
    return audio[:, 0], audio[:, 1]


def ascent_report(ascent):
    """The card's facts of an ascent: means, the best step and its gain, and the scored step after it.

    From `fooled_at_step` on the surrogate is fooled outright: what it calls better is worse (None: not seen).
    """
    truth, predicted, steps = ascent["truth"], ascent["predicted"], ascent["steps"]
    means = np.nanmean(truth, axis=1)
    best = int(np.argmax(means))
    gains = truth[best] - truth[0]
    known = gains[np.isfinite(gains)]
    return {
        "n": int(known.size),
        "n_failed": int(gains.size - known.size),
        "steps": steps,
        "truth": [float(value) for value in means],
        "predicted": [float(value) for value in np.nanmean(predicted, axis=1)],
        "best_step": steps[best],
        "gain_at_best": list(bootstrap(lambda gain, _: float(np.mean(gain)), known, known)),
        "fooled_at_step": steps[best + 1] if best + 1 < len(steps) else None,
    }


def plot_ascent(facts, title, path):
    """True and predicted score against the number of steps, from `ascent_report`'s facts."""
    figure = Figure(figsize=(5, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.plot(facts["steps"], facts["predicted"], "o--", color="tab:orange", label="predicted")
    axes.plot(facts["steps"], facts["truth"], "o-", color="tab:blue", label="true")
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xticks(facts["steps"], [str(step) for step in facts["steps"]])
    axes.minorticks_off()
    axes.set(xlabel="steps of gradient ascent on the mask", ylabel=f"mean score, n = {facts['n']}", title=title)
    axes.legend()
    _save(figure, path)


def _kinds(facts):
    return np.array([pair["kind"] if pair["kind"] in _KINDS else "other" for pair in facts])


def _true_scores(target, reference, degraded, sample_rate, n_jobs):
    pairs = zip(reference, degraded, strict=True)
    return joblib.Parallel(n_jobs=n_jobs)(joblib.delayed(target.function)(*pair, sample_rate) for pair in pairs)


def _save(figure, path):
    with files.atomic_write(path) as part:
        figure.savefig(part, dpi=110, format="png")
