"""TF Serving's configuration for a folder of exported models. Imports no backend."""

import re
from pathlib import Path

from zoo.base.files import atomic_write
from zoo.errors import InputError

_HEAD = "# Written by `zoo serve-config`, which replaces it.\n"

# Requests of unlike lengths meet in one batch only if the server pads them, with each one's first value: the signature
# `lengths` does not care, and is what zoo.serving.client sends.
_BATCHING = """\
max_batch_size { value: 32 }
batch_timeout_micros { value: 2000 }
max_enqueued_batches { value: 100 }
pad_variable_length_inputs: true
"""
_MONITORING = """\
prometheus_config {
  enable: true
  path: "/monitoring/prometheus/metrics"
}
"""
_COMPOSE = """\
services:
  serving:
    # A version of TF Serving at or above that of the TensorFlow that exported the models.
    image: tensorflow/serving:${TF_SERVING_VERSION:-latest}
    ports:
      - "8500:8500" # gRPC
      - "8501:8501" # REST, and /monitoring/prometheus/metrics
    volumes:
      - .:/models:ro
    command:
      - --model_config_file=/models/models.config
      - --model_config_file_poll_wait_seconds=60
      - --allow_version_labels_for_unavailable_models=true
      - --enable_batching=true
      - --batching_parameters_file=/models/batching.config
      - --monitoring_config_file=/models/monitoring.config
    restart: unless-stopped
"""


def write(directory):
    """Write what TF Serving needs to serve every model of a folder, `<directory>/<model>/<version>/`.

    - `models.config`: all models, of each the newest version and the one before it. A model's one version is labelled
      `stable`; of two, the newest is `canary` and the other `stable`.
    - `batching.config`: batches of at most 32 recordings, padded by the server.
    - `monitoring.config`: figures for Prometheus.
    - `docker-compose.yml`: the official image with all of these, on ports 8500 (gRPC) and 8501 (REST).

    Args:
        directory: of exported models, as `zoo.serving.export` makes them.

    Returns:
        {model: {label: version}}.

    Raises:
        InputError: there is no model in the folder.

    Example:
        >>> write("models/")  # needs exports  # doctest: +SKIP
        {'pesq': {'stable': 1}}
    """
    labels = {name: _labels(versions) for name, versions in _models(Path(directory)).items()}
    texts = {"models.config": _models_config(labels), "batching.config": _BATCHING, "monitoring.config": _MONITORING}
    for name, text in {**texts, "docker-compose.yml": _COMPOSE}.items():
        with atomic_write(Path(directory) / name) as fresh:
            Path(fresh).write_text(_HEAD + text, encoding="utf-8")
    return labels


def _models(directory):
    """{name: versions, ascending} of the models in a folder."""
    versions_of = {}
    for path in directory.glob("*/*/saved_model.pb"):
        name, version = path.parts[-3:-1]
        if re.fullmatch("[1-9][0-9]*", version) and not name.startswith("."):
            versions_of.setdefault(name, []).append(int(version))
    if not versions_of:
        raise InputError(f"{directory} holds no models: zoo export NAME {directory / 'NAME'} makes one")
    return {name: sorted(versions) for name, versions in sorted(versions_of.items())}


def _labels(versions):
    """{label: version}, of the two newest."""
    return {"stable": versions[0]} if len(versions) == 1 else {"stable": versions[-2], "canary": versions[-1]}


def _models_config(labels_of):
    """The text of a ModelServerConfig."""
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    config = model_server_config_pb2.ModelServerConfig()
    for name, labels in labels_of.items():
        one = config.model_config_list.config.add(
            name=name, base_path=f"/models/{name}", model_platform="tensorflow", version_labels=labels
        )
        one.model_version_policy.specific.versions.extend(sorted(labels.values()))
    return text_format.MessageToString(config)
