"""TF Serving's configuration, read back by its own protos where they are to be had."""

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from zoo import cli
from zoo.errors import InputError
from zoo.serving import config as serve_config


@pytest.fixture
def models(tmp_path):
    for path in ("pesq/1", "stems/3", "stems/12", "stems/2", ".hidden/1", "stems/.4.part", "notes/old"):
        (tmp_path / path).mkdir(parents=True)
        (tmp_path / path / "saved_model.pb").write_bytes(b"")
    (tmp_path / "empty" / "1").mkdir(parents=True)
    return tmp_path


def read(path):
    return text_format.Parse(path.read_text(), model_server_config_pb2.ModelServerConfig())


def test_every_model_is_served_by_its_newest_versions(models):
    assert serve_config.write(models) == {"pesq": {"stable": 1}, "stems": {"stable": 3, "canary": 12}}
    pesq, stems = read(models / "models.config").model_config_list.config
    assert (pesq.name, pesq.base_path, pesq.model_platform) == ("pesq", "/models/pesq", "tensorflow")
    assert list(pesq.model_version_policy.specific.versions) == [1] and dict(pesq.version_labels) == {"stable": 1}
    assert list(stems.model_version_policy.specific.versions) == [3, 12]
    assert dict(stems.version_labels) == {"stable": 3, "canary": 12}


def test_the_server_is_started_with_every_file(models):
    serve_config.write(models)
    compose = (models / "docker-compose.yml").read_text()
    for name in ("models.config", "batching.config", "monitoring.config"):
        assert (models / name).is_file() and f"=/models/{name}\n" in compose
    # Without padding by the server, requests of unlike lengths that meet in a batch would be errors.
    assert "pad_variable_length_inputs: true" in (models / "batching.config").read_text()


def test_a_second_run_replaces_the_first(models):
    serve_config.write(models)
    (models / "pesq" / "2").mkdir()
    (models / "pesq" / "2" / "saved_model.pb").write_bytes(b"")
    serve_config.write(models)
    pesq = read(models / "models.config").model_config_list.config[0]
    assert dict(pesq.version_labels) == {"stable": 1, "canary": 2}
    own = {"pesq", "stems", ".hidden", "notes", "empty"}
    written = {"models.config", "batching.config", "monitoring.config", "docker-compose.yml"}
    assert {path.name for path in models.iterdir()} == own | written


def test_a_folder_without_models_is_refused(tmp_path, capsys):
    with pytest.raises(InputError, match="holds no models: zoo export NAME"):
        serve_config.write(tmp_path)
    assert cli.main(["serve-config", str(tmp_path / "nowhere")]) == 2
    assert "holds no models" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_the_command_says_what_is_served(models, capsys):
    assert cli.main(["serve-config", str(models)]) == 0
    assert "stems: stable is version 3, canary is version 12" in capsys.readouterr().out
