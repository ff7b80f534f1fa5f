"""Publishing: what is refused, what a repository holds, and that it comes back equal; on a Hub on loopback."""

import json
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from huggingface_hub import ModelCard

import zoo
from tests.checkpoint.test_hub import FETCH, hub, run, same  # noqa: F401
from tests.support.harness import REPOSITORY
from tests.support.hub_server import TOKEN
from tools import publish as tool
from zoo.checkpoint import hub as zoo_hub
from zoo.checkpoint import preset, publish
from zoo.checkpoint.card import read_card
from zoo.errors import InputError
from zoo.families import FAMILIES

PUSH = (
    "import sys; from zoo.checkpoint.publish import push;"
    "print(push(sys.argv[1] + '/', sys.argv[2], private=len(sys.argv) > 3)['source'])"
)


@pytest.fixture
def checkpoint(tmp_path):
    return shutil.copytree(REPOSITORY / "checkpoints" / "quality-net-lite-stoi-16k", tmp_path / "stoi")


@pytest.fixture
def stub_export(monkeypatch):
    """An export that takes no time: what it writes is tested in test_export.py."""

    def run_export(command, **_):
        (folder := publish.Path(command[-1]) / "1").mkdir(parents=True)
        (folder / "saved_model.pb").write_bytes(b"graph")
        return SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(publish.subprocess, "run", run_export)


def change_card(checkpoint, change):
    card = read_card(checkpoint)
    change(card)
    (checkpoint / "card.json").write_text(json.dumps(card))


def test_a_dry_run_says_what_would_be_there(checkpoint, stub_export):
    done = zoo.push(checkpoint, "org/stoi", dry_run=True)
    assert done["source"] is None
    own = {path.name for path in checkpoint.iterdir()}
    assert set(done["files"]) == own | {"README.md", "saved_model/1/saved_model.pb"}
    assert done["files"]["model.weights.h5"] == (checkpoint / "model.weights.h5").stat().st_size


@pytest.mark.parametrize(
    "path", ["licence.code", "licence.weights", "licence.data", "training.command", "evaluation.command", "evaluation"]
)
def test_a_card_that_lacks_something_is_refused(checkpoint, path):
    *parents, last = path.split(".")
    change_card(checkpoint, lambda card: (card[parents[0]] if parents else card).pop(last))
    with pytest.raises(InputError, match=rf"lacks {path}(\.command)? in card.json: nothing is published without"):
        publish.push(checkpoint, "org/stoi", dry_run=True)


def test_all_that_is_missing_is_named_at_once(checkpoint):
    change_card(checkpoint, lambda card: (card.pop("limits"), card["licence"].update(data="not stated")))
    (checkpoint / "golden.npz").unlink()
    with pytest.raises(InputError, match="licence.data in card.json, limits in card.json, golden.npz"):
        publish.push(checkpoint, "org/stoi", dry_run=True)


def test_a_model_without_a_card_is_refused(checkpoint):
    (checkpoint / "card.json").unlink()
    with pytest.raises(InputError, match=r"has no card.json: zoo.save\(model"):
        publish.push(checkpoint, "org/stoi", dry_run=True)


def test_a_golden_that_does_not_reproduce_is_refused(checkpoint):
    model = preset.load(checkpoint)
    for variable in model.weights:
        variable.assign(1.1 * variable)
    model.save_weights(checkpoint / "model.weights.h5")
    card = read_card(checkpoint)
    card["evaluation"]["commit"] = "0" * 40
    preset.write_card(checkpoint, card)
    with pytest.raises(InputError, match="does not reproduce its golden"):
        publish.push(checkpoint, "org/stoi", dry_run=True)


def test_another_models_figures_are_refused(checkpoint):
    model = preset.load(checkpoint)
    model.weights[0].assign(1.01 * model.weights[0])
    golden = [np.zeros((1, 16000), "float32")] * 2
    zoo.save(model, checkpoint, card=read_card(checkpoint), golden=golden)
    with pytest.raises(InputError, match="evaluation is that of quality-net-lite-stoi-16k, not of these weights"):
        publish.push(checkpoint, "org/stoi", dry_run=True)


def test_a_card_that_does_not_pin_every_file_is_refused(checkpoint):
    change_card(checkpoint, lambda card: card["files"].pop("config.json"))
    with pytest.raises(InputError, match="lacks files.config.json in card.json"):
        publish.push(checkpoint, "org/stoi", dry_run=True)


def test_licences_are_told_by_the_hubs_names():
    def about(licence):
        return ModelCard(zoo_hub.readme("", "x", licence, None, [], [], [("80 pairs", "rmse", "RMSE", 0.5)])).data

    assert about("CC BY 4.0").license == "cc-by-4.0"
    assert (about("Our Own, v2").license, about("Our Own, v2").license_name) == ("other", "our-own-v2")


def test_an_evaluation_of_another_layout_is_refused(checkpoint):
    change_card(checkpoint, lambda card: card["evaluation"].update(results={"mine": 0.9}))
    with pytest.raises(InputError, match="does not read as one of quality_net .*: see zoo.info"):
        publish.push(checkpoint, "org/stoi", dry_run=True)
    nothing = dict.fromkeys(("pearson", "spearman", "rmse", "mae"), [None] * 3) | {"n": 1, "n_failed": 0}
    for results in ([], {"all": nothing}):
        change_card(checkpoint, lambda card, results=results: card["evaluation"].update(results=results))
        with pytest.raises(InputError, match="does not read as one of quality_net"):
            publish.push(checkpoint, "org/stoi", dry_run=True)
    change_card(checkpoint, lambda card: card.update(family="own"))
    with pytest.raises(InputError, match="family is 'own'; give one of quality_net, jnd"):
        publish.push(checkpoint, "org/stoi", dry_run=True)


@pytest.mark.parametrize("repository", ["stoi", "org/stoi/1", "org/stoi@main"])
def test_what_is_no_repository_is_refused(checkpoint, repository):
    with pytest.raises(InputError, match="is no repository: write org/name"):
        publish.push(checkpoint, repository, dry_run=True)


@pytest.mark.parametrize("name", zoo.list())
def test_every_card_makes_a_readme(name):
    card = zoo.info(name)
    text = publish._readme(card, f"org/{name}", [])
    about = ModelCard(text).data
    assert about.license == "mit" and about.library_name == "keras" and about.model_name == name
    assert {"audio", "keras"} <= set(about.tags) and about.datasets == card.get("datasets")
    headlines = FAMILIES[card["family"]].module("card").headlines(card)
    told = {(data, metric, title, round(value, 4)) for data, metric, title, value in headlines}
    found = {(r.dataset_name, r.metric_type, r.metric_name, r.metric_value) for r in about.eval_results}
    assert found == told and set(about.metrics) == {metric for _, metric, _, _ in headlines}
    assert f'zoo.load("hf://org/{name}")' in text and card["training"]["command"] in text


def test_a_checkpoint_comes_back_equal(hub, checkpoint):  # noqa: F811
    change_card(checkpoint, lambda card: card.update(hub={"repository": "org/stoi", "revision": "0" * 40}))
    first = run(hub, PUSH, str(checkpoint), "org/stoi", "private", HF_TOKEN=TOKEN, HF_HUB_DISABLE_XET="1")
    repository = hub.repositories["org/stoi"]
    assert first == f"hf://org/stoi@{repository.refs['main']}"
    assert repository.private and len(repository.commits) == 2  # what creation makes, and all files at once
    files = repository.commits[repository.refs["main"]]
    assert "hub" not in json.loads(files["card.json"])  # which would be of an earlier revision
    assert {"README.md", "saved_model/1/saved_model.pb", ".gitattributes", "scatter.png"} <= set(files)
    assert ModelCard(files["README.md"].decode()).data.pipeline_tag is None
    preset.write_card(checkpoint, json.loads(files["card.json"]))
    assert same(run(hub, FETCH, first, HF_TOKEN=TOKEN), checkpoint)

    (checkpoint / "scatter.png").unlink()
    second = run(hub, PUSH, str(checkpoint), "org/stoi", HF_TOKEN=TOKEN, HF_HUB_DISABLE_XET="1")
    assert second != first and "scatter.png" not in repository.commits[repository.refs["main"]]
    assert same(run(hub, FETCH, first, HF_TOKEN=TOKEN), checkpoint)  # the pinned one stays


def test_keras_reads_the_same_repository(hub, checkpoint):  # noqa: F811
    hub.add("org/stoi", checkpoint)
    script = (
        "import keras, zoo.quality_net.model; model = keras.saving.load_model('hf://org/stoi', compile=False);"
        "print(type(model).__name__, model.count_params())"
    )
    parameters = read_card(checkpoint)["parameters"]
    assert run(hub, script) == f"QualityNetLite {parameters}"


@pytest.mark.parametrize(
    "repository, environment, says",
    [
        ("org/stoi", {}, "you are not logged in"),
        ("org/stoi", {"HF_TOKEN": "hf_wrong"}, "the Hub refuses your token"),
        ("other/stoi", {"HF_TOKEN": TOKEN}, "your token may not write there"),
        ("org/stoi", {"HF_TOKEN": TOKEN, "HF_HUB_OFFLINE": "1"}, "this is offline"),
        ("org/stoi", {"HF_TOKEN": TOKEN, "HF_ENDPOINT": "http://127.0.0.1:9"}, "the upload failed, try again"),
    ],
)
def test_what_the_hub_refuses_is_told(hub, tmp_path, repository, environment, says):  # noqa: F811
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "config.json").write_text("{}")
    script = "import sys; from zoo.checkpoint import hub; hub.upload(sys.argv[1], sys.argv[2], 'first')"
    assert says in run(hub, script, str(tmp_path / "folder"), repository, **environment)
    assert all(len(found.commits) < 2 for found in hub.repositories.values())


def test_a_readme_that_the_hub_refuses_is_told(hub, tmp_path):  # noqa: F811
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "README.md").write_text("---\nlicense: nonsense\n---\n")
    script = "import sys; from zoo.checkpoint import hub; hub.upload(sys.argv[1], sys.argv[2], 'first')"
    said = run(hub, script, str(tmp_path / "folder"), "org/stoi", HF_TOKEN=TOKEN)
    assert "the Hub refuses the card's metadata" in said and '"license" must be one of' in said


def test_a_failed_upload_leaves_the_repository_as_it_was(hub, checkpoint):  # noqa: F811
    before = hub.add("org/stoi", checkpoint)
    hub.refuse_objects = True
    (checkpoint / "new.npz").write_bytes(b"new")
    script = "import sys; from zoo.checkpoint import hub; hub.upload(sys.argv[1], sys.argv[2], 'second')"
    quiet = {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    said = run(hub, script, str(checkpoint), "org/stoi", HF_TOKEN=TOKEN, **quiet)
    assert "the upload failed, try again" in said
    assert hub.repositories["org/stoi"].refs["main"] == before


def test_the_tool_pins_what_it_published(tmp_path, monkeypatch, capsys):
    for name in ("jnd-22k", "can-l1-16k", "dnn-mse-16k"):
        shutil.copytree(REPOSITORY / "checkpoints" / name, tmp_path / name)

    def push(name, repository, private, dry_run):
        if name == "can-l1-16k":
            raise InputError("no token")
        return {"source": None if dry_run else f"hf://{repository}@{'a' * 40}", "files": {"config.json": 1000}}

    monkeypatch.setattr(tool.registry, "root", lambda: tmp_path)
    monkeypatch.setattr(tool.publish, "push", push)
    monkeypatch.setattr(sys, "argv", ["publish.py", "--organization", "org", "--all", "--dry-run"])
    with pytest.raises(SystemExit, match="1 not published: can-l1-16k"):
        tool.main()
    assert "hub" not in zoo.info("jnd-22k") and "not uploaded" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["publish.py", "--organization", "org", "jnd-22k"])
    tool.main()
    assert zoo.info("jnd-22k")["hub"] == {"repository": "org/jnd-22k", "revision": "a" * 40}
    assert "hub" not in zoo.info("dnn-mse-16k")
    preset.load(tmp_path / "jnd-22k")


@pytest.mark.parametrize("given", [[], ["--all", "jnd-22k"]])
def test_the_tool_wants_names_or_all(given):
    command = [sys.executable, "tools/publish.py", "--organization", "org", *given]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "give names, or --all" in done.stderr
