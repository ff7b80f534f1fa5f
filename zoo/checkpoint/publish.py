"""Checkpoints to the Hugging Face Hub: what must be there before others are to trust one, and the commit that has it all."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from zoo.checkpoint import hub, integrity, preset, registry
from zoo.checkpoint.card import read_card
from zoo.checkpoint.page import page
from zoo.errors import InputError
from zoo.families import FAMILIES

# What nobody should have to guess of a published checkpoint, as paths into its card.
REQUIRED = (
    "family",
    "name",
    "architecture",
    "description",
    "sample_rate",
    "parameters",
    "data",
    "licence.code",
    "licence.weights",
    "licence.data",
    "training.command",
    "evaluation.command",
    "departures",
    "limits",
)
_FILES = (*integrity.KERAS_FILES, "golden.npz")


def push(source, repository, private=False, dry_run=False):
    """Publish a checkpoint on the Hugging Face Hub, in one commit.

    The repository then holds the Keras directory (`zoo.load("hf://org/name")`, and `keras.saving.load_model` once the
    classes are imported), `saved_model/1/` (`zoo.serving.export`), card.json, golden.npz, the card's pictures, and a README.md
    with the metadata that the Hub reads. What else it held is removed; earlier revisions stay.

    Args:
        source: as for `zoo.load`: a directory with a slash, or a bundled name.
        repository: "org/name"; made where it is missing.
        private: whether a new repository is private, and not what its owner's settings say.
        dry_run: check and write everything, and upload nothing.

    Returns:
        {"source": "hf://org/name@commit" to pin, or None after a dry run, "files": {name: bytes}}.

    Raises:
        InputError: the card lacks something that it must tell, the golden does not reproduce, the export fails, or as
            `zoo.checkpoint.hub.upload`. Nothing is uploaded then.

    Example:
        >>> push("my-metric/", "my-lab/my-metric", dry_run=True)["files"]  # doctest: +SKIP
    """
    if not hub.REPOSITORY.fullmatch(repository):
        raise InputError(f"{repository!r} is no repository: write org/name")
    checkpoint = registry.resolve(source)
    card = _complete(checkpoint)
    preset.load(checkpoint, verify=True)
    with tempfile.TemporaryDirectory() as outside:
        folder = Path(outside) / "repository"
        _stage(checkpoint, card, repository, folder)
        files = {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
        if dry_run:
            return {"source": None, "files": files}
        sha = hub.upload(folder, repository, f"{card['name']}, {card['files']['model.weights.h5'][:12]}", private)
    return {"source": f"{hub.SCHEME}{repository}@{sha}", "files": files}


def _complete(checkpoint):
    """The card of a checkpoint that has all that a published one must have."""
    card = read_card(checkpoint)
    if card is None:
        raise InputError(f"{checkpoint} has no card.json: zoo.save(model, directory, card=..., golden=...) writes it")
    # Lists of departures and limits may be empty, where there are none to tell.
    lacks = [f"{path} in card.json" for path in REQUIRED if _find(card, path) in (None, "", {}, "not stated")]
    lacks += [name for name in _FILES if not (checkpoint / name).is_file()]
    lacks += [f"files.{name} in card.json" for name in _FILES if name not in card.get("files", {})]
    if lacks:
        raise InputError(f"{checkpoint} lacks {', '.join(lacks)}: nothing is published without")
    if card["family"] not in FAMILIES:
        raise InputError(f"{checkpoint}: the card's family is {card['family']!r}; give one of {', '.join(FAMILIES)}")
    for name in registry.names():
        other = registry.info(name)
        if card["evaluation"] == other["evaluation"] and card["files"] != other["files"]:
            raise InputError(f"{checkpoint}: the card's evaluation is that of {name}, not of these weights")
    return {key: value for key, value in card.items() if key != "hub"}  # the pin of an earlier revision


def _find(card, path):
    """What lies at a path of keys, joined by dots; None where one is missing."""
    for key in path.split("."):
        card = card.get(key) if isinstance(card, dict) else None
    return card


def _stage(checkpoint, card, repository, folder):
    """Write everything that a repository holds into a new folder."""
    folder.mkdir()
    pictures = sorted(checkpoint.glob("*.png"))
    for path in [*(checkpoint / name for name in _FILES), *pictures]:
        shutil.copyfile(path, folder / path.name)
    preset.write_card(folder, card)
    if (checkpoint / "assets").is_dir():
        shutil.copytree(checkpoint / "assets", folder / "assets")
    (folder / "README.md").write_text(_readme(card, repository, pictures), encoding="utf-8")
    # A process of its own: TensorFlow without GPUs, whatever this one runs on.
    command = [sys.executable, "-m", "zoo", "export", str(checkpoint.resolve()), str(folder / "saved_model")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["the export fails"]
        raise InputError(f"{checkpoint}: {said[-1].removeprefix('zoo: ')}")


def _readme(card, repository, pictures):
    family = FAMILIES[card["family"]]
    tags = ["audio", "keras", "tensorflow", card["family"].replace("_", "-")]
    try:
        text = page(card, f"{hub.SCHEME}{repository}", {path.stem: path.name for path in pictures})
        results = [headline for headline in family.module("card").headlines(card) if headline[3] is not None]
        if not results:
            raise ValueError("no figure has a value")
        return hub.readme(
            f"# {card['name']}\n\n{text}\n",
            card["name"],
            card["licence"]["weights"],
            family.task,
            tags,
            card.get("datasets", []),
            results,
        )
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise InputError(
            f"card.json of {card['name']} does not read as one of {card['family']} ({type(error).__name__}: {error}): "
            f"see zoo.info of a bundled one"
        ) from None
