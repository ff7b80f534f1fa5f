"""Evaluate checkpoints on the test set and renew their cards, or on any recordings.

    python tools/evaluate.py quality-net --checkpoint quality-net-lite-pesq-wb-16k
    python tools/evaluate.py quality-net --checkpoint quality-net-lite-pesq-wb-16k --pairs pairs.csv
    python tools/evaluate.py enhancement
    python tools/evaluate.py enhancement --checkpoint blstm-mse-16k --speech clean/ --noise noise/ --output scores/
    python tools/evaluate.py jnd jnd-22k --metric dpam/
    python tools/evaluate.py jnd jnd-22k --judgments tables/ --speech clean/ --mos ratings.csv --output scores/

A pairs CSV has the columns reference and degraded, recordings at the checkpoint's rate, relative to its folder; and if
you like kind (noisy, enhanced, clean) and snr_db, which split the table. Folders of speech and of noise may hold
recordings of any rate; one of speech has a folder a talker, or just files. A CSV of ratings has the columns file and
reference, relative to its folder, mos, and if you like speaker, whose mean is then taken. The words of a bundled checkpoint's card
(description, data, licences, departures, limits) come from tools/configs/<name>.toml.
"""

import argparse
import csv
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from zoo import preset, provenance, registry
from zoo.audio import io
from zoo.audio.corpus import SAMPLE_RATE
from zoo.commands import tables
from zoo.enhancement import evaluate as enhancement
from zoo.enhancement import figures, sources
from zoo.enhancement.loss import MultiResolutionSTFT
from zoo.errors import InputError
from zoo.jnd import baselines, ratings, rendered
from zoo.jnd import evaluate as jnd
from zoo.jnd import figures as jnd_figures
from zoo.jnd.judgments import read_judgments, split_of
from zoo.jnd.train import Judged
from zoo.quality_net import card, evaluate
from zoo.quality_net.train import Recipe
from zoo.training import read_words

CONFIGS = Path(__file__).parent / "configs"
# Whose curves are the paper's Figure 2; they and the other BLSTMs are in its Figure 3, both beside the last one's card.
FOOLED_AND_CURED = ("blstm-mse-16k", "blstm-quality-net-16k", "blstm-quality-net-refresh-16k")
FIGURE_SNR_DB = 6
CLIPS = 50  # of the ladders


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--data", default=os.environ.get("ZOO_DATA", "../shared/data"), help="recordings (ZOO_DATA)")
    shared.add_argument("--jobs", type=int, default=-1, help="processes (default: all cores)")
    families = parser.add_subparsers(required=True, metavar="family")
    one = families.add_parser("quality-net", parents=[shared], help="agreement of a surrogate with its metric")
    one.add_argument("--checkpoint", required=True, help="a bundled name or a directory with a slash")
    one.add_argument("--pairs", help="CSV with the columns reference and degraded")
    one.add_argument("--output", help="with --pairs: CSV of true and predicted scores")
    one.add_argument("--scatter", help="with --pairs: PNG of predicted against true scores")
    one.add_argument("--runs", default="runs", help="test pairs and labels (default: runs)")
    one.set_defaults(run=evaluate_surrogate)
    one = families.add_parser("enhancement", parents=[shared], help="true PESQ, STOI and SI-SDR of enhanced speech")
    one.add_argument(
        "--checkpoint", action="append", help="a bundled name or a directory with a slash; may be repeated (all)"
    )
    one.add_argument("--speech", metavar="DIR", help="clean speech, instead of the test set")
    one.add_argument("--timit", metavar="DIR", help="TIMIT, instead of the test set")
    one.add_argument("--noise", metavar="DIR", help="noise, with --speech or --timit")
    one.add_argument("--voice-bank", metavar="DIR", help="Voice Bank-DEMAND, instead of the test set")
    one.add_argument("--output", metavar="DIR", help="for table.txt, table.csv; of another test set the figure too")
    one.set_defaults(run=evaluate_enhancers)
    one = families.add_parser("jnd", parents=[shared], help="agreement of a distance with listeners, and its manners")
    one.add_argument("checkpoint", help="a bundled name or a directory with a slash")
    one.add_argument("--metric", action="append", default=[], help="another one to compare with; may be repeated")
    one.add_argument("--judgments", metavar="DIR", help="tables of answers, instead of jnd_judgments in --data")
    one.add_argument("--speech", metavar="DIR", help="speech to render on, instead of the test's")
    one.add_argument("--mos", metavar="CSV", help="ratings to compare with, too")
    one.add_argument("--files", type=int, default=CLIPS, help=f"for ladders, shifts and levels (default: {CLIPS})")
    one.add_argument("--seed", type=int, default=0, help="of those clips, and of what is drawn (default: 0)")
    one.add_argument("--runs", default="runs", help="rendered recordings (default: runs)")
    one.add_argument("--output", metavar="DIR", help="with --judgments or --speech: for table.txt and the figures")
    one.set_defaults(run=evaluate_distances)
    return parser.parse_args()


def with_words(about):
    """A card with the words of its recipe's file, where it has one."""
    config = CONFIGS / f"{about['name']}.toml"
    return about | (read_words(config) if config.exists() else {})


def write_rows(path, rows):
    with io.replacing(path) as part, open(part, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


# --- surrogates -------------------------------------------------------------------------------------------------


def show(results):
    """Print agreement by group, a line each."""
    for group, facts in results.items():
        shown = "  ".join(f"{key} {facts[key][0]:.3f}" for key in ("pearson", "spearman", "rmse", "mae"))
        print(f"{group:12} n {facts['n']:5}  failed {facts['n_failed']:3}  {shown}")


def on_pairs(directory, recipe, given):
    rows = evaluate.evaluate_pairs(preset.load(directory), recipe.target(), given.pairs, given.jobs)
    for row in rows:
        if row["error"]:
            print(f"evaluate: {row['error']}", file=sys.stderr)
    if given.output:
        write_rows(given.output, rows)
    truth, predicted = (np.array([row[side] for row in rows]) for side in ("truth", "predicted"))
    if given.scatter:
        evaluate.scatter(rows, truth, predicted, recipe.name, given.scatter)
    show(evaluate.report(rows, truth, predicted))


def on_test_pairs(directory, about, recipe, given):
    command = f"python tools/evaluate.py quality-net --checkpoint {given.checkpoint}"
    about = card.evaluated_card(directory, with_words(about), recipe, given.data, given.runs, command, given.jobs)
    preset.write_card(directory, about)
    show(about["evaluation"]["results"])


def evaluate_surrogate(given):
    directory, about = registry.resolve(given.checkpoint), registry.info(given.checkpoint)
    recipe = Recipe(**about["training"]["recipe"])
    if given.pairs:
        on_pairs(directory, recipe, given)
    else:
        on_test_pairs(directory, about, recipe, given)


# --- enhancers --------------------------------------------------------------------------------------------------


def mixtures(given):
    """The mixtures to enhance, and what they are in words."""
    if given.speech:
        found, source = sources.test_on_folders(given.speech, given.noise), f"{given.speech} with {given.noise}"
    elif given.timit:
        found, source = sources.test_on_timit(given.timit, given.noise), f"TIMIT's test talkers with {given.noise}"
    elif given.voice_bank:
        found, source = sources.test_on_voice_bank(given.voice_bank), "the test recordings of Voice Bank-DEMAND"
    else:
        found = sources.test_on_data(given.data)
        source = "speech/test with noise/test, talkers and recordings of noise that training did not have"
    utterances = len({example.name for example in found})
    levels = sorted({example.snr_db for example in found if example.snr_db is not None})
    snrs = f" at {', '.join(f'{level:g}' for level in levels)} dB" if levels else ""
    return found, f"{len(found)} mixtures of {utterances} utterances{snrs}: {source}"


def check(given):
    """Whether the test set is of the data folder; what is given of another one must be whole."""
    others = [given.speech, given.timit, given.voice_bank]
    if sum(map(bool, others)) > 1 or bool(given.noise) != bool(given.speech or given.timit):
        raise InputError("give --speech or --timit with --noise, or --voice-bank, or none of them for the test set")
    if any(others) and not given.output:
        raise InputError("give --output, a folder for the tables and the figure")
    return not any(others)


def evaluate_enhancers(given):
    own = check(given)
    bundled = [name for name in registry.names() if registry.info(name)["family"] == "enhancement"]
    names = given.checkpoint or bundled
    if not names:
        raise InputError("no enhancer is bundled: train one (tools/train_enhancement.py), or give --checkpoint")
    cards = {name: with_words(registry.info(name)) for name in names} if own else {}
    compared = dict.fromkeys([*(base for name in names for base in enhancement.bases(name) if base in bundled), *names])
    systems = {name: system for name, (_, system) in enhancement.BASELINES.items()}
    systems |= {name: preset.load(registry.resolve(name)) for name in compared}
    found, words = mixtures(given)
    scored = {name: enhancement.score(system, found, given.jobs) for name, system in systems.items()}
    evaluations = {name: enhancement.evaluation(scored, name) for name in compared}
    report(evaluations, words, given.output)
    example = min(found, key=lambda one: abs((one.snr_db or 0) - FIGURE_SNR_DB))
    if not own:
        draw(example, systems, list(compared), Path(given.output) / "spectrograms.png")
        return
    for name, about in cards.items():
        command = f"python tools/evaluate.py enhancement --checkpoint {name}"
        facts = {"command": command, "commit": provenance.commit(), "data": words}
        preset.write_card(registry.resolve(name), about | {"evaluation": facts | evaluations[name]})
    for name in cards:
        plot(name, bundled, systems, example)


def report(evaluations, words, output):
    """Print Table I and the gains, and keep both in a folder, if one is given."""
    first = next(iter(evaluations.values()))
    columns = {heading: first[name] for name, (heading, _) in enhancement.BASELINES.items()}
    columns |= {name: found["results"] for name, found in evaluations.items()}
    gains = {f"{name} {over}": gain for name, found in evaluations.items() for over, gain in found["gains"].items()}
    text = "\n\n".join([words, enhancement.table(columns), enhancement.gain_table(gains)])
    print(text)
    if output:
        Path(output).mkdir(parents=True, exist_ok=True)
        with io.replacing(Path(output) / "table.txt") as part:
            part.write_text(f"{text}\n", encoding="utf-8")
        write_rows(Path(output) / "table.csv", enhancement.records(columns))


def plot(name, bundled, systems, example):
    """A checkpoint's figures, beside its card."""
    directory, curves, shown = registry.resolve(name), [name], [name]
    if name == FOOLED_AND_CURED[-1]:
        curves = [other for other in FOOLED_AND_CURED if other in bundled]
        shown = [other for other in bundled if other.startswith("blstm-")]
        systems = systems | {other: preset.load(registry.resolve(other)) for other in shown if other not in systems}
    trainings = {other: registry.info(other)["training"] for other in curves}
    if len(curves) > 1:  # the fooling: trainings that were not kept, from the card of the fixed surrogate
        tried = registry.info(FOOLED_AND_CURED[1]).get("experiments", []) if FOOLED_AND_CURED[1] in curves else []
        trainings |= {facts["change"].replace(", ", ",\n"): facts for facts in tried if "curve" in facts}
    figures.learning(trainings, directory / "learning.png")
    draw(example, systems, shown, directory / "spectrograms.png")


def draw(example, systems, names, path):
    """Spectrograms of one mixture: clean, by every classical system, and by some checkpoints."""
    headings = {name: heading for name, (heading, _) in enhancement.BASELINES.items()}
    if example.snr_db is not None:
        headings["noisy"] += f", {example.snr_db:g} dB"
    headings |= {name: name for name in names}
    made = {words: enhancement.enhance(systems[name], [example.noisy])[0] for name, words in headings.items()}
    figures.spectrograms(example.reference, made, SAMPLE_RATE, path)


# --- distances --------------------------------------------------------------------------------------------------


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
    """The checkpoint and what it is compared with by name, and the distances that need no checkpoint."""
    names = {source: Path(source).name for source in (given.checkpoint, *given.metric)}
    if len(set(names.values())) < 1 + len(given.metric):
        raise InputError("two of the metrics have one name; give each once, or rename a directory")
    models = {name: preset.load(registry.resolve(source)) for source, name in names.items()}
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
    about = with_words(registry.info(given.checkpoint)) if own else {}
    models, plain = distances(given)
    report = [rating_table(models | plain, given.mos)] if given.mos else []
    source = rendered.Source(given.data, given.speech)
    judged, words = judged_pairs(given, source)
    ladders = rendered.render_ladders(source, given.files, given.runs, given.seed, given.jobs)
    asked = judged, ladders, jnd.draw_triplets(given.files, seed=given.seed)
    found = {name: jnd.evaluate(model, *asked) for name, model in models.items()}
    (name, (facts, probabilities)), *_ = found.items()
    report += [words, *(manners(name, facts) for name, (facts, _) in found.items())]
    found |= {name: jnd.compare(metric, *asked) for name, metric in plain.items()}
    compared = {other: facts for other, (facts, _) in found.items()}
    text = "\n\n".join([*report, distance_tables(compared)])
    print(text)
    directory = registry.resolve(given.checkpoint) if own else given.output and Path(given.output)
    if directory:
        directory.mkdir(parents=True, exist_ok=True)
        jnd_figures.ladders(facts["ladders"], facts["jnd_distance"][0], name, directory / "ladders.png")
        jnd_figures.calibration(judged.answers, probabilities, name, directory / "calibration.png")
    if own:
        del compared[name]
        told = {"command": again(given), "commit": provenance.commit(), "data": words}
        preset.write_card(directory, about | {"evaluation": told | facts | {"compared": compared}})
    elif directory:
        with io.replacing(directory / "table.txt") as part:
            part.write_text(f"{text}\n", encoding="utf-8")


def again(given):
    """The command that repeats the evaluation of a checkpoint."""
    changed = [f"--metric {metric}" for metric in given.metric]
    changed += [f"--files {given.files}"] * (given.files != CLIPS) + [f"--seed {given.seed}"] * (given.seed != 0)
    return " ".join(["python tools/evaluate.py jnd", given.checkpoint, *changed])


def figure(triple, shape=".3f"):
    """A figure with its interval to print; "-" where there is none."""
    value, low, high = (format(number, shape) for number in triple)
    return "-" if value == "nan" else value if low == "nan" else f"{value} [{low}, {high}]"


def distance_tables(compared):
    """Every metric on the same answers and triplets, as text: AUC by table, and the rest."""
    groups = next(iter(compared.values()))["answers"]
    by_table = [
        [name, *(figure(facts["answers"][group]["auc"]) for group in groups)] for name, facts in compared.items()
    ]
    rows = []
    for name, facts in compared.items():
        overall = facts["answers"][jnd.ALL]
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
        [axis, figure(found["distance"][0], ".3g"), figure(found["distance"][-1], ".3g"), tables.number(found["spearman"]),
         "yes" if found["rises"] else "no"]
        for axis, found in facts["ladders"].items()
    ]  # fmt: skip
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


def main():
    given = arguments()
    given.run(given)


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"evaluate: {error}")
