"""Checkpoints to the Hugging Face Hub: what a published one must have, and the commit that holds all of it.

Imports no backend where TensorFlow is installed: a process of its own loads the model, verifies its golden output and
exports it, without GPUs. Elsewhere the golden output is verified here, and there is no SavedModel.
"""

import os
import shutil
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import BrokenProcessPool

from zoo.checkpoint import hub, integrity, page, registry
from zoo.checkpoint.card import card_flaws, read_card, write_card
from zoo.errors import InputError, InputWarning, extras

# Without GPUs: a recurrent layer that is traced where one is in sight becomes cuDNN's, which no CPU can load.
_ENVIRONMENT = {"CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}


def push(
    source: str | os.PathLike, target: str | os.PathLike, private: bool = False, dry_run: bool = False
) -> dict[str, Any]:
    """Publish a checkpoint on the Hugging Face Hub in one commit, or write the same files into a local folder.

    The repository then holds the Keras directory (`zoo.load("hf://org/name")`, and `keras.saving.load_model` once the
    classes are imported), `saved_model/1/` (`zoo.serving.export`; not without TensorFlow, and a warning says so),
    card.json, golden.npz, model.onnx where the checkpoint has it, the pictures of the page, and the page as README.md
    with the metadata that the Hub reads. Its other files are removed; earlier revisions stay.

    Args:
        source: as for `zoo.load`: a directory with a slash, or a bundled name.
        target: "org/name" or "hf://org/name", a repository, which is created if it is missing; or a folder, new or
            empty: a `Path`, a string that ends in a slash, or the name of an existing folder.
        private: create a private repository; False leaves that to its owner's settings.
        dry_run: of a repository: write its files into a new temporary folder, and upload nothing.

    Returns:
        "source": "hf://org/name@commit" to pin; None if nothing was uploaded.
        "folder": Path of the files; None if they were uploaded.
        "files": {name: bytes}.

    Raises:
        InputError: a required fact of the card is missing, the golden output does not reproduce, the export fails, the folder
            is not empty, or as for `zoo.checkpoint.hub.upload`. Nothing is uploaded then, and no folder is left.

    Example:
        >>> push("my-metric/", "my-lab/my-metric", dry_run=True)["files"]  # exports a model  # doctest: +SKIP
    """
    repository, checkpoint = _repository(target), registry.resolve(source)
    if repository is None:
        _check_folder(Path(target), private or dry_run)
    card = publishable_card(checkpoint)
    with tempfile.TemporaryDirectory() as outside:
        staged = Path(outside) / card["name"]
        _stage(checkpoint, card, _load_from(source, repository), staged)
        files = {str(path.relative_to(staged)): path.stat().st_size for path in staged.rglob("*") if path.is_file()}
        if repository and not dry_run:
            message = f"{card['name']}, {card['files']['model.weights.h5'][:12]}"
            commit = hub.upload(staged, repository, message, private)
            return {"source": f"{hub.SCHEME}{repository}@{commit}", "folder": None, "files": files}
        folder = Path(tempfile.mkdtemp(prefix=f"{card['name']}-")) if repository else Path(target)
        shutil.copytree(staged, folder, dirs_exist_ok=True)
        return {"source": None, "folder": folder, "files": files}


def publishable_card(checkpoint: Path) -> dict[str, Any]:
    """The card of a checkpoint that has all that a published one must have, without the pin of an earlier revision.

    Raises:
        InputError: a fact or a file is missing, a fact is of the wrong type, or the evaluation is that of other weights.
    """
    card = read_card(checkpoint)
    if card is None:
        raise InputError(f"{checkpoint} has no card.json: zoo.save(model, directory, card=..., golden=...) writes it")
    missing, wrong = card_flaws(card)
    lacking = [f"{path} in card.json" for path in missing]
    lacking += [name for name in integrity.PUBLISHED_FILES if not (checkpoint / name).is_file()]
    lacking += [f"files.{name} in card.json" for name in integrity.PUBLISHED_FILES if name not in card.get("files", {})]
    if lacking:
        raise InputError(f"{checkpoint}: cannot publish: missing {', '.join(lacking)}")
    if wrong:
        raise InputError(f"{checkpoint}: cannot publish: in card.json {'; '.join(wrong)}")
    for name in registry.names():
        bundled = registry.info(name)
        if card["evaluation"] == bundled["evaluation"] and card["files"] != bundled["files"]:
            raise InputError(f"{checkpoint}: the card's evaluation is that of {name}, not of these weights")
    return {key: value for key, value in card.items() if key != "hub"}


def _repository(target):
    """The repository that a target names; None where it is a folder."""
    text = os.fspath(target)
    if isinstance(target, os.PathLike) or text.endswith("/") or text.startswith((".", "/")):
        return None
    if text.startswith(hub.SCHEME):
        repository, revision = hub.parse(text)
        if revision:
            raise InputError(f"{text!r} names a revision: write {hub.SCHEME}{repository}; the upload makes a new one")
        return repository
    is_repository, is_folder = hub.REPOSITORY.fullmatch(text), Path(text).is_dir()
    if is_repository and is_folder:
        raise InputError(f"{text!r} is a folder here: write {text}/ for it, or {hub.SCHEME}{text} for the repository")
    if not is_repository and not is_folder:
        raise InputError(f"{text!r} is no repository: write org/name, or folder/ with a slash for a local folder")
    return text if is_repository else None


def _load_from(source, repository):
    """What the page's usage loads: the repository, or the source where there is none."""
    if repository:
        return f"{hub.SCHEME}{repository}"
    return source if isinstance(source, str) else f"{os.fspath(source)}/"


def _check_folder(folder, has_hub_option):
    if has_hub_option:
        raise InputError(f"{folder}/ is a local folder: private and dry_run are for a repository, org/name")
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(f"{folder} is there already and not empty: name a new folder")


def _stage(checkpoint, card, source, folder):
    """Write all files of a repository into a new folder; `source` is what the page loads the model from."""
    folder.mkdir()
    pictures = sorted(path.name for path in checkpoint.glob("*.png"))
    for name in [*integrity.digests(checkpoint), *pictures]:
        shutil.copyfile(checkpoint / name, folder / name)
    if (checkpoint / "assets").is_dir():
        shutil.copytree(checkpoint / "assets", folder / "assets")
    write_card(folder, card)
    (folder / "README.md").write_text(_page(card, source, pictures), encoding="utf-8")
    if find_spec("tensorflow") is None:
        _verify(checkpoint)
    else:
        _run_export(checkpoint, folder / "saved_model")


def _page(card, source, pictures):
    try:
        return page.readme(card, source, pictures)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise InputError(
            f"card.json of {card['name']} does not read as one of {card['family']} ({type(error).__name__}: {error}): "
            f"see zoo.info of a bundled one"
        ) from None


def _verify(checkpoint):
    """Verify a checkpoint on the backend of this process, which is not TensorFlow."""
    with extras():
        from zoo.checkpoint import preset
    preset.load(checkpoint, verify=True)
    words = 'no SavedModel among the files, TensorFlow is not installed: pip install "audio-zoo[tensorflow]"'
    warnings.warn(words, InputWarning, stacklevel=5)


def _run_export(checkpoint, directory):
    with ProcessPoolExecutor(1, env=_ENVIRONMENT) as pool:
        try:
            pool.submit(_export, checkpoint, directory).result()
        except InputError as error:
            raise InputError(str(error)) from None  # without the traceback of the other process
        except BrokenProcessPool:
            raise InputError(f"{checkpoint}: its export was killed, perhaps for want of memory: try again") from None


def _export(checkpoint, directory):
    """Load, verify and export a checkpoint; in a process whose environment hides GPUs before TensorFlow is imported."""
    from zoo.serving.export import export

    export(checkpoint, directory, verify=True)
