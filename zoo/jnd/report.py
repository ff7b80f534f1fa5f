"""Evaluation of distances: their agreement with listeners, and their manners."""

import sys
from pathlib import Path

from zoo.checkpoint import preset, provenance, registry
from zoo.checkpoint.results import figure, with_words
from zoo.cli import tables
from zoo.errors import InputError
from zoo.files import atomic_write
from zoo.jnd import answers, baselines, evaluate, figures, ratings, rendered
from zoo.jnd.batches import Judged
from zoo.jnd.judgments import read_judgments, split_of
from zoo.losses.weighted import MultiResolutionSTFT

CLIPS = 50  # of the ladders


def add(families, shared):
    """The arguments of `jnd`."""
    one = families.add_parser("jnd", parents=[shared], help="agreement of a distance with listeners, and its manners")
    one.add_argument("checkpoint", nargs="+", help="bundled names or directories with a slash")
    one.add_argument("--metric", action="append", default=[], help="one to compare them with; may be repeated")
    one.add_argument("--judgments", metavar="DIR", help="tables of answers, instead of jnd_judgments in --data")
    one.add_argument("--speech", metavar="DIR", help="speech to render on, instead of the test's")
    one.add_argument("--mos", metavar="CSV", help="ratings to compare with, too")
    one.add_argument("--files", type=int, default=CLIPS, help=f"for ladders, shifts and levels (default: {CLIPS})")
    one.add_argument("--seed", type=int, default=0, help="of those clips, and of what is drawn (default: 0)")
    one.add_argument("--runs", default="runs", help="rendered recordings (default: runs)")
    words = "with --judgments or --speech: for table.txt and a folder of figures each"
    one.add_argument("--output", metavar="DIR", help=words)
    one.set_defaults(run=evaluate_distances)


def judged_pairs(given, source):
    """The answers on talkers that training did not have, rendered, and what they are in words."""
    folder = given.judgments or Path(given.data) / "jnd_judgments"
    found, dropped = read_judgments(folder)
    kept = [judgment for judgment in found if split_of(judgment.talker) == "test"]
    if not kept:
        raise InputError(f"{folder} holds answers on talkers of the training only; give tables of others")
    judged = Judged(kept, [rendered.render_judgments(source, kept, given.runs, given.seed, given.jobs)])
    talkers = ", ".join(sorted({judgment.talker for judgment in kept}))
    words = f"{len(kept)} of {len(found) + sum(dropped.values())} answers of {given.judgments or 'jnd_judgments'}"
    words += f": those on talkers that training did not have ({talkers}), rendered on {given.speech or 'speech/test'}"
    return judged, f"{words}, with noises and rooms of the test; ladders of {given.files} clips, seed {given.seed}"


def distances(given):
    """The checkpoints and what they are compared with, by name, and the distances that need no checkpoint."""
    sources = [*given.checkpoint, *given.metric]
    names = {source: Path(source).name for source in sources}
    if len(set(names.values())) < len(sources):
        raise InputError("two of the metrics have one name; give each once, or rename a directory")
    models = {name: preset.load(source) for source, name in names.items()}
    for name, model in models.items():
        if not hasattr(model, "distance"):
            raise InputError(f"{name} gives no distance; name a checkpoint of the jnd family")
    return models, {
        "squared error": baselines.squared_error(),
        "SI-SDR": baselines.si_sdr(),
        "PESQ wb": baselines.pesq(given.jobs),
        "multi-resolution STFT": baselines.of_loss(MultiResolutionSTFT()),
    }


def evaluate_distances(given):
    own = not (given.judgments or given.speech)
    if own and given.output:
        raise InputError("--output goes with --judgments or --speech; without them the card is renewed")
    cards = [with_words(registry.info(source)) if own else {} for source in given.checkpoint]
    models, plain = distances(given)
    report = [rating_table(models | plain, given.mos)] if given.mos else []
    source = rendered.Source(given.data, given.speech)
    judged, words = judged_pairs(given, source)
    ladders = rendered.render_ladders(source, given.files, given.runs, given.seed, given.jobs)
    asked = judged, ladders, evaluate.draw_triplets(given.files, seed=given.seed)
    shown = list(models)[: len(given.checkpoint)]
    found = {name: evaluate.evaluate(models[name], *asked) for name in shown}
    report += [words, *(manners(name, facts) for name, (facts, _) in found.items())]
    compared = {name: metric for name, metric in (models | plain).items() if name not in found}
    found |= {name: evaluate.compare(metric, *asked) for name, metric in compared.items()}
    text = "\n\n".join([*report, distance_tables({name: facts for name, (facts, _) in found.items()})])
    print(text)
    told = {"command": again(given), "commit": provenance.commit(), "data": words}
    told["compared"] = {name: found[name][0] for name in compared}
    for source, name, about in zip(given.checkpoint, shown, cards, strict=True):
        facts, (heard, probabilities) = found[name]
        lead = {other: answers.lead(judged.answers, heard, found[other][1][0]) for other in compared}
        if own:
            draw(registry.resolve(source), name, facts, judged.answers, probabilities)
            preset.write_card(registry.resolve(source), about | {"evaluation": told | facts | {"lead": lead}})
        elif given.output:
            draw(Path(given.output) / name, name, facts, judged.answers, probabilities)
    if given.output:
        with atomic_write(Path(given.output) / "table.txt") as part:
            part.write_text(f"{text}\n", encoding="utf-8")


def draw(directory, name, facts, different, probabilities):
    """A checkpoint's figures."""
    directory.mkdir(parents=True, exist_ok=True)
    figures.ladders(facts["ladders"], facts["jnd_distance"][0], name, directory / "ladders.png")
    figures.calibration(different, probabilities, name, directory / "calibration.png")


def again(given):
    """The command that repeats the evaluation."""
    changed = [f"--metric {metric}" for metric in given.metric]
    changed += [f"--files {given.files}"] * (given.files != CLIPS) + [f"--seed {given.seed}"] * (given.seed != 0)
    return " ".join(["python tools/evaluate.py jnd", *given.checkpoint, *changed])


def distance_tables(compared):
    """Every metric on the same answers and triplets, as text: AUC by table, and the rest."""
    groups = next(iter(compared.values()))["answers"]
    by_table = [
        [name, *(figure(facts["answers"][group]["auc"]) for group in groups)] for name, facts in compared.items()
    ]
    rows = []
    for name, facts in compared.items():
        overall = facts["answers"][answers.ALL]
        heard = [figure(overall[key]) if key in overall else "-" for key in ("calibration_error", "cross_entropy")]
        counts = [str(overall["n"]), str(overall["n_failed"] + facts["two_afc"]["n_failed"])]
        rows.append([name, *heard, figure(facts["two_afc"]["accuracy"]), figure(facts["jnd_distance"], ".3g"), *counts])
    header = ["", "calibration error", "cross-entropy", "2AFC accuracy", "distance at the JND", "answers", "failed"]
    return "\n\n".join(
        [tables.table(["AUC on answers", *(f"{group} ({groups[group]['n']})" for group in groups)], by_table),
         tables.table(header, rows)]
    )  # fmt: skip


def manners(name, facts):
    """How a metric goes up its ladders, and what shifts and levels cost, as text."""
    ladders = [
        [
            axis,
            *(figure(found["distance"][rung], ".3g") for rung in (0, -1)),
            tables.number(found["spearman"]),
            "yes" if found["rises"] else "no",
        ]
        for axis, found in facts["ladders"].items()
    ]
    threshold = facts["jnd_distance"][0]
    costs = [
        [f"{step:g} {unit}", figure(triple, ".3g"), tables.number(triple[0] / threshold)]
        for key, column, unit in (("shifts", "samples", "samples later"), ("levels", "db", "dB louder"))
        for step, triple in zip(facts[key][column], facts[key]["distance"], strict=True)
    ]
    return "\n\n".join(
        [tables.table([name, "mildest rung", "severest rung", "Spearman", "rises at every rung"], ladders),
         tables.table([name, "distance", "in JND"], costs)]
    )  # fmt: skip


def rating_table(metrics, path):
    """Correlation of each metric with ratings, as text; rows that cannot be used are told on stderr."""
    rows = []
    for metric_name, metric in metrics.items():
        rated = ratings.rate(metric, path)
        for row in rated:
            if row["error"]:
                print(f"evaluate: {metric_name}: {row['error']}", file=sys.stderr)
        found = ratings.report(rated)
        if len(found["speakers"]) > 1:
            for speaker, facts in found["speakers"].items():
                cells = [tables.number(facts["spearman"]), tables.number(facts["pearson"])]
                rows.append([metric_name, speaker, *cells, str(facts["n"]), str(facts["n_failed"])])
        mean = found["mean"]
        cells = [figure(mean["spearman"]), figure(mean["pearson"])]
        rows.append([metric_name, "mean of speakers", *cells, str(mean["n"]), str(mean["n_failed"])])
    return tables.table(["ratings", "speaker", "Spearman", "Pearson", "n", "failed"], rows)
