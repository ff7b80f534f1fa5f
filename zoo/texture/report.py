"""Evaluation of texture synthesis: the paper's Table 1, its comparison of networks, and its two figures."""

import hashlib
import json
from pathlib import Path

from zoo.checkpoint import integrity, preset, provenance, registry
from zoo.checkpoint.results import again, figure, with_words
from zoo.cli import tables
from zoo.errors import InputError
from zoo.texture import evaluate, figures

CHECKPOINT = "texture-ensemble-16k"  # whose card keeps it
DEFAULTS = {"seconds": 3.0, "iterations": 100, "phase_iterations": 100, "few": None, "seed": 0}
DEFAULTS |= {"classifier": "texture-classifier-16k"}
FIGURE = "rhythmic"  # the group that the figures and the comparison of networks are on


def add(families, shared):
    """The arguments of `texture`."""
    one = families.add_parser("texture", parents=[shared], help="scores of synthesised textures and of other methods")
    one.add_argument("--seconds", type=float, help="of each texture (default: 3)")
    one.add_argument("--iterations", type=int, help="of every optimisation (default: 100; the paper: 2000)")
    one.add_argument("--phase-iterations", type=int, help="of Griffin-Lim (default: 100; the paper: 500)")
    one.add_argument("--few", type=int, help="at most so many textures of a group (default: all)")
    one.add_argument("--seed", type=int, help="of the noise and the phases (default: 0)")
    one.add_argument("--classifier", help="of the class score (default: texture-classifier-16k)")
    one.add_argument("--runs", default="runs", help="keeps what is synthesised, and goes on from there (default: runs)")
    one.set_defaults(run=evaluate_textures, **DEFAULTS)


def evaluate_textures(given):
    about, commit = with_words(registry.info(CHECKPOINT)), provenance.commit()
    judge = evaluate.Judge(preset.load(given.classifier))
    textures, groups = evaluate.read_textures(Path(given.data) / "textures", given.seconds, given.few)
    settings = {"iterations": given.iterations, "phase_iterations": given.phase_iterations, "seed": given.seed}
    if FIGURE not in groups.values():
        raise InputError(f"{given.data}/textures holds no {FIGURE} texture, which the figures are of; add one")
    # What another commit, classifier or data made is not gone on with.
    weights = integrity.sha256(registry.resolve(given.classifier) / "model.weights.h5")
    told = json.dumps([settings, given.seconds, weights, str(given.data), commit]).encode()
    folder = Path(given.runs) / f"texture-{hashlib.sha256(told).hexdigest()[:8]}"
    rows = evaluate.run(evaluate.systems(settings), textures, judge, folder)
    some = {name: audio for name, audio in textures.items() if groups[name] == FIGURE}
    betas = evaluate.run(evaluate.trade_off(settings), some, judge, folder)
    usual = {"as above: widest kernel 64, 512 filters": {name: rows[evaluate.beta_name(1e-4)][name] for name in some}}
    networks = usual | evaluate.run(evaluate.architectures(settings), some, judge, folder)
    words = f"{len(textures)} textures, the first {given.seconds:g} s of each"
    setting = f"{given.iterations} iterations, {given.phase_iterations} of Griffin-Lim, seed {given.seed}"
    found = {
        "command": again("python tools/evaluate.py texture", given, DEFAULTS),
        "commit": commit,
        "data": f"{words}; {setting}; class score by {given.classifier}",
        "results": evaluate.table(rows, groups),
        "trade_off": evaluate.table(betas, groups),
        "networks": evaluate.table(networks, groups),
    }
    print(report(found))
    target = registry.resolve(CHECKPOINT)
    first = next(iter(some))
    made = {name: evaluate.read_made(folder, first, name) for name in (evaluate.GRAM, evaluate.beta_name(1e-3))}
    figures.by_shift(
        {name: judge.by_shift(some[first], audio) for name, audio in made.items()}, first, target / "shifts.png"
    )
    figures.trade_off(found["trade_off"], FIGURE, target / "trade-off.png")
    preset.write_card(target, about | {"evaluation": found})


def report(found):
    """The tables as text."""
    parts = [found["data"]]
    for title in ("results", "trade_off", "networks"):
        rows = [
            [
                system,
                group,
                *(figure(facts[score], ".4g") for score in evaluate.SCORES),
                str(facts["n"]),
                str(facts["n_failed"]),
            ]
            for system, by_group in found[title].items()
            for group, facts in by_group.items()
        ]
        parts.append(tables.table([title.replace("_", " "), "", *evaluate.SCORES, "n", "failed"], rows))
    return "\n\n".join(parts)
