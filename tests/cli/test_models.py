"""Commands run checkpoints on onnxruntime, or on Keras; what is wrong with recordings is said without either."""

import subprocess
import sys
import time

import pytest

import zoo
from tests.support.harness import REPOSITORY
from zoo import cli
from zoo.checkpoint import preset
from zoo.cli.models import Checkpoint, UnusableModel

FILES = {name: str(path) for name, path in zoo.examples().items()}
LIGHT = """
import sys
from zoo.cli import main
status = main(sys.argv[1:])
print(sorted({"keras", "tensorflow", "jax", "torch", "joblib"} & set(sys.modules)), file=sys.stderr)
sys.exit(status)
"""


def zoo_process(*arguments):
    """Run a command in a process of its own: its status, its output, and its other output without a bar."""
    command = [sys.executable, "-c", LIGHT, *map(str, arguments)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr.splitlines()


def test_a_pair_is_scored_without_a_backend_and_without_a_word_on_stderr():
    status, out, err = zoo_process("score", FILES["reference"], FILES["degraded"])
    assert status == 0 and out.splitlines()[-1].endswith("1.154")
    assert err == ["[]"]


def test_a_recording_is_enhanced_and_separated_without_a_backend(tmp_path):
    status, out, err = zoo_process("enhance", FILES["degraded"], tmp_path / "enhanced.wav")
    assert (status, out, err) == (0, "", ["[]"])
    status, out, err = zoo_process("separate", FILES["degraded"], tmp_path / "stems")
    assert status == 0 and len(out.splitlines()) == 4 and err == ["[]"]


@pytest.mark.parametrize("runtime", ["onnx", "keras"])
def test_what_needs_no_network_is_refused_without_one(runtime, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(preset, "load", lambda source: pytest.fail("Keras loads a network"))
    (tmp_path / "empty").mkdir()
    zoo.audio.io.write(tmp_path / "stereo.wav", zoo.audio.io.read(FILES["reference"])[0][:, None].repeat(2, 1), 16000)
    zoo.audio.io.write(tmp_path / "other.wav", zoo.audio.io.read(FILES["reference"])[0], 8000)
    missing, stereo, other = tmp_path / "missing.wav", tmp_path / "stereo.wav", tmp_path / "other.wav"
    mistakes = [
        ("score", missing, FILES["degraded"], "no such file"),
        ("score", stereo, stereo, "channels"),
        ("score", other, other, "16000 Hz"),
        ("distance", FILES["reference"], FILES["degraded"], "22050 Hz"),
        ("score", tmp_path / "empty", tmp_path / "empty", "holds no"),
        ("enhance", missing, tmp_path / "out.wav", "no such file"),
        ("enhance", other, tmp_path / "out.wav", "16000 Hz is needed"),
        ("separate", missing, tmp_path / "stems", "no such file"),
    ]
    for command, *places, reason in mistakes:
        start = time.process_time()
        assert cli.main([command, *map(str, places), "--runtime", runtime]) == 2
        assert reason in capsys.readouterr().err
        assert time.process_time() - start < 1


def test_both_runtimes_give_the_same(capsys):
    printed = []
    for runtime in ("onnx", "keras"):
        assert cli.main(["distance", FILES["reference"], FILES["degraded"], "--resample", "--runtime", runtime]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]


def test_a_checkpoint_without_model_onnx_runs_on_keras(tmp_path, capsys):
    from zoo.quality_net.model import QualityNetLite

    zoo.save(QualityNetLite(bands=8, convolutions=((4, 1, 2),)), tmp_path / "mine")
    pair = [FILES["reference"], FILES["degraded"], "--metric", f"{tmp_path}/mine/"]
    assert cli.main(["score", *pair]) == 0
    assert cli.main(["score", *pair, "--runtime", "onnx"]) == 2
    assert "has no model.onnx: load it with" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "method", "hint"),
    [
        ("quality-net-lite-stoi-16k", "distance", "which measures no distance; use `zoo score`"),
        ("blstm-quality-net-refresh-16k", "distance", "a BLSTMEnhancer, which measures no distance; use `zoo enhance`"),
        ("texture-classifier-16k", "enhance", "which enhances nothing; `zoo list` names the checkpoints"),
    ],
)
def test_a_checkpoint_of_another_command_is_hinted_at(name, method, hint):
    with pytest.raises(UnusableModel, match=hint):
        assert Checkpoint(name, None, method).model


def test_a_rate_needs_no_network():
    checkpoint = Checkpoint("jnd-22k", "keras", "distance")
    assert checkpoint.sample_rate == 22050 and "model" not in vars(checkpoint)
