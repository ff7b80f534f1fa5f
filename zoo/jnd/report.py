"""Evaluation of distances: their agreement with listeners, and sanity checks on ladders, shifts and levels."""

from dataclasses import dataclass
from pathlib import Path

from zoo.base.files import atomic_write, check_folder
from zoo.checkpoint import preset, provenance, registry
from zoo.checkpoint.card import evaluated_card, with_words, write_card
from zoo.errors import InputError
from zoo.jnd import answers, baselines, evaluate, figures, graded, music, rendered, severity, songs, text_tables
from zoo.jnd.batches import Judged
from zoo.jnd.judgments import read_judgments, split_of
from zoo.jnd.studies import is_study, read_triplets
from zoo.losses.signal import MultiResolutionSTFT

SUMMARY = "agreement of a distance with listeners, and sanity checks"
COMMAND = "python tools/evaluate.py jnd {}"  # of a checkpoint's source
CLIPS = 50  # of the ladders
_FEW = 12  # clips that get every graded degradation


@dataclass(frozen=True)
class Setting:
    """What distances are evaluated on.

    Attributes:
        data: folder of recordings and of jnd_judgments.
        judgments: folder with tables of answers, or triplets of a study, instead of the data's; None for those.
        speech: folder of speech to render on; None for the test's.
        files: clips of the ladders, shifts and levels.
        seed: of those clips, and of what is drawn.
        runs: folder of rendered recordings.
        n_jobs: processes, joblib's counting.
        graded: clips of the second test with graded degradations; 0 for none.
        lyra: folder of Lyra's networks for those; None to do without that codec.
        music: folder of recordings of music, for codecs at falling rates; None for none.
    """

    data: str
    judgments: str | None = None
    speech: str | None = None
    files: int = CLIPS
    seed: int = 0
    runs: str = "runs"
    n_jobs: int = -1
    graded: int = 0
    lyra: str | None = None
    music: str | None = None

    @property
    def standard(self):
        """Whether it is that of a checkpoint's card."""
        return not (self.judgments or self.speech)


def add_arguments(parser):
    """Add the options of `zoo evaluate jnd` to a parser."""
    parser.add_argument("checkpoint", nargs="+", help="bundled names or directories with a slash")
    parser.add_argument("--metric", action="append", default=[], help="one to compare them with; may be repeated")
    words = "tables of answers, or triplets.csv of a listening study (no ladders), instead of jnd_judgments in --data"
    parser.add_argument("--judgments", metavar="DIR|CSV", help=words)
    parser.add_argument("--speech", metavar="DIR", help="speech to render on, instead of the test's")
    parser.add_argument("--visqol", action="store_true", help="compare with ViSQOL too (the extra visqol)")
    parser.add_argument("--mos", metavar="CSV", help="ratings to compare with, too")
    parser.add_argument("--triplets", metavar="CSV", help="listeners' votes on triplets to compare with, too")
    parser.add_argument("--files", type=int, default=CLIPS, help=f"for ladders, shifts and levels (default: {CLIPS})")
    parser.add_argument("--seed", type=int, default=0, help="of those clips, and of what is drawn (default: 0)")
    words = "clips of the second test with graded degradations to evaluate on too (the extra severity; cards have 128)"
    parser.add_argument("--graded", type=int, default=0, metavar="N", help=words)
    parser.add_argument("--lyra", metavar="DIR", help="networks of the codec Lyra, for --graded")
    words = "recordings of music, to climb codecs at falling rates on too (the extra visqol and the program ffmpeg)"
    parser.add_argument("--music", metavar="DIR", help=words)
    parser.add_argument("--runs", default="runs", help="rendered recordings (default: runs)")
    words = "with --judgments or --speech: for table.txt and a folder of figures each"
    parser.add_argument("--output", metavar="DIR", help=words)


def run(arguments):
    """`zoo evaluate jnd`: on the test's answers, which renews the cards, or on other answers or speech."""
    setting = Setting(
        arguments.data,
        arguments.judgments,
        arguments.speech,
        arguments.files,
        arguments.seed,
        arguments.runs,
        arguments.jobs,
        arguments.graded,
        arguments.lyra,
        arguments.music,
    )
    if arguments.lyra and not arguments.graded:
        raise InputError("--lyra goes with --graded: say how many clips")
    if setting.standard and arguments.output:
        raise InputError("--output goes with --judgments or --speech; without them the card is renewed")
    if arguments.output:
        check_folder(arguments.output)
    if setting.standard:
        for source in arguments.checkpoint:
            write_card(registry.resolve(source), with_words(registry.info(source)))
    tables_of_listeners = {text_tables.of_ratings: arguments.mos, text_tables.of_triplets: arguments.triplets}
    evaluation = _Evaluation(arguments.checkpoint, arguments.metric, setting, arguments.visqol, tables_of_listeners)
    if setting.standard:
        evaluation.renew_cards(_command(arguments))
    elif arguments.output:
        evaluation.write(Path(arguments.output))


def evaluate_checkpoint(directory, data, runs, n_jobs, command):
    """Evaluate a saved distance on the test's answers; draws its figures beside it, and completes its card.

    One that was trained on a listening study is evaluated on the answers that were held out of that study.

    Args:
        directory: of the checkpoint, with a card.
        data: folder of recordings and of jnd_judgments.
        runs: folder of rendered recordings.
        n_jobs: processes, joblib's counting.
        command: that repeats the evaluation, for the card.
    """
    study = registry.info(f"{directory}/")["training"].get("judgments")
    if study:
        command = f"{command} --judgments {study}"
    _Evaluation([f"{directory}/"], [], Setting(data, study, runs=runs, n_jobs=n_jobs)).renew_cards(command)


class _Evaluation:
    """Checkpoints and what they are compared with, evaluated in a setting; prints the tables.

    Args:
        checkpoints: sources.
        others: sources of metrics to compare them with.
        setting: `Setting`.
        visqol: whether to compare with ViSQOL too.
        listeners: {function of metrics and a CSV that gives a table: CSV or None}, to compare with too.
    """

    def __init__(self, checkpoints, others, setting, visqol=False, listeners=None):
        models = _load([*checkpoints, *others])
        self.sources = dict(zip(models, checkpoints, strict=False))  # {name: source}
        compared = {name: model for name, model in models.items() if name not in self.sources}
        compared |= {
            "squared error": baselines.squared_error(),
            "SI-SDR": baselines.si_sdr(),
            "PESQ wb": baselines.pesq(setting.n_jobs),
            "multi-resolution STFT": baselines.of_loss(MultiResolutionSTFT()),
        }
        if visqol:
            compared["ViSQOL"] = baselines.visqol()
        text = [table(models | compared, path) for table, path in (listeners or {}).items() if path]
        # First, for it needs a program and a package that may be missing.
        stereo = music.render_stereo(setting.music, setting.runs, setting.n_jobs) if setting.music else None
        self.judged, self.words, ladders = _judged_pairs(setting)
        tests = self.judged, ladders, evaluate.draw_triplets(setting.files, seed=setting.seed)
        self.facts, self.values = {}, {}  # figures, and distances and probabilities, by name
        for name in self.sources:
            self.facts[name], self.values[name] = evaluate.evaluate(models[name], *tests)
        for name, metric in compared.items():
            self.facts[name], self.values[name] = evaluate.compare(metric, *tests)
        self.compared = list(compared)
        if setting.graded:
            source = rendered.Source(setting.data, split="test2")
            how = setting.runs, setting.lyra, setting.seed, setting.n_jobs
            degraded = severity.render(source, setting.graded, *how)
            climbed = severity.render_ladders(source, min(setting.graded, _FEW), *how)
            for name, metric in (models | compared).items():
                self.facts[name]["graded"] = graded.evaluate(
                    metric, degraded, climbed if name in self.sources else None
                )
        if setting.music:
            recordings = {"recordings": [path.name for path in songs.recordings(setting.music)]}
            for name, metric in (models | compared).items():
                facts = graded.music_report(graded.measure(metric, stereo), stereo)
                self.facts[name]["music"] = (recordings if name in self.sources else {}) | facts
        text.append(self.words)
        text += [text_tables.sanity_checks(name, self.facts[name]) for name in self.sources if ladders is not None]
        text += [text_tables.past_threshold(self.facts)] if setting.graded else []
        text += [text_tables.on_music(self.facts)] if setting.music else []
        self.text = "\n\n".join([*text, text_tables.distances(self.facts)])
        print(self.text)

    def renew_cards(self, command):
        """Write the cards and figures of the checkpoints."""
        commit, compared = provenance.commit(), {name: self.facts[name] for name in self.compared}
        for name, source in self.sources.items():
            directory = registry.resolve(source)
            self._draw(directory, name)
            lead = {other: self._lead(name, other) for other in self.compared}
            results = {"compared": compared} | self.facts[name] | {"lead": lead}
            write_card(directory, evaluated_card(registry.info(source), command, commit, self.words, results))

    def write(self, folder):
        """Write the tables, and a folder of figures for each checkpoint."""
        for name in self.sources:
            self._draw(folder / name, name)
        with atomic_write(folder / "table.txt") as temporary:
            temporary.write_text(f"{self.text}\n", encoding="utf-8")

    def _lead(self, name, other):
        return answers.lead(self.judged.answers, self.values[name][0], self.values[other][0])

    def _draw(self, directory, name):
        directory.mkdir(parents=True, exist_ok=True)
        facts = self.facts[name]
        if "ladders" in facts:
            figures.ladders(facts["ladders"], facts["jnd_distance"][0], name, directory / "ladders.png")
        if "graded" in facts:
            past = facts["graded"]["ladders"]
            figures.severity(past, facts["jnd_distance"][0], name, directory / "severity.png")
        if "music" in facts:
            figures.music(facts["music"]["ladders"], facts["jnd_distance"][0], name, directory / "music.png")
        figures.calibration(self.judged.answers, self.values[name][1], name, directory / "calibration.png")


def _load(sources):
    """{name: model}, in order; the name of a directory is the last part of its path."""
    names = {source: Path(source).name for source in sources}
    if len(set(names.values())) < len(sources):
        raise InputError("two of the metrics have one name; give each once, or rename a directory")
    models = {name: preset.load(source) for source, name in names.items()}
    for name, model in models.items():
        if not hasattr(model, "distance"):
            raise InputError(f"{name} gives no distance; name a checkpoint of the jnd family")
    return models


def _judged_pairs(setting):
    """The answers that training did not have, with their audio, what they are in words, and ladders to climb.

    A study has its own audio, so that nothing else is needed, and no ladders.
    """
    if is_study(setting.judgments):
        judged = read_triplets(setting.judgments, "test")
        return judged, f"{len(judged.judgments)} answers of the test in {setting.judgments}", None
    folder = setting.judgments or Path(setting.data) / "jnd_judgments"
    judgments, dropped = read_judgments(folder)
    tested = [judgment for judgment in judgments if split_of(judgment.talker) == "test"]
    if not tested:
        raise InputError(f"{folder} holds answers on talkers of the training only; give tables of others")
    source, how = rendered.Source(setting.data, setting.speech), (setting.runs, setting.seed, setting.n_jobs)
    renderings = [rendered.render_judgments(source, tested, *how)]
    talkers = ", ".join(sorted({judgment.talker for judgment in tested}))
    total = len(judgments) + sum(dropped.values())
    words = f"{len(tested)} of {total} answers of {setting.judgments or 'jnd_judgments'}"
    words += f": those on talkers that training did not have ({talkers}), rendered on {setting.speech or 'speech/test'}"
    words += f", with noises and rooms of the test; ladders of {setting.files} clips, seed {setting.seed}"
    return Judged(tested, renderings), words, rendered.render_ladders(source, setting.files, *how)


def _command(arguments):
    """The command that repeats the evaluation."""
    changed = [f"--metric {metric}" for metric in arguments.metric]
    changed += [f"--files {arguments.files}"] * (arguments.files != CLIPS)
    changed += [f"--seed {arguments.seed}"] * (arguments.seed != 0) + ["--visqol"] * arguments.visqol
    changed += [f"--graded {arguments.graded}"] * bool(arguments.graded)
    changed += [f"--lyra {arguments.lyra}"] * bool(arguments.lyra)
    changed += [f"--music {arguments.music}"] * bool(arguments.music)
    return " ".join([COMMAND.format(" ".join(arguments.checkpoint)), *changed])
