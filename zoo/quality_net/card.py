"""How a Quality-Net's card reads: agreement with the true metric, and how far the gradient can be trusted."""

from zoo.checkpoint.markdown import code, interval, link, section, table


def metric_name(metric):
    return " ".join(filter(None, [metric["name"].upper(), metric.get("mode")]))


def facts(card):
    """Rows of the table of facts that only this family has."""
    metric = card["metric"]
    low, high = metric["range"]
    direction = "higher" if metric["higher_is_better"] else "lower"
    return [["Predicts", f"{metric_name(metric)}, {low} to {high}, {direction} is better"]]


def evaluation(card):
    found = card["evaluation"]
    statistics = ["pearson", "spearman", "rmse", "mae"]
    rows = [
        [group, *(interval(result[name]) for name in statistics), result["n"], result["n_failed"]]
        for group, result in found["results"].items()
    ]
    header = ["Pairs", "Pearson", "Spearman", "RMSE", "MAE", "n", "failed"]
    caption = f"{found['data']}. 95 % bootstrap intervals; commit `{found['commit']}`."
    return section("Agreement with the true metric", table(header, rows), caption, code(found["command"]))


def studies(card):
    """Sections of what was tried beside the training itself."""
    return [ablation(card), gradient(card)]


def ablation(card):
    """Variants of the network after the same small training."""
    found = card.get("ablation")
    if not found:
        return ""
    header = ["Variant", "Pearson", "RMSE", "n", "failed", "minutes of training"]
    rows = [
        [row["change"], interval(row["pearson"]), interval(row["rmse"]), row["n"], row["n_failed"], row["minutes"]]
        for row in found["rows"]
    ]
    told = (
        f"Each trained on the same {found['n_train']} pairs, epochs: {found['epochs']}, and tested on unseen "
        f"talkers and noises: far less than the checkpoint had, enough to compare. Commit `{found['commit']}`."
    )
    return section("What each change was worth", table(header, rows), told, code(found["command"]))


def gradient(card):
    """What steps along the gradient did to the true score."""
    found = card.get("gradient")
    if not found:
        return ""
    rows = [found["steps"], *([f"{score:.3f}" for score in found[key]] for key in ("predicted", "truth"))]
    lines = [[title, *row] for title, row in zip(("Steps", "Predicted", "True"), rows, strict=True)]
    fooled, best = found["fooled_at_step"], found["steps"].index(found["best_step"])
    told = (
        f"{found['data']}; n {found['n']}, failed {found['n_failed']}. The mean true score gains "
        f"{interval(found['gain_at_best'])} at step {found['best_step']}, the best, where the surrogate promises "
        f"{found['predicted'][best] - found['predicted'][0]:.4f}; "
        + (f"by step {fooled} it falls again." if fooled else "more steps were not tried.")
        + f" Commit `{found['commit']}`."
    )
    return section("Ascending the gradient", table(lines[0], lines[1:]), told, code(found["command"]))


def headlines(card):
    """Figures for the Hub's metadata: (data, metric, its name, value)."""
    result = card["evaluation"]["results"]["all"]
    true = metric_name(card["metric"])
    return [
        (f"{result['n']} unseen pairs", "pearsonr", f"Pearson correlation with {true}", result["pearson"][0]),
        (f"{result['n']} unseen pairs", "rmse", f"root mean square error of {true}", result["rmse"][0]),
    ]


def summary(cards):
    """The README's table."""
    rows = []
    for card in cards:
        result = card["evaluation"]["results"]["all"]
        figures = [interval(result["pearson"]), interval(result["rmse"]), result["n"]]
        rate = f"{card['sample_rate'] / 1000:g} kHz"
        rows.append([link(card), metric_name(card["metric"]), rate, f"{card['parameters']:,}", *figures])
    return table(["Checkpoint", "Predicts", "Rate", "Parameters", "Pearson [95 %]", "RMSE [95 %]", "n"], rows)
