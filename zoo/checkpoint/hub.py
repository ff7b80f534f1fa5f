"""Checkpoints on the Hugging Face Hub: downloaded into the Hub's own cache, checked, and uploaded. Imports no backend.

Tokens, private repositories, `HF_HOME`, `HF_ENDPOINT`, `HF_HUB_OFFLINE` and progress bars are the Hub client's own.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from zoo.checkpoint import integrity
from zoo.checkpoint.card import read_card
from zoo.errors import InputError

SCHEME = "hf://"
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_SOURCE = re.compile(rf"hf://(?P<repository>{REPOSITORY.pattern})(?:@(?P<revision>[^@\s]+))?")
_FILES = [*integrity.CHECKED_FILES, "card.json", integrity.CHECKSUMS, "assets/*"]
_RIGHTS = {"download": "read it", "upload": "write there"}
# The Hub's identifiers of licences; `licence_id` recognises any spelling of one.
_LICENCES = {
    "afl-3.0", "agpl-3.0", "apache-2.0", "artistic-2.0", "bsd", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear",
    "bsl-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0",
    "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0",
    "cc-by-sa-3.0", "cc-by-sa-4.0", "cc0-1.0", "epl-1.0", "epl-2.0", "eupl-1.1", "eupl-1.2", "gpl-2.0", "gpl-3.0", "isc",
    "lgpl-2.1", "lgpl-3.0", "mit", "mpl-2.0", "ms-pl", "ncsa", "odbl", "odc-by", "openrail", "osl-3.0", "pddl",
    "postgresql", "unlicense", "wtfpl", "zlib",
}  # fmt: skip


def parse(source: str) -> tuple[str, str | None]:
    """Repository and revision of a source string.

    Args:
        source: "hf://org/name", or "hf://org/name@revision": a branch, a tag or a commit.

    Returns:
        (repository, revision or None).

    Raises:
        InputError: the source has another form.

    Example:
        >>> parse("hf://my-lab/my-metric@v1")
        ('my-lab/my-metric', 'v1')
    """
    match = _SOURCE.fullmatch(source)
    if not match:
        raise InputError(f"{source!r} is no repository: write hf://org/name or hf://org/name@revision")
    return match["repository"], match["revision"]


def fetch(repository: str, revision: str | None = None, offline: bool = False, card: dict | None = None) -> Path:
    """Directory of a checkpoint of the Hub, downloaded if it is not in the cache.

    Files that differ from the card's sha256 are never used: the checkpoint is downloaded once more. Those of a repository
    without a card, such as Keras itself writes, must have the hash that the Hub's cache names them by. If the Hub cannot be reached or refuses the token, the
    cached files of the branch or tag are used: name a commit to be sure of one.

    Args:
        repository: "org/name".
        revision: branch, tag or commit; None for the main branch. A cached commit needs no network.
        offline: use the cache only, as with HF_HUB_OFFLINE=1.
        card: facts with `files`, {name: sha256}, which the download must match; None for the repository's own card.

    Returns:
        Path in the cache; do not change its files.

    Raises:
        InputError: offline, and not in the cache; the Hub cannot be reached; the repository is absent, private,
            gated, or no checkpoint; the revision is unknown; or a checksum differs.

    Example:
        >>> fetch("my-lab/my-metric", "v1")  # needs the network  # doctest: +SKIP
    """
    from huggingface_hub import is_offline_mode

    name = f"{SCHEME}{repository}" + (f"@{revision}" if revision else "")
    offline = offline or is_offline_mode()
    directory = _download(name, repository, revision, offline)
    if absent := integrity.missing(directory):
        raise InputError(f"{name} is no Keras checkpoint: it has no {absent[0]}")
    try:
        _check(directory, card)
        return directory
    except InputError as error:
        if offline:
            raise InputError(f"{name} is damaged in the cache, and this is offline: {error}") from None
    directory = _download(name, repository, revision, offline, again=True)
    try:
        _check(directory, card)
    except InputError as error:
        raise InputError(f"{name} was downloaded twice, and is damaged on the Hub: {error}") from None
    return directory


def _check(directory, card):
    """`integrity.check`, and of files without a sha256 the hash that is their name in the cache, where links lead to."""
    card = card or read_card(directory)
    integrity.check(directory, card)
    pinned = integrity.pins(directory, card)
    for path in (directory / name for name in integrity.CHECKED_FILES if name not in pinned):
        if path.is_symlink() and not _is_named_by_hash(path.resolve()):
            raise InputError(f"{path} is damaged, get it again: it differs from its hash on the Hub")


def _is_named_by_hash(blob):
    """Whether a file has the sha256 or Git's sha1 that its name is; True where its name is no hash."""
    if re.fullmatch("[0-9a-f]{64}", blob.name):
        return integrity.sha256(blob) == blob.name
    if re.fullmatch("[0-9a-f]{40}", blob.name):
        content = blob.read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == blob.name
    return True


def _download(name, repository, revision, offline, again=False):
    from huggingface_hub import snapshot_download

    from zoo import __version__

    with _hub_errors(name, offline):
        directory = snapshot_download(
            repository,
            revision=revision,
            allow_patterns=_FILES,
            local_files_only=offline,
            force_download=again,
            library_name="audio-zoo",
            library_version=__version__,
        )
    return Path(directory)


def upload(folder: str | os.PathLike, repository: str, message: str, private: bool = False) -> str:
    """Replace the files of a repository by those of a folder, in one commit; a missing repository is created.

    Args:
        folder: all its files are uploaded; other files of the repository are removed, and stay in its history.
        repository: "org/name".
        message: of the commit.
        private: create a private repository; False leaves that to its owner's settings. An existing one stays as it is.

    Returns:
        The commit's sha.

    Raises:
        InputError: offline, the Hub cannot be reached, or the token is missing, refused, or may not write there.

    Example:
        >>> upload("my-model/", "my-lab/my-metric", "Version 2")  # needs a token  # doctest: +SKIP
    """
    from huggingface_hub import HfApi, get_token, is_offline_mode

    from zoo import __version__

    name = f"{SCHEME}{repository}"
    if is_offline_mode():
        raise InputError(f"{name}: this is offline (HF_HUB_OFFLINE); push while online")
    if get_token() is None:
        raise InputError(f"{name}: you are not logged in: hf auth login, or HF_TOKEN")
    api = HfApi(library_name="audio-zoo", library_version=__version__)
    with _hub_errors(name, action="upload"):
        api.create_repo(repository, private=private or None, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repository, folder_path=folder, commit_message=message, delete_patterns="*", ignore_patterns=[]
        )
    return commit.oid


def licence_id(licence: str) -> str | None:
    """The Hub's identifier of a licence; None where it has none.

    Args:
        licence: by its usual name or identifier, in any case and with spaces or hyphens.

    Example:
        >>> licence_id("CC BY 4.0"), licence_id("Apache-2.0"), licence_id("GPL-3.0"), licence_id("Our Own")
        ('cc-by-4.0', 'apache-2.0', 'gpl-3.0', None)
    """
    identifier = _identifier(licence).removesuffix("-only").removesuffix("-or-later")
    identifier = "cc0-1.0" if identifier == "cc0" else identifier
    return identifier if identifier in _LICENCES else None


def _identifier(licence):
    """A name in the form of identifiers: lower case, hyphens."""
    return re.sub(r"[^a-z0-9.]+", "-", licence.lower()).strip("-")


def readme(
    text: str,
    name: str,
    licence: str,
    task: str | None,
    tags: Sequence[str],
    datasets: Sequence[str],
    results: Sequence[tuple[str, str, str, float]],
) -> str:
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
        >>> text = readme("# Mine", "mine", "MIT", None, ["audio"], [], [("80 pairs", "pearsonr", "Pearson", 0.98)])
        >>> "license: mit" in text.splitlines()
        True
    """
    from huggingface_hub import EvalResult, ModelCard, ModelCardData

    identifier = licence_id(licence)
    own = {} if identifier else {"license_name": _identifier(licence)}
    metadata = ModelCardData(
        license=identifier or "other",
        **own,
        library_name="keras",
        pipeline_tag=task,
        tags=list(tags),
        datasets=list(datasets) or None,
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
    return str(ModelCard(f"---\n{metadata.to_yaml()}\n---\n\n{text}"))


@contextmanager
def _hub_errors(name: str, offline: bool = False, action: str = "download") -> Iterator[None]:
    """Translate errors of the Hub's client to InputError."""
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
    # Errors of its HTTP library, of its store of large files, of the disk: they have no class in common.
    except Exception as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status == 401:
            raise InputError(f"{name}: the Hub refuses your token: log in again (hf auth login, or HF_TOKEN)") from None
        if status == 403:
            reason = getattr(error, "server_message", None) or "log in with one that may"
            raise InputError(f"{name}: your token may not {_RIGHTS[action]}: {reason}") from None
        if "Invalid metadata" in str(error):  # followed by every mistake, one a line
            raise InputError(f"{name}: the Hub refuses the card's metadata: {' '.join(str(error).split())}") from None
        raise InputError(f"{name}: the {action} failed, try again: {_first_line(error)}") from error


def _first_line(error):
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
