"""Checkpoints of the Hub, through its real client and a server on loopback; each load in a process of its own."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.support.damage import cut, not_utf8, pointer, random_bytes, web_page
from tests.support.harness import REPOSITORY
from tests.support.hub_client import FETCH, run, running_hub, same
from tests.support.hub_server import TOKEN
from zoo.checkpoint import hub as zoo_hub
from zoo.checkpoint import integrity
from zoo.errors import InputError

NAME = "org/quality-net-lite"


@pytest.fixture(scope="module")
def checkpoint():
    return REPOSITORY / "checkpoints" / "quality-net-lite-stoi-16k"


@pytest.fixture
def keras_saved(checkpoint, tmp_path):
    """The same as Keras writes it: without card and checksums."""
    shutil.copytree(checkpoint, tmp_path / "keras", ignore=lambda _, names: set(names) - set(integrity.CHECKED_FILES))
    return tmp_path / "keras"


@pytest.fixture
def hub(tmp_path):
    with running_hub(tmp_path / "home") as hub:
        yield hub


@pytest.mark.parametrize(
    "source, parts",
    [
        ("hf://org/name", ("org/name", None)),
        ("hf://org/na.me-1@v1.0", ("org/na.me-1", "v1.0")),
        ("hf://org/name@refs/pr/1", ("org/name", "refs/pr/1")),
        ("hf://org/name@v1+cpu", ("org/name", "v1+cpu")),
    ],
)
def test_sources(source, parts):
    assert zoo_hub.parse(source) == parts


@pytest.mark.parametrize("source", ["hf://name", "hf://a/b/c", "hf://org/name@", "hf://", "hf://org/na me"])
def test_what_is_no_source(source):
    with pytest.raises(InputError, match="hf://org/name@revision"):
        zoo_hub.parse(source)


def test_a_checkpoint_comes_whole_and_then_from_the_cache(hub, checkpoint):
    sha = hub.add(NAME, checkpoint)
    hub.repositories[NAME].commit({"saved_model/saved_model.pb": b"x" * 100})
    directory = run(hub, FETCH, f"hf://{NAME}")
    assert same(directory, checkpoint)
    assert not os.path.exists(os.path.join(directory, "saved_model"))
    assert same(run(hub, FETCH, f"hf://{NAME}@{sha}"), checkpoint)
    hub.requests.clear()
    assert run(hub, FETCH, f"hf://{NAME}@{sha}").endswith(sha)
    assert hub.requests == []  # a commit never changes: no network is needed


def test_revisions_are_pinned(hub, checkpoint):
    first = hub.add(NAME, checkpoint)
    hub.repositories[NAME].refs |= {"v1": first, "refs/pr/1": first}
    hub.repositories[NAME].commit({"config.json": b"{}", "card.json": b"{}"})
    for revision in ("v1", "refs/pr/1"):
        assert same(run(hub, FETCH, f"hf://{NAME}@{revision}"), checkpoint)
    assert not same(run(hub, FETCH, f"hf://{NAME}"), checkpoint)


def test_offline_takes_the_cache_alone(hub, checkpoint):
    hub.add(NAME, checkpoint)
    for offline in ([], {"HF_HUB_OFFLINE": "1"}), (["offline"], {}):
        said = run(hub, FETCH, f"hf://{NAME}", *offline[0], **offline[1])
        assert "not in the cache, and this is offline" in said
    assert hub.requests == []
    run(hub, FETCH, f"hf://{NAME}")
    hub.requests.clear()
    assert same(run(hub, FETCH, f"hf://{NAME}", "offline"), checkpoint)
    assert same(run(hub, FETCH, f"hf://{NAME}", HF_HUB_OFFLINE="1"), checkpoint)
    assert hub.requests == []


def test_what_is_wrong_is_told_apart(hub, checkpoint, tmp_path):
    hub.add(NAME, checkpoint)
    hub.add("org/private", checkpoint, private=True)
    hub.add("org/gated", checkpoint, gated=True)
    (tmp_path / "part").mkdir()
    shutil.copy(checkpoint / "config.json", tmp_path / "part")
    hub.add("org/part", tmp_path / "part")
    hub.add("org/bad", checkpoint)
    hub.repositories["org/bad"].commit({"card.json": b"no card"})
    for source, says in (
        ("hf://org/nothing", "no such repository, or it is private"),
        ("hf://org/private", "no such repository, or it is private"),
        ("hf://org/gated", "is gated: accept its terms"),
        (f"hf://{NAME}@v9", "no such branch, tag or commit"),
        ("hf://org/bad", "card.json is not JSON"),
        ("hf://org/part", "is no Keras checkpoint: it has no metadata.json"),
    ):
        assert says in run(hub, FETCH, source), source
    assert same(run(hub, FETCH, "hf://org/private", HF_TOKEN=TOKEN), checkpoint)
    assert "no such repository, or it is private" in run(hub, FETCH, "hf://org/other", HF_TOKEN=TOKEN)
    assert "the Hub refuses your token" in run(hub, FETCH, f"hf://{NAME}", HF_TOKEN="hf_wrong")


def test_a_hub_that_cannot_be_reached(hub, checkpoint):
    def fetch(**environment):
        return run(hub, FETCH, f"hf://{NAME}", **environment)

    assert "not in the cache, and the Hub cannot be reached" in fetch(HF_ENDPOINT="http://127.0.0.1:9")
    hub.add(NAME, checkpoint)
    fetch()
    assert same(fetch(HF_ENDPOINT="http://127.0.0.1:9"), checkpoint)  # the branch, as it was


def test_other_errors_of_the_client_are_told(monkeypatch):
    import huggingface_hub

    def fail(*_, **__):
        raise RuntimeError("Data processing error: CAS service error\nand more")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(InputError, match="the download failed, try again: Data processing error: CAS service error$"):
        zoo_hub.fetch("org/name")


def test_a_changed_byte_is_found_and_never_used(hub, checkpoint):
    sha = hub.add(NAME, checkpoint)
    hub.corrupt.add("model.weights.h5")
    said = run(hub, FETCH, f"hf://{NAME}")
    assert "downloaded twice" in said and "differs from the sha256" in said
    hub.corrupt.clear()
    assert same(run(hub, FETCH, f"hf://{NAME}@{sha}"), checkpoint)  # the damaged file in the cache is fetched again


def test_a_cache_that_was_damaged(hub, checkpoint):
    hub.add(NAME, checkpoint)
    weights = os.path.realpath(os.path.join(run(hub, FETCH, f"hf://{NAME}"), "model.weights.h5"))
    with open(weights, "r+b") as file:
        file.truncate(1000)
    assert "damaged in the cache, and this is offline" in run(hub, FETCH, f"hf://{NAME}", "offline")
    assert same(run(hub, FETCH, f"hf://{NAME}"), checkpoint)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("model.weights.h5", cut),
        ("model.weights.h5", pointer),
        ("model.weights.h5", random_bytes),
        ("config.json", web_page),
        ("metadata.json", not_utf8),
    ],
)
def test_a_damaged_cache_without_a_card_heals(hub, keras_saved, name, damage):
    hub.add(NAME, keras_saved)
    damaged = Path(run(hub, FETCH, f"hf://{NAME}"), name)
    damage(damaged.resolve())
    said = run(hub, FETCH, f"hf://{NAME}", "offline")
    assert "damaged in the cache, and this is offline" in said and name in said
    directory = run(hub, FETCH, f"hf://{NAME}")
    assert all((Path(directory) / path.name).read_bytes() == path.read_bytes() for path in keras_saved.iterdir())


def test_a_repository_without_a_card_that_is_damaged_on_the_way(hub, keras_saved):
    hub.add(NAME, keras_saved)
    hub.corrupt.add("model.weights.h5")
    assert "downloaded twice, and is damaged on the Hub" in run(hub, FETCH, f"hf://{NAME}")


HASHED = """
import sys
from zoo.checkpoint import integrity
digest, names = integrity.sha256, []
integrity.sha256 = lambda path: names.append(str(path).rsplit("/", 1)[-1]) or digest(path)
import zoo
for source in sys.argv[1:]:
    zoo.load(source)
    names.append("|")
print(*names)
"""


@pytest.mark.slow
def test_each_file_is_hashed_once_on_load(hub, checkpoint):
    hub.add(NAME, checkpoint)
    hashed = run(hub, HASHED, f"hf://{NAME}", f"{checkpoint}/").split("|")
    expected = sorted(integrity.CHECKED_FILES)
    assert [sorted(names.split()) for names in hashed] == [expected, expected, []]


@pytest.mark.slow
def test_a_cut_connection_is_told_and_the_next_try_is_whole(hub, checkpoint):
    hub.add(NAME, checkpoint)
    hub.cut["model.weights.h5"] = 1000
    assert "the download failed, try again" in run(hub, FETCH, f"hf://{NAME}")
    assert "not in the cache" in run(hub, FETCH, f"hf://{NAME}", "offline")  # half a checkpoint is none
    hub.cut.clear()
    assert same(run(hub, FETCH, f"hf://{NAME}"), checkpoint)


def test_two_processes_at_once(hub, checkpoint):
    hub.add(NAME, checkpoint)
    script = f"""
import subprocess, sys
both = [subprocess.Popen([sys.executable, "-c", {FETCH!r}, "hf://{NAME}"], stdout=subprocess.PIPE) for _ in range(2)]
print(*[one.communicate()[0].decode().split()[-1] for one in both])"""
    first, second = run(hub, script).split()
    assert first == second and same(first, checkpoint)


LOAD = """
import json, sys
import keras, numpy as np
import zoo
import zoo.quality_net.model
name = "quality-net-lite-stoi-16k"
from_hub, bundled = zoo.load(f"hf://{sys.argv[1]}", verify=True), zoo.load(name)
from_keras = keras.saving.load_model(f"hf://{sys.argv[1]}")
x = np.random.default_rng(0).standard_normal((1, 8000)).astype("float32")
scores = [float(model.score(x, x / 2, 16000)[0]) for model in (from_hub, bundled, from_keras)]
print(json.dumps(scores + [zoo.info(f"hf://{sys.argv[1]}") == zoo.info(name)]))
"""


@pytest.mark.slow
def test_it_loads_as_the_bundled_one_does_and_keras_reads_it_too(hub, checkpoint):
    hub.add(NAME, checkpoint)
    one, two, three, card = json.loads(run(hub, LOAD, NAME))
    assert one == two == three and card


PINNED = """
import json, pathlib, sys
import zoo
from zoo.checkpoint import registry
registry.root = lambda: pathlib.Path(sys.argv[1])
print(json.dumps([zoo.list(), zoo.info("pinned")["name"], str(registry.resolve("pinned"))]))
"""


def test_a_name_whose_weights_lie_on_the_hub(hub, checkpoint, tmp_path):
    sha = hub.add(NAME, checkpoint)
    card = json.loads((checkpoint / "card.json").read_text())
    (tmp_path / "root" / "pinned").mkdir(parents=True)

    def write(**facts):
        (tmp_path / "root" / "pinned" / "card.json").write_text(json.dumps(card | {"name": "pinned"} | facts))

    write(hub={"repository": NAME, "revision": sha})
    names, name, directory = json.loads(run(hub, PINNED, str(tmp_path / "root")))
    assert names == [name] == ["pinned"] and same(directory, checkpoint)
    write(hub={"repository": NAME, "revision": sha}, files=card["files"] | {"config.json": "0" * 64})
    assert "config.json differs from the sha256" in run(hub, PINNED, str(tmp_path / "root"))
    write()
    assert "install the zoo again" in run(hub, PINNED, str(tmp_path / "root"))


@pytest.mark.parametrize(
    "licence, identifier",
    [
        ("MIT", "mit"),
        ("mit", "mit"),
        ("MIT, Copyright (c) 2020 Pranay Manocha", None),
        ("apache-2.0", "apache-2.0"),
        ("Apache 2.0", "apache-2.0"),
        ("CC BY 4.0", "cc-by-4.0"),
        ("CC-BY-4.0", "cc-by-4.0"),
        ("CC BY-NC-SA 4.0", "cc-by-nc-sa-4.0"),
        ("CC0", "cc0-1.0"),
        ("CC0 1.0", "cc0-1.0"),
        ("GPL-3.0", "gpl-3.0"),
        ("GPL-3.0-or-later", "gpl-3.0"),
        ("BSD 3-clause", "bsd-3-clause"),
        ("Our Own, v2", None),
    ],
)
def test_licences_have_the_hubs_identifiers_in_any_spelling(licence, identifier):
    assert zoo_hub.licence_id(licence) == identifier
