"""Checkpoints on the Hugging Face Hub: downloaded into the Hub's own cache, checked, and uploaded. Imports no backend.

Tokens, private repositories, `HF_HOME`, `HF_ENDPOINT`, `HF_HUB_OFFLINE` and progress bars are the Hub client's own.
"""

import re
from contextlib import contextmanager
from pathlib import Path

from zoo.checkpoint import integrity
from zoo.checkpoint.card import read_card
from zoo.errors import InputError

SCHEME = "hf://"
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_SOURCE = re.compile(rf"hf://(?P<repository>{REPOSITORY.pattern})(?:@(?P<revision>[^@\s]+))?")
_FILES = [*integrity.KERAS_FILES, "card.json", "golden.npz", "assets/*"]
_RIGHTS = {"download": "read it", "upload": "write there"}
_LICENCES = {  # as cards write them -> as the Hub does
    "MIT": "mit",
    "Apache-2.0": "apache-2.0",
    "BSD 3-clause": "bsd-3-clause",
    "CC0": "cc0-1.0",
    "CC BY 4.0": "cc-by-4.0",
    "CC BY-SA 4.0": "cc-by-sa-4.0",
    "CC BY-NC 4.0": "cc-by-nc-4.0",
}


def parse(source):
    """Repository and revision of a source string.

    Args:
        source: "hf://org/name", or "hf://org/name@revision": a branch, a tag or a commit.

    Returns:
        (repository, revision or None).

    Raises:
        InputError: it is written otherwise.

    Example:
        >>> parse("hf://my-lab/my-metric@v1")
        ('my-lab/my-metric', 'v1')
    """
    found = _SOURCE.fullmatch(source)
    if not found:
        raise InputError(f"{source!r} is no repository: write hf://org/name or hf://org/name@revision")
    return found["repository"], found["revision"]


def fetch(repository, revision=None, offline=False, card=None):
    """Directory of a checkpoint of the Hub, downloaded where the cache lacks it.

    Files that differ from the card's sha256 are never used: the checkpoint is downloaded once more. A repository without
    a card, as Keras itself makes them, has no sha256 to check. Where the Hub cannot be reached or refuses the token, what
    the cache has of the branch or tag is taken: give a commit to be sure of one.

    Args:
        repository: "org/name".
        revision: branch, tag or commit; None for the main branch. A commit that is in the cache asks nobody.
        offline: take it from the cache alone, as with HF_HUB_OFFLINE=1.
        card: facts with `files`, {name: sha256}, which the download must match; None takes the repository's own.

    Returns:
        Path in the cache, to be read only.

    Raises:
        InputError: it is offline and not in the cache; the Hub cannot be reached; the repository is absent, private,
            gated, or no checkpoint; the revision is unknown; or a checksum differs.

    Example:
        >>> fetch("my-lab/my-metric", "v1")  # doctest: +SKIP
    """
    from huggingface_hub import is_offline_mode

    name = f"{SCHEME}{repository}" + (f"@{revision}" if revision else "")
    offline = offline or is_offline_mode()
    directory = _download(name, repository, revision, offline)
    if absent := integrity.missing(directory):
        raise InputError(f"{name} is no Keras checkpoint: it has no {absent[0]}")
    try:
        integrity.check(directory, card or read_card(directory))
        return directory
    except InputError as error:
        if offline:
            raise InputError(f"{name} is damaged in the cache, and this is offline: {error}") from None
    directory = _download(name, repository, revision, offline, force_download=True)
    try:
        integrity.check(directory, card or read_card(directory))
    except InputError as error:
        raise InputError(f"{name} was downloaded twice, and is damaged on the Hub: {error}") from None
    return directory


def _download(name, repository, revision, offline, **how):
    from huggingface_hub import snapshot_download

    from zoo import __version__

    library = {"library_name": "audio-zoo", "library_version": __version__}
    with _told(name, offline):
        found = snapshot_download(
            repository, revision=revision, allow_patterns=_FILES, local_files_only=offline, **library, **how
        )
    return Path(found)


def upload(folder, repository, message, private=False):
    """Make a folder what a repository holds, in one commit; the repository is made where it is missing.

    Args:
        folder: every file in it is uploaded; what else the repository held is removed, history stays.
        repository: "org/name".
        message: of the commit.
        private: whether a new repository is private, and not what its owner's settings say; one that exists stays as
            it is.

    Returns:
        The commit's sha.

    Raises:
        InputError: it is offline, the Hub cannot be reached, or the token is missing, refused, or may not write there.

    Example:
        >>> upload("my-model/", "my-lab/my-metric", "Version 2")  # doctest: +SKIP
    """
    from huggingface_hub import HfApi, get_token, is_offline_mode

    from zoo import __version__

    name = f"{SCHEME}{repository}"
    if is_offline_mode():
        raise InputError(f"{name}: this is offline (HF_HUB_OFFLINE); push while online")
    if get_token() is None:
        raise InputError(f"{name}: you are not logged in: hf auth login, or HF_TOKEN")
    api = HfApi(library_name="audio-zoo", library_version=__version__)
    with _told(name, doing="upload"):
        api.create_repo(repository, private=private or None, exist_ok=True)
        done = api.upload_folder(
            repo_id=repository, folder_path=folder, commit_message=message, delete_patterns="*", ignore_patterns=[]
        )
    return done.oid


def readme(text, name, licence, task, tags, datasets, results):
    """A repository's README.md: a page under the metadata that the Hub reads.

    Args:
        text: the page, Markdown.
        name: of the model.
        licence: of the weights, as cards write it.
        task: the Hub's name of a task, or None.
        tags, datasets: lists; datasets by their names on the Hub.
        results: [(data, metric, its name, value)].

    Returns:
        The file's text.

    Example:
        >>> readme("# A metric", "my-metric", "MIT", None, ["audio"], [], [("80 pairs", "pearson", "Pearson", 0.98)])
    """
    from huggingface_hub import EvalResult, ModelCard, ModelCardData

    told = {"license": _LICENCES.get(licence, "other")}
    if told["license"] == "other":
        told["license_name"] = re.sub(r"[^a-z0-9.-]+", "-", licence.lower()).strip("-")
    about = ModelCardData(
        **told,
        library_name="keras",
        pipeline_tag=task,
        tags=tags,
        datasets=datasets or None,
        metrics=sorted({metric for _, metric, _, _ in results}),
        model_name=name,
        eval_results=[
            EvalResult(
                task_type=task or "other",
                dataset_type="other",
                dataset_config=data,  # by which the Hub tells data sets apart
                dataset_name=data,
                metric_type=metric,
                metric_name=title,
                metric_value=round(float(value), 4),
            )
            for data, metric, title, value in results
        ],
    )
    return str(ModelCard(f"---\n{about.to_yaml()}\n---\n\n{text}"))


@contextmanager
def _told(name, offline=False, doing="download"):
    """Errors of the client, told apart."""
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError:
        raise InputError(f"{name} is gated: accept its terms on its page, and log in (hf auth login)") from None
    except errors.RepositoryNotFoundError:
        raise InputError(
            f"{name}: there is no such repository, or it is private and your token (hf auth login, or HF_TOKEN) does "
            "not open it"
        ) from None
    except errors.RevisionNotFoundError:
        raise InputError(f"{name}: the repository has no such branch, tag or commit") from None
    except errors.LocalEntryNotFoundError as error:
        if offline:
            raise InputError(f"{name} is not in the cache, and this is offline: load it once while online") from None
        raise InputError(f"{name} is not in the cache, and the Hub cannot be reached: {_first_line(error)}") from None
    except errors.HFValidationError as error:
        raise InputError(f"{name}: {_first_line(error)}") from None
    # Errors of its HTTP library, of its store of large files, of the disk: no class is common to them.
    except Exception as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status == 401:
            raise InputError(f"{name}: the Hub refuses your token: log in again (hf auth login, or HF_TOKEN)") from None
        if status == 403:
            told = getattr(error, "server_message", None) or "log in with one that may"
            raise InputError(f"{name}: your token may not {_RIGHTS[doing]}: {told}") from None
        if "Invalid metadata" in str(error):  # with all that is wrong of it, one a line
            raise InputError(f"{name}: the Hub refuses the card's metadata: {' '.join(str(error).split())}") from None
        raise InputError(f"{name}: the {doing} failed, try again: {_first_line(error)}") from error


def _first_line(error):
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
