"""Evaluation of separators: museval's scores of songs that training did not have, beside the floor and ideal masks."""

from zoo.checkpoint import preset, provenance, registry
from zoo.checkpoint.results import again, with_words
from zoo.cli import tables
from zoo.errors import InputError
from zoo.metrics.separation import SCORES
from zoo.separation import evaluate
from zoo.separation.tracks import find_tracks, read_kinds

GROUPS = {"render": "held-back renders with held-back voices"}  # of a kind of tracks; a song is a group of its own
OF_ANOTHER_SET = "all tracks"
DEFAULTS = {"tracks": "runs/music", "seconds": None, "window": 30.0, "hop": 15.0, "mode": "v4"}


def add(families, shared):
    """The arguments of `separation`."""
    one = families.add_parser("separation", parents=[shared], help="SDR, ISR, SIR, SAR of separated songs")
    one.add_argument(
        "--checkpoint", action="append", help="a bundled name or a directory with a slash; may be repeated (all)"
    )
    one.add_argument("--tracks", metavar="DIR", help="folder with test/ (default: runs/music)")
    one.add_argument("--seconds", type=float, help="only the middle of each track (default: all of it)")
    one.add_argument("--window", type=float, help="of a frame in seconds (default: 30)")
    one.add_argument("--hop", type=float, help="from frame to frame in seconds (default: 15)")
    one.add_argument("--mode", help="v4: one filter a track; v3: one a frame (default: v4)")
    one.add_argument(
        "--cache", help="folder for museval's results, so that a second run goes on (default: runs/museval)"
    )
    one.set_defaults(run=evaluate_separators, cache="runs/museval", **DEFAULTS)


def evaluate_separators(given):
    bundled = [name for name in registry.names() if registry.info(name)["family"] == "separation"]
    names = given.checkpoint or bundled
    if not names:
        raise InputError("no separator is bundled: train one (tools/train_separation.py), or give --checkpoint")
    tracks = find_tracks(given.tracks, "test")
    kinds = read_kinds(given.tracks)
    groups = {
        track.name: GROUPS.get(kinds.get(track.name), track.name) if kinds else OF_ANOTHER_SET for track in tracks
    }
    settings = {"seconds": given.seconds, "window": given.window, "hop": given.hop, "mode": given.mode}
    settings |= {"n_jobs": given.jobs, "cache": given.cache}
    systems = evaluate.SYSTEMS | {name: evaluate.separator(_loaded(name)) for name in names}
    results = {}
    for name, system in systems.items():
        results[name] = evaluate.table(evaluate.score(system, tracks, **settings), groups)
        print(f"{name}\n{report(results[name])}\n")
    floor = results[evaluate.FLOOR]
    part = f"the middle {given.seconds:g} s of each" if given.seconds else "whole"
    words = f"{len(tracks)} tracks, {part}; {given.mode}, frames of {given.window:g} s every {given.hop:g} s"
    for name in names:
        command = again(f"python tools/evaluate.py separation --checkpoint {name}", given, DEFAULTS)
        facts = {"command": command, "commit": provenance.commit(), "data": words}
        facts |= {"results": results[name], "gains": evaluate.gains(results[name], floor)}
        facts["references"] = {other: results[other] for other in evaluate.SYSTEMS}
        if name in bundled:
            preset.write_card(registry.resolve(name), with_words(registry.info(name)) | {"evaluation": facts})


def _loaded(name):
    model = preset.load(name)
    if not hasattr(model, "separate"):
        raise InputError(f"{name} is a {type(model).__name__}, which separates nothing")
    return model


def report(by_group):
    """A system's table as text."""
    rows = [
        [group, source, *(f"{facts[s]['mean']:.2f} +- {facts[s]['deviation']:.2f}" for s in SCORES),
         f"{facts['sdr']['median']:.2f}", f"{facts['si-sdr']:.2f}", str(facts["sdr"]["n"])]
        for group, sources in by_group.items()
        for source, facts in sources.items()
    ]  # fmt: skip
    return tables.table(["tracks", "source", *(s.upper() for s in SCORES), "median SDR", "SI-SDR", "frames"], rows)
