"""The page of a Quality-Net: agreement with the true metric, and how far the gradient can be trusted."""

from zoo.base.tables import markdown_table
from zoo.checkpoint.markdown import code, interval, link, section
from zoo.checkpoint.papers import FU, FU_2018

# Agreement on further pairs, whose figures are compared only with those of other checkpoints on the same.
FURTHER = {
    "test2": "Agreement on the second test set",
    "varied": "Agreement on varied pairs",
    "lengths": "Agreement on short and long recordings",
}


def metric_name(metric):
    return " ".join(filter(None, [metric["name"].upper(), metric.get("mode")]))


def facts(card):
    """Rows of the table of facts that only this family has."""
    metric = card["metric"]
    low, high = metric["range"]
    direction = "higher" if metric["higher_is_better"] else "lower"
    return [["Predicts", f"{_predicted(card)}, {low} to {high}, {direction} is better"]]


def papers(card):
    """Papers that the page cites."""
    return [FU_2018, FU] if _is_free(card) else [FU]


def _is_free(card):
    """Whether it needs no reference."""
    return card["architecture"] == "QualityNetFree"


def _predicted(card):
    return metric_name(card["metric"]) + (" without a reference" if _is_free(card) else "")


def usage(card, source):
    """Python that scores the example recordings, and makes the loss."""
    resample = "" if card["sample_rate"] == 16000 else ", resample=True"
    recordings = "degraded" if _is_free(card) else "reference, degraded"
    score = f"metric.score({recordings}, sample_rate=sample_rate{resample})"
    over_time = f"seconds, scores = metric.score_over_time(degraded, sample_rate=sample_rate{resample})  # (moments,)\n"
    return f"""\
reference, sample_rate = zoo.audio.io.read(zoo.examples()["reference"])
degraded, _ = zoo.audio.io.read(zoo.examples()["degraded"])

metric = zoo.load("{source}")  # a keras.Model, frozen
score = {score}  # {metric_name(card["metric"])}, (batch,)
print(score)
{over_time if _is_free(card) else ""}
loss = zoo.loss("{source}")  # a keras.losses.Loss on (reference, estimate) waveforms
print(loss(reference[None], degraded[None]))"""


def evaluation(card):
    return _agreement("Agreement with the true metric", card["evaluation"])


def _agreement(title, evaluated):
    statistics = ["pearson", "spearman", "rmse", "mae"]
    rows = [
        [group, *(interval(result[name]) for name in statistics), result["n"], result["n_failed"]]
        for group, result in evaluated["results"].items()
    ]
    header = ["Pairs", "Pearson", "Spearman", "RMSE", "MAE", "n", "failed"]
    caption = f"{evaluated['data']}. 95 % bootstrap intervals; commit `{evaluated['commit']}`."
    return section(title, markdown_table(header, rows), caption, code(evaluated["command"]))


def studies(card):
    """Sections on what was studied beside the training itself."""
    further = [_agreement(title, card[name]) for name, title in FURTHER.items() if name in card]
    return [*further, intervals(card), ablation(card), gradient(card)]


def intervals(card):
    """How often the intervals of the scores hold the true metric."""
    study = card.get("intervals")
    if not study:
        return ""
    rows = [
        [row["pairs"], interval(row["coverage"]), f"{row['width']:.2f}", row["n"], row["n_failed"]]
        for row in study["rows"]
    ]
    table = markdown_table(["Pairs", "Within the interval", "Mean width", "n", "failed"], rows)
    caption = (
        f"`score(..., interval=True)` gives intervals that are to hold {study['level']:.0%} of the true values, before "
        f"they are cut to the metric's range; width in its units. Fitted on {study['n_fitted']} pairs of the validation split. Music, and "
        "clicks in silence, are in noise of the test split at -5 to 30 dB: no training had them, and the intervals are "
        f"wider there (`intervals.png`). Commit `{study['commit']}`."
    )
    return section("How sure", table, caption, code(study["command"]))


def ablation(card):
    """Variants of the network after the same small training."""
    study = card.get("ablation")
    if not study:
        return ""
    header = ["Variant", "Pearson", "RMSE", "n", "failed", "minutes of training"]
    rows = [
        [row["change"], interval(row["pearson"]), interval(row["rmse"]), row["n"], row["n_failed"], row["minutes"]]
        for row in study["rows"]
    ]
    caption = (
        f"Each trained on the same {study['n_train']} pairs, epochs: {study['epochs']}, and tested on unseen "
        f"talkers and noises: far less than the checkpoint had, enough to compare. Commit `{study['commit']}`."
    )
    return section("What each change was worth", markdown_table(header, rows), caption, code(study["command"]))


def gradient(card):
    """What steps along the gradient did to the true score."""
    ascent = card.get("gradient")
    if not ascent:
        return ""
    rows = [ascent["steps"], *([f"{score:.3f}" for score in ascent[key]] for key in ("predicted", "truth"))]
    lines = [[title, *row] for title, row in zip(("Steps", "Predicted", "True"), rows, strict=True)]
    fooled, best = ascent["fooled_at_step"], ascent["steps"].index(ascent["best_step"])
    caption = (
        f"{ascent['data']}; n {ascent['n']}, failed {ascent['n_failed']}. The mean true score gains "
        f"{interval(ascent['gain_at_best'])} at step {ascent['best_step']}, the best, where the surrogate promises "
        f"{ascent['predicted'][best] - ascent['predicted'][0]:.4f}; "
        + (f"by step {fooled} it falls again." if fooled else "more steps were not tried.")
        + f" Commit `{ascent['commit']}`."
    )
    return section("Ascending the gradient", markdown_table(lines[0], lines[1:]), caption, code(ascent["command"]))


def headlines(card):
    """Figures for the Hub's metadata: (data, metric, its name, value)."""
    result = card["evaluation"]["results"]["all"]
    true = metric_name(card["metric"])
    return [
        (f"{result['n']} unseen pairs", "pearsonr", f"Pearson correlation with {true}", result["pearson"][0]),
        (f"{result['n']} unseen pairs", "rmse", f"root mean square error of {true}", result["rmse"][0]),
    ]


def summary(cards):
    """The table of the family's checkpoints."""
    rows = []
    for card in cards:
        result = card["evaluation"]["results"]["all"]
        figures = [interval(result["pearson"]), interval(result["rmse"]), result["n"]]
        rate = f"{card['sample_rate'] / 1000:g} kHz"
        rows.append([link(card), _predicted(card), rate, f"{card['parameters']:,}", *figures])
    return markdown_table(["Checkpoint", "Predicts", "Rate", "Parameters", "Pearson [95 %]", "RMSE [95 %]", "n"], rows)
