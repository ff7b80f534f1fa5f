"""The ablation of losses: its parts differ in the loss alone, added losses begin with gradients of one size."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from tests.support.enhancement import voice
from tools import ablate_losses
from zoo.audio import mix
from zoo.checkpoint import preset
from zoo.enhancement import examples
from zoo.enhancement.model import DNNEnhancer
from zoo.enhancement.train import Recipe
from zoo.errors import InputError
from zoo.losses.weighted import build
from zoo.quality_net.model import QualityNetLite
from zoo.texture.optimize import value_and_gradient

SIGNAL = {"magnitude-mse": 2.0, "negative-si-sdr": 0.1}


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """A config whose start and surrogate are small networks that know nothing."""
    folder = tmp_path_factory.mktemp("losses")
    keras.utils.set_random_seed(0)
    preset.save(DNNEnhancer(units=4), folder / "start")
    preset.save(QualityNetLite(bands=8), folder / "surrogate")
    (folder / "tiny.toml").write_text(f"""
family = "enhancement"
name = "tiny"
network = "DNNEnhancer"
options = {{ units = 4 }}
start = "{folder}/start/"
loss = {{ magnitude-mse = 2.0, negative-si-sdr = 0.1, "{folder}/surrogate/" = 1.0 }}
seconds = 1.0
n_validation = 2
batch_size = 2
learning_rate = 1e-2
refresh = {{ examples = 4, steps = 2, learning_rate = 1e-3 }}
""")
    return folder / "tiny.toml"


@pytest.fixture
def command(config, tmp_path, monkeypatch):
    """A function of more arguments that runs the tool on a talker and a noise."""
    speech = {"f1": [voice(4.0, seed=0)]}
    noise = [mix.colored_noise(48000, 1.0, np.random.default_rng(0))]
    drawn = examples.Mixtures(speech, noise, (0, 10)), examples.validation_set(speech, noise, 2, seconds=1.0)
    monkeypatch.setattr(ablate_losses.sources, "train_on_data", lambda *_: drawn)
    tests = examples.test_set({"f2": [voice(1.5, seed=1)]}, noise, (0, 6))
    monkeypatch.setattr(ablate_losses.sources, "test_on_data", lambda *_: tests)

    def run(*more):
        places = ["--runs", tmp_path / "runs", "--jobs", 1, "--steps", 2, "--epochs", 2, "--size", 2]
        return ablate_losses.main([str(argument) for argument in (config, *places, *more)])

    return run


def test_each_loss_comes_once_beside_the_signals():
    recipe = Recipe("r", "DNNEnhancer", SIGNAL | {"quality-net-tiny-pesq-wb-16k": 1.0}, start="dnn-mse-16k")
    parts = ablate_losses.variants(recipe)
    assert parts["start"] is None
    assert parts["SI-SDR alone"] == (("negative-si-sdr",), False)
    assert parts["signal"] == (tuple(SIGNAL), False)
    assert parts["+ pmsqe"] == ((*SIGNAL, "pmsqe"), False)
    learned = (*SIGNAL, "quality-net-tiny-pesq-wb-16k")
    assert parts["+ quality-net-tiny-pesq-wb-16k"] == (learned, False)
    assert parts["+ quality-net-tiny-pesq-wb-16k, refreshed"] == (learned, True)
    assert len(parts) == 12


def test_an_added_loss_begins_with_a_gradient_as_large_as_the_signals():
    recipe = Recipe("r", "DNNEnhancer", SIGNAL, {"units": 4}, start=None)
    reference = np.stack([voice(1.0, seed=i) for i in range(2)])
    noisy = reference + 0.02 * np.random.default_rng(0).standard_normal(reference.shape).astype("float32")
    weights = ablate_losses.balanced(recipe, ("negative-si-sdr", "pmsqe"), noisy, reference)
    assert weights["negative-si-sdr"] == 0.1
    enhanced = recipe.model().enhance(noisy, 16000)
    norms = []
    for terms in (SIGNAL, {"pmsqe": weights["pmsqe"]}):
        loss = build(terms)
        _, slopes = value_and_gradient(lambda x, loss=loss: (loss(reference, x), x))(enhanced)
        norms.append(np.linalg.norm(ops.convert_to_numpy(slopes)))
    assert norms[1] == pytest.approx(norms[0], rel=1e-3)


@pytest.mark.slow
def test_parts_are_trained_scored_and_kept(command, tmp_path, capsys):
    command("--parts", "start", "signal")
    text = capsys.readouterr().out
    assert "| start |" in text and "| signal |" in text and "PESQ wb" in text and "+ pmsqe" not in text
    kept = next((tmp_path / "runs").glob("tiny-losses-2x2-2/signal.json"))
    facts = json.loads(kept.read_text())
    assert facts["recipe"]["steps"] == 2
    assert facts["weights"] == SIGNAL and facts["results"]["n"] == 2
    kept.write_text(json.dumps(facts | {"results": facts["results"] | {"n": 77}}))
    command("--parts", "signal")  # done already
    assert "| 77 |" in capsys.readouterr().out


@pytest.mark.slow
def test_a_learned_loss_of_a_directory_is_trained_fixed_and_refreshed(command, config, tmp_path, capsys):
    surrogate = f"{config.parent}/surrogate/"
    command("--parts", f"+ {surrogate}", f"+ {surrogate}, refreshed")
    lines = capsys.readouterr().out.splitlines()
    assert sum(surrogate in line and line.startswith("| +") for line in lines) == 2
    path = next((tmp_path / "runs" / "tiny-losses-2x2-2").glob("*refreshed.json"))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"recipe": {}}))
    with pytest.raises(InputError, match="is of another recipe"):
        command("--parts", f"+ {surrogate}, refreshed")
    with pytest.raises(InputError, match="is of another recipe"):
        command("--table")


@pytest.mark.slow
def test_a_loss_without_a_reference_is_trained(command, capsys):
    command("--parts", f"+ {ablate_losses.FREE}")
    assert f"| + {ablate_losses.FREE} |" in capsys.readouterr().out


def test_unknown_parts_and_configs_without_what_is_compared_are_refused(command, tmp_path):
    with pytest.raises(InputError, match="no part is called 'rooms'"):
        command("--parts", "rooms")
    with pytest.raises(InputError, match="no part is done"):
        command("--table")
    with pytest.raises(InputError, match="needs a start, signal losses and one learned loss"):
        ablate_losses.variants(Recipe("r", "DNNEnhancer", SIGNAL))
