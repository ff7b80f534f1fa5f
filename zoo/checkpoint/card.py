"""A checkpoint's card: its facts as card.json holds them, in one schema, `Card`. Imports no backend.

A card is a plain dict in the order of its file. `Card` names the facts that every card has, required and optional;
a family's cards may have more facts, which belong to `zoo.<family>.card`.

    words = card_words(recipe_file["card"])                     # what a recipe's TOML file says in words
    card = training_card("jnd", recipe, model, facts, minutes, command, commit, words)
    card = evaluated_card(card, "python tools/evaluate.py jnd mine/", commit, "80 pairs", {"results": results})
    write_card("mine/", card)                                   # with the sha256 of the files beside it
    read_card("mine/") == card
    missing, wrong = card_flaws(card)                           # ([], []): it may be published

`write_card` takes any dict, since a card grows: a training writes it, an evaluation completes it. `card_flaws` says what
is still missing; `zoo.serving.publish` and the tests of the bundled checkpoints accept a card without flaws only.
"""

import json
import math
import tomllib
from pathlib import Path
from typing import Any, NotRequired, TypedDict, get_origin, get_type_hints, is_typeddict

from zoo.base.files import atomic_write
from zoo.checkpoint import integrity
from zoo.errors import InputError
from zoo.families import FAMILIES

FILE = "card.json"
RECIPES = Path(__file__).resolve().parents[2] / "tools" / "configs"  # of the bundled checkpoints; a clone has them
_NOT_STATED = "not stated"


class Licence(TypedDict):
    """Licences by name, such as "MIT" or "CC BY 4.0"; "none" where there is no data."""

    code: str
    weights: str
    data: str


class Training(TypedDict):
    """How the weights came to be. A family adds its curve, its recipe, and what else its training returns."""

    command: str
    commit: str
    seed: int
    versions: dict[str, str]
    minutes: float
    machine: str


class Evaluation(TypedDict):
    """Where figures come from. A family adds the figures."""

    command: str
    commit: str
    data: str


class Served(TypedDict):
    """Size and speed of the SavedModel: megabytes, and [median, 95th percentile] of n calls in milliseconds."""

    command: str
    commit: str
    machine: str
    n: int
    megabytes: float
    milliseconds: list[float]


class Repository(TypedDict):
    """Where on the Hugging Face Hub the weights are."""

    repository: str
    revision: str


class Card(TypedDict):
    """The facts that every card has.

    Keys:
        name: of the checkpoint.
        family: a key of `zoo.families.FAMILIES`.
        architecture: name of the model class.
        description: one line.
        sample_rate: of the waveforms, in Hz.
        parameters: how many numbers the weights are.
        data: what it was trained on, in words.
        licence: of code, weights and data.
        training, evaluation: where the weights and the figures come from.
        departures: from the paper; an empty list where there are none.
        limits: what it is not good for; an empty list where none are known.
        files: {file name: sha256}, which `write_card` fills in.
        datasets: names on the Hugging Face Hub of what it was trained on.
        experiments: other trainings, {"change", "result", "command", "commit"} each.
        served: of the SavedModel, as tools/bench/serving.py measures it.
        hub: where the weights of a bundled checkpoint are, if they are not bundled.
    """

    name: str
    family: str
    architecture: str
    description: str
    sample_rate: int
    parameters: int
    data: str
    licence: Licence
    training: Training
    evaluation: Evaluation
    departures: list[str]
    limits: list[str]
    files: dict[str, str]
    datasets: NotRequired[list[str]]
    experiments: NotRequired[list[dict[str, Any]]]
    served: NotRequired[Served]
    hub: NotRequired[Repository]


def read_card(directory: str | Path) -> dict | None:
    """The card of a checkpoint directory; None where it has none.

    Raises:
        InputError: card.json is not a JSON object.
    """
    path = Path(directory) / FILE
    if not path.is_file():
        return None
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is not JSON ({error}): get the checkpoint again.") from None
    if not isinstance(card, dict) or not isinstance(card.get("files", {}), dict):
        raise InputError(f"{path} is no card: get the checkpoint again.")
    return card


def write_card(directory: str | Path, card: dict) -> None:
    """Write a checkpoint's card.json, whole or not at all, with the sha256 of the files as they are now.

    Args:
        directory: a checkpoint directory.
        card: its facts; `files` is filled in, and NaN becomes null.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_card(folder, {"name": "my-model", "limits": ["English only."]})
        ...     read_card(folder)["limits"]
        ['English only.']
    """
    card = _without_nan({**card, "files": integrity.digests(directory)})
    with atomic_write(Path(directory) / FILE) as temporary:
        text = json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(f"{text}\n", encoding="utf-8")
    (Path(directory) / integrity.CHECKSUMS).unlink(missing_ok=True)  # the card has them now


def _without_nan(value):
    """The same with None for NaN, which JSON cannot hold: a correlation that is not defined."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def card_flaws(card: dict) -> tuple[list[str], list[str]]:
    """What a card lacks of the schema, and what is of the wrong type.

    Args:
        card: facts of a checkpoint.

    Returns:
        missing: paths of keys, such as "licence.data", that are absent, empty or "not stated".
        wrong: sentences, such as "sample_rate is '16 kHz', not of type int".

    Example:
        >>> card_flaws({"name": "mine", "family": "jnd", "sample_rate": "16 kHz"})[1]
        ["sample_rate is '16 kHz', not of type int"]
    """
    missing, wrong = _flaws(card, Card, "")
    if "family" not in missing and card["family"] not in FAMILIES:
        wrong.append(f"family is {card['family']!r}, not one of {', '.join(FAMILIES)}")
    return missing, wrong


def _flaws(facts, schema, prefix):
    missing, wrong = [], []
    for key, kind in get_type_hints(schema).items():
        path, value = f"{prefix}{key}", facts.get(key)
        if value in (None, "", {}, _NOT_STATED):
            missing += [path] * (key in schema.__required_keys__)
        elif not isinstance(value, _runtime_type(kind)):
            wrong.append(f"{path} is {value!r:.40}, not of type {_type_name(kind)}")
        elif is_typeddict(kind):
            nested_missing, nested_wrong = _flaws(value, kind, f"{path}.")
            missing, wrong = missing + nested_missing, wrong + nested_wrong
    return missing, wrong


def _runtime_type(kind):
    """The class to check an annotation by: dict for dict[str, str] and for a schema, int | float for float."""
    if is_typeddict(kind):
        return dict
    return int | float if kind is float else get_origin(kind) or kind


def _type_name(kind):
    return "dict" if is_typeddict(kind) else (get_origin(kind) or kind).__name__


def card_words(table: dict) -> dict:
    """The facts that a recipe states in words, with "not stated" for those that it does not.

    Args:
        table: the [card] table of a recipe's TOML file: description, data, licences, departures, limits.

    Example:
        >>> card_words({"description": "Hears differences."})["licence"]["data"]
        'not stated'
    """
    unsaid = {"description": _NOT_STATED, "data": _NOT_STATED, "departures": [], "limits": []}
    return unsaid | {"licence": dict.fromkeys(("code", "weights", "data"), _NOT_STATED)} | table


def read_words(config: str | Path) -> dict:
    """`card_words` of a recipe's TOML file."""
    return card_words(tomllib.loads(Path(config).read_text(encoding="utf-8")).get("card", {}))


def with_words(card: dict) -> dict:
    """A card with the words of its recipe's file as they are now, where it is one of a bundled checkpoint."""
    config = RECIPES / f"{card['name']}.toml"
    return card | (read_words(config) if config.exists() else {})


def training_card(
    family: str,
    recipe: Any,
    model: Any,
    facts: dict,
    minutes: float,
    command: str,
    commit: str,
    words: dict | None = None,
    fields: dict | None = None,
) -> dict:
    """The card of a trained checkpoint before its evaluation.

    Args:
        family: name of its folder, as in `zoo.families.FAMILIES`.
        recipe: with `name` and `seed`.
        model: the trained network.
        facts: what the training returned.
        minutes: that it took.
        command: that repeats it.
        commit: at which it was started.
        words: as `card_words` gives them.
        fields: facts that only cards of this family have.

    Returns:
        dict, as card.json holds it; `evaluated_card` and `write_card` add the rest.
    """
    from zoo.checkpoint import provenance  # imports Keras, which reading a card does without

    training = {
        "command": command,
        "commit": commit,
        "seed": recipe.seed,
        "versions": provenance.versions(),
        "minutes": round(minutes, 1),
        "machine": provenance.machine(),
    }
    card = {
        "name": recipe.name,
        "family": family,
        "architecture": type(model).__name__,
        "sample_rate": model.sample_rate,
        "parameters": model.count_params(),
    }
    return (words or {}) | card | (fields or {}) | {"training": training | facts}


def evaluated_card(card: dict, command: str, commit: str, data: str, figures: dict) -> dict:
    """A card with the figures of an evaluation.

    Args:
        card: facts of a checkpoint.
        command: that repeats the evaluation.
        commit: at which it was done.
        data: what was evaluated on, in words.
        figures: of the family, such as {"results": {...}}.

    Example:
        >>> evaluated_card({"name": "mine"}, "python evaluate", "abc", "80 pairs", {"auc": 0.8})["evaluation"]["auc"]
        0.8
    """
    return card | {"evaluation": {"command": command, "commit": commit, "data": data} | figures}
