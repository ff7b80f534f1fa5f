"""Publishing: what is refused, what a repository or a folder holds, and that it comes back; on a Hub on loopback."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import ModelCard

import zoo
from tests.support.harness import REPOSITORY
from tests.support.hub_client import FETCH, run, running_hub, same
from tests.support.hub_server import TOKEN
from zoo.checkpoint import preset
from zoo.checkpoint.card import read_card, write_card
from zoo.errors import InputError, InputWarning
from zoo.serving import publish

PUSH = (
    "import sys; from zoo.serving import publish; {before}"
    "print(publish.push(sys.argv[1] + '/', sys.argv[2], private=len(sys.argv) > 3)['source'])"
)
WITHOUT_EXPORT = PUSH.format(before="publish._run_export = lambda *_: None;")


@pytest.fixture
def checkpoint(tmp_path):
    return shutil.copytree(REPOSITORY / "checkpoints" / "quality-net-lite-stoi-16k", tmp_path / "stoi")


@pytest.fixture
def stub_export(monkeypatch):
    """An export that takes no time: what it writes is tested in test_export.py."""

    def run_export(_, directory):
        (directory / "1").mkdir(parents=True)
        (directory / "1" / "saved_model.pb").write_bytes(b"graph")

    monkeypatch.setattr(publish, "_run_export", run_export)


@pytest.fixture
def hub(tmp_path):
    with running_hub(tmp_path / "home") as hub:
        yield hub


def change_card(checkpoint, change):
    card = read_card(checkpoint)
    change(card)
    (checkpoint / "card.json").write_text(json.dumps(card))


def listed(folder):
    """{name: bytes} of the files in a folder."""
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def test_a_dry_run_leaves_what_would_be_uploaded(checkpoint, stub_export):
    result = zoo.push(checkpoint, "org/stoi", dry_run=True)
    assert result["source"] is None
    own = {path.name for path in checkpoint.iterdir()}
    assert set(result["files"]) == own | {"README.md", "saved_model/1/saved_model.pb"}
    assert result["files"]["model.weights.h5"] == (checkpoint / "model.weights.h5").stat().st_size
    assert listed(result["folder"]) == result["files"]
    assert 'zoo.load("hf://org/stoi")' in (result["folder"] / "README.md").read_text()
    shutil.rmtree(result["folder"])


@pytest.mark.parametrize("kind", ["slash", "path", "existing", "dot"])
def test_a_folder_gets_what_would_be_uploaded(tmp_path, monkeypatch, stub_export, kind):
    monkeypatch.chdir(tmp_path)
    if kind == "existing":
        Path("out").mkdir()
    target = {"slash": "out/", "path": Path("out"), "existing": "out", "dot": "./out"}[kind]
    result = zoo.push("quality-net-lite-stoi-16k", target)
    assert result["source"] is None and result["folder"] == Path("out") and listed(Path("out")) == result["files"]
    bundled = REPOSITORY / "checkpoints" / "quality-net-lite-stoi-16k"
    assert result["files"].keys() == listed(bundled).keys() | {"saved_model/1/saved_model.pb"}
    for path in bundled.iterdir():  # the page too
        assert path.read_bytes() == Path("out", path.name).read_bytes()


def test_the_page_of_a_directory_loads_it_from_there(checkpoint, tmp_path, stub_export):
    folder = zoo.push(f"{checkpoint}/", tmp_path / "out")["folder"]
    assert f'zoo.load("{checkpoint}/")' in (folder / "README.md").read_text()
    assert zoo.push(checkpoint, tmp_path / "other")["folder"].is_dir()
    assert f'zoo.load("{checkpoint}/")' in (tmp_path / "other" / "README.md").read_text()


def test_folders_that_hold_something_are_left_alone(checkpoint, tmp_path, stub_export):
    (tmp_path / "file").write_text("mine")
    for target in (checkpoint, tmp_path / "file"):
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(InputError, match="is there already and not empty: name a new folder"):
            zoo.push(checkpoint, target)
        assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("option", ["private", "dry_run"])
def test_options_of_repositories_are_refused_for_folders(checkpoint, tmp_path, option):
    with pytest.raises(InputError, match="is a local folder: private and dry_run are for a repository"):
        zoo.push(checkpoint, tmp_path / "out", **{option: True})
    assert not (tmp_path / "out").exists()


def test_a_target_that_could_be_two_things_is_refused(checkpoint, tmp_path, monkeypatch, stub_export):
    monkeypatch.chdir(tmp_path)
    Path("org/stoi").mkdir(parents=True)
    with pytest.raises(InputError, match="write org/stoi/ for it, or hf://org/stoi for the repository"):
        zoo.push(checkpoint, "org/stoi")
    assert "saved_model/1/saved_model.pb" in zoo.push(checkpoint, "hf://org/stoi", dry_run=True)["files"]
    assert zoo.push(checkpoint, "org/stoi/")["folder"] == Path("org/stoi")
    with pytest.raises(InputError, match="names a revision: write hf://org/stoi"):
        zoo.push(checkpoint, "hf://org/stoi@v1")


def test_a_failed_export_leaves_no_folder_and_says_why(checkpoint, tmp_path, monkeypatch):
    def fail(*_):
        raise InputError("the exported model has no pesq")

    monkeypatch.setattr(publish, "_run_export", fail)
    with pytest.raises(InputError, match="the exported model has no pesq"):
        zoo.push(checkpoint, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "path", ["licence.code", "licence.weights", "licence.data", "training.command", "evaluation.command", "evaluation"]
)
def test_a_card_that_lacks_something_is_refused(checkpoint, path):
    *parents, last = path.split(".")
    change_card(checkpoint, lambda card: (card[parents[0]] if parents else card).pop(last))
    with pytest.raises(InputError, match=rf"cannot publish: missing {path} in card.json"):
        publish.push(checkpoint, "org/stoi", dry_run=True)


def test_all_that_is_missing_is_named_at_once(checkpoint):
    change_card(checkpoint, lambda card: (card.pop("limits"), card["licence"].update(data="not stated")))
    (checkpoint / "golden.npz").unlink()
    with pytest.raises(InputError, match="missing licence.data in card.json, limits in card.json, golden.npz"):
        publish.push(checkpoint, "org/stoi", dry_run=True)


def test_a_model_without_a_card_is_refused(checkpoint):
    (checkpoint / "card.json").unlink()
    with pytest.raises(InputError, match=r"has no card.json: zoo.save\(model"):
        publish.push(checkpoint, "org/stoi", dry_run=True)


def test_without_tensorflow_all_but_the_saved_model_is_published(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(publish, "find_spec", lambda name: None)
    with pytest.warns(InputWarning, match=r"no SavedModel .* pip install \"audio-zoo\[tensorflow\]\"$") as warned:
        result = zoo.push(checkpoint, tmp_path / "out")
    assert warned[0].filename == __file__
    assert set(result["files"]) == {path.name for path in checkpoint.iterdir()} | {"README.md"}


@pytest.mark.parametrize("has_tensorflow", [True, False])
def test_a_golden_that_does_not_reproduce_is_refused(checkpoint, monkeypatch, has_tensorflow):
    monkeypatch.setattr(publish, "_run_export", publish._export)  # in this process
    monkeypatch.setattr(publish, "find_spec", lambda name: has_tensorflow or None)
    model = preset.load(checkpoint)
    for variable in model.weights:
        variable.assign(1.1 * variable)
    model.save_weights(checkpoint / "model.weights.h5")
    card = read_card(checkpoint)
    card["evaluation"]["commit"] = "0" * 40
    write_card(checkpoint, card)
    with pytest.raises(InputError, match="does not reproduce its golden"):
        publish.push(checkpoint, "org/stoi", dry_run=True)


def test_the_export_has_a_process_without_gpus_whose_errors_are_its_own(checkpoint, tmp_path, monkeypatch):
    def fail(directory, _):
        raise InputError(f"{directory}: {os.environ['CUDA_VISIBLE_DEVICES']}, {os.environ['KERAS_BACKEND']}")

    monkeypatch.setattr(publish, "_export", fail)
    with pytest.raises(InputError, match=f"^{checkpoint}: -1, tensorflow$") as raised:
        zoo.push(checkpoint, tmp_path / "out")
    assert raised.value.__cause__ is None and raised.value.__suppress_context__


def test_a_killed_export_is_said(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(publish, "_export", lambda *_: os._exit(9))
    with pytest.raises(InputError, match="its export was killed"):
        zoo.push(checkpoint, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_another_models_figures_are_refused(checkpoint):
    model = preset.load(checkpoint)
    model.weights[0].assign(1.01 * model.weights[0])
    golden = [np.zeros((1, 16000), "float32")] * 2
    zoo.save(model, checkpoint, card=read_card(checkpoint), golden=golden)
    with pytest.raises(InputError, match="evaluation is that of quality-net-lite-stoi-16k, not of these weights"):
        publish.push(checkpoint, "org/stoi", dry_run=True)


def test_a_card_that_does_not_pin_every_file_is_refused(checkpoint):
    change_card(checkpoint, lambda card: card["files"].pop("config.json"))
    with pytest.raises(InputError, match="missing files.config.json in card.json"):
        publish.push(checkpoint, "org/stoi", dry_run=True)


def test_a_fact_of_the_wrong_type_is_refused(checkpoint):
    change_card(checkpoint, lambda card: card.update(sample_rate="16 kHz", limits="English"))
    with pytest.raises(InputError, match="in card.json sample_rate is '16 kHz', not of type int; limits is 'English'"):
        publish.push(checkpoint, "org/stoi", dry_run=True)


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
    with pytest.raises(InputError, match="family is 'own', not one of quality_net, jnd"):
        publish.push(checkpoint, "org/stoi", dry_run=True)


@pytest.mark.parametrize("repository", ["stoi", "org/stoi/1", "org/stoi@main"])
def test_what_is_no_repository_is_refused(checkpoint, repository):
    with pytest.raises(InputError, match="is no repository: write org/name, or folder/"):
        publish.push(checkpoint, repository, dry_run=True)


@pytest.mark.slow
def test_a_checkpoint_comes_back_equal(hub, checkpoint):
    change_card(checkpoint, lambda card: card.update(hub={"repository": "org/stoi", "revision": "0" * 40}))
    first = run(
        hub, PUSH.format(before=""), str(checkpoint), "org/stoi", "private", HF_TOKEN=TOKEN, HF_HUB_DISABLE_XET="1"
    )
    repository = hub.repositories["org/stoi"]
    assert first == f"hf://org/stoi@{repository.refs['main']}"
    assert repository.private and len(repository.commits) == 2  # what creation makes, and all files at once
    files = repository.commits[repository.refs["main"]]
    assert "hub" not in json.loads(files["card.json"])  # which would be of an earlier revision
    assert {"README.md", "saved_model/1/saved_model.pb", ".gitattributes", "scatter.png"} <= set(files)
    assert ModelCard(files["README.md"].decode()).data.pipeline_tag is None
    write_card(checkpoint, json.loads(files["card.json"]))
    assert same(run(hub, FETCH, first, HF_TOKEN=TOKEN), checkpoint)

    (checkpoint / "scatter.png").unlink()
    second = run(hub, WITHOUT_EXPORT, str(checkpoint), "org/stoi", HF_TOKEN=TOKEN, HF_HUB_DISABLE_XET="1")
    assert second != first and "scatter.png" not in repository.commits[repository.refs["main"]]
    assert same(run(hub, FETCH, first, HF_TOKEN=TOKEN), checkpoint)  # the pinned one stays


@pytest.mark.slow
def test_keras_reads_the_same_repository(hub, checkpoint):
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
def test_what_the_hub_refuses_is_told(hub, tmp_path, repository, environment, says):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "config.json").write_text("{}")
    script = "import sys; from zoo.checkpoint import hub; hub.upload(sys.argv[1], sys.argv[2], 'first')"
    assert says in run(hub, script, str(tmp_path / "folder"), repository, **environment)
    assert all(len(stored.commits) < 2 for stored in hub.repositories.values())


def test_a_readme_that_the_hub_refuses_is_told(hub, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "README.md").write_text("---\nlicense: nonsense\n---\n")
    script = "import sys; from zoo.checkpoint import hub; hub.upload(sys.argv[1], sys.argv[2], 'first')"
    said = run(hub, script, str(tmp_path / "folder"), "org/stoi", HF_TOKEN=TOKEN)
    assert "the Hub refuses the card's metadata" in said and '"license" must be one of' in said


def test_a_failed_upload_leaves_the_repository_as_it_was(hub, checkpoint):
    before = hub.add("org/stoi", checkpoint)
    hub.refuse_objects = True
    (checkpoint / "new.npz").write_bytes(b"new")
    script = "import sys; from zoo.checkpoint import hub; hub.upload(sys.argv[1], sys.argv[2], 'second')"
    quiet = {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    said = run(hub, script, str(checkpoint), "org/stoi", HF_TOKEN=TOKEN, **quiet)
    assert "the upload failed, try again" in said
    assert hub.repositories["org/stoi"].refs["main"] == before
