"""Evaluation of separators: museval's scores of songs that training did not have, beside the floor and ideal masks."""

from dataclasses import asdict, dataclass

from zoo.base import tables
from zoo.base.files import check_output, write_text
from zoo.checkpoint import preset, provenance, registry
from zoo.checkpoint.card import evaluated_card, with_words, write_card
from zoo.errors import InputError
from zoo.metrics.separation import SCORES
from zoo.separation import evaluate, limits, listen
from zoo.separation.tracks import find_tracks, read_kinds

SUMMARY = "SDR, ISR, SIR, SAR of separated songs"
COMMAND = "python tools/evaluate.py separation --checkpoint {}"  # of a checkpoint's source
GROUPS = {
    "render": "held-back renders with held-back sounds and voices"
}  # of a kind of tracks; a song is a group of its own
OF_ANOTHER_SET = "all tracks"


@dataclass(frozen=True)
class Setting:
    """What separators are evaluated on.

    Attributes:
        tracks: folder with test/.
        seconds: the middle of each track that is used; None for all of it.
        window, hop: of museval's frames, in seconds.
        mode: "v4", one filter a track, or "v3", one a frame.
        gain: of the mixtures, in dB.
    """

    tracks: str = "runs/music"
    seconds: float | None = None
    window: float = 30.0
    hop: float = 15.0
    mode: str = "v4"
    gain: float = 0.0

    def options(self):
        """The options of a command line that differ from the usual setting, as text."""
        usual = asdict(Setting())
        return "".join(f" --{name} {value}" for name, value in asdict(self).items() if value != usual[name])


def add_arguments(parser):
    """Add the options of `zoo evaluate separation` to a parser."""
    parser.add_argument(
        "--checkpoint", action="append", help="a bundled name or a directory with a slash; may be repeated (all)"
    )
    parser.add_argument("--tracks", metavar="DIR", help="folder with test/ (default: runs/music)")
    parser.add_argument("--seconds", type=float, help="only the middle of each track (default: all of it)")
    parser.add_argument("--window", type=float, help="of a frame in seconds (default: 30)")
    parser.add_argument("--hop", type=float, help="from frame to frame in seconds (default: 15)")
    parser.add_argument("--mode", help="v4: one filter a track; v3: one a frame (default: v4)")
    words = "of the mixtures in dB, to see what a level costs; other than 0 (the default), no card is renewed"
    parser.add_argument("--gain", metavar="DB", type=float, help=words)
    parser.add_argument(
        "--cache", help="folder for museval's results, so that a second run goes on (default: runs/museval)"
    )
    words = "a page to hear stretches of the test songs on, by every system, instead of scores: renews no card"
    parser.add_argument("--listen", metavar="PAGE.html", help=words)
    parser.set_defaults(cache="runs/museval", **asdict(Setting()))


def run(arguments):
    """`zoo evaluate separation`: on the test tracks of a folder; renews the cards of bundled checkpoints."""
    bundled = [name for name in registry.names() if registry.info(name)["family"] == "separation"]
    checkpoints = arguments.checkpoint or bundled
    if not checkpoints:
        raise InputError("no separator is bundled: train one (tools/train.py), or give --checkpoint")
    setting = Setting(**{name: getattr(arguments, name) for name in asdict(Setting())})
    if arguments.listen:
        _write_page(arguments.listen, checkpoints, setting)
        return
    evaluations = _evaluate(checkpoints, setting, arguments.jobs, arguments.cache)
    for name in checkpoints:
        if name in bundled and not setting.gain:
            command = COMMAND.format(name) + setting.options()
            card = evaluated_card(with_words(registry.info(name)), command, *evaluations[name])
            write_card(registry.resolve(name), card)


def _write_page(path, checkpoints, setting):
    """The page of `--listen`."""
    check_output(path)
    separators = {source: evaluate.separator(_load(source), setting.gain) for source in checkpoints}
    page = listen.page(separators, find_tracks(setting.tracks, "test"), setting.seconds)
    write_text(path, lambda file: file.write(page))
    print(f"{path}: {len(page) / 1e6:.1f} MB")


def evaluate_checkpoint(directory, data, runs, n_jobs, command):
    """Evaluate a saved separator on whole test tracks, and complete its card; there are no figures.

    Args:
        directory: of the checkpoint, with a card.
        data: folder of tracks, with test/.
        runs: folder for museval's results, so that a second evaluation goes on.
        n_jobs: processes for museval, joblib's counting.
        command: that repeats the evaluation, for the card.
    """
    source = f"{directory}/"
    evaluations = _evaluate([source], Setting(data), n_jobs, f"{runs}/museval")
    write_card(directory, evaluated_card(registry.info(source), command, *evaluations[source]))


def _evaluate(checkpoints, setting, n_jobs, cache):
    """Evaluate and print every system; gives {source: (commit, data in words, figures)} of the checkpoints."""
    tracks, kinds = find_tracks(setting.tracks, "test"), read_kinds(setting.tracks)
    groups = {
        track.name: GROUPS.get(kinds.get(track.name), track.name) if kinds else OF_ANOTHER_SET for track in tracks
    }
    systems = evaluate.SYSTEMS | {source: evaluate.separator(_load(source), setting.gain) for source in checkpoints}
    scores, results = {}, {}
    for name, system in systems.items():
        scores[name] = evaluate.score(
            system, tracks, setting.seconds, setting.window, setting.hop, setting.mode, n_jobs, cache
        )
        results[name] = evaluate.table(scores[name], groups)
        print(f"{name}\n{_as_text(results[name])}\n")
    stretches = {track.name: listen.stretch(evaluate.read(track, setting.seconds), limits.SECONDS) for track in tracks}
    used = f"the middle {setting.seconds:g} s of each" if setting.seconds else "whole"
    words = f"{len(tracks)} tracks, {used}; {setting.mode}, frames of {setting.window:g} s every {setting.hop:g} s"
    commit, floor = provenance.commit(), results[evaluate.FLOOR]
    references = {name: results[name] for name in evaluate.SYSTEMS}
    figures = {
        source: {
            "results": results[source],
            "gains": evaluate.gains(results[source], floor),
            "by_song": dict(
                zip(("songs", "means"), evaluate.song_gains(scores[source], scores[evaluate.FLOOR]), strict=True)
            ),
            "limits": limits.measure(systems[source], stretches),
            "references": references,
        }
        for source in checkpoints
    }
    return {source: (commit, words, figures[source]) for source in checkpoints}


def _load(source):
    model = preset.load(source)
    if not hasattr(model, "separate"):
        raise InputError(f"{source} is a {type(model).__name__}, which separates nothing")
    return model


def _as_text(by_group):
    """A system's table as text."""
    header = ["tracks", "source", *(score.upper() for score in SCORES), "median SDR", "SI-SDR", "frames"]
    rows = [[group, source, *_cells(facts)] for group, sources in by_group.items() for source, facts in sources.items()]
    return tables.table(header, rows)


def _cells(facts):
    means = [f"{facts[score]['mean']:.2f} +- {facts[score]['deviation']:.2f}" for score in SCORES]
    return [*means, f"{facts['sdr']['median']:.2f}", f"{facts['si-sdr']:.2f}", str(facts["sdr"]["n"])]
