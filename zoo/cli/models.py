"""The checkpoint that a command runs: on onnxruntime where it can, which starts at once, else on Keras."""

import functools
from typing import Any

from zoo.checkpoint import integrity, network, registry
from zoo.errors import InputError

RUNTIMES = ("onnx", "keras")
# What an error says of a model that lacks the method which a command calls.
_LACKS = {
    "score": "scores nothing",
    "distance": "measures no distance",
    "enhance": "enhances nothing",
    "separate": "separates nothing",
}


class UnusableModel(InputError):
    """A model that is not what a command needs, or cannot be loaded: whatever the recordings, the command ends."""


def add_argument(command) -> None:
    """Add --runtime to a command."""
    command.add_argument(
        "--runtime", choices=RUNTIMES, help="that runs the network (default: onnx where the checkpoint has model.onnx)"
    )


class Checkpoint:
    """A checkpoint; Keras loads it when it is first needed, so that what is wrong with recordings is said before.

    Args:
        name: a bundled name, "hf://org/name", or a directory with a slash.
        runtime: one of `RUNTIMES`; None is onnx where the checkpoint has model.onnx, else keras.
        method: that the model must have, as `_LACKS` names it.

    Raises:
        InputError: as for `zoo.checkpoint.registry.resolve`; or `UnusableModel`, which `model` may raise too.

    Example:
        >>> Checkpoint("jnd-22k", None, "distance").sample_rate
        22050
    """

    def __init__(self, name: str, runtime: str | None, method: str):
        self.name, self._method, self._directory = name, method, registry.resolve(name)
        self._runtime = runtime or ("onnx" if (self._directory / network.FILE).is_file() else "keras")
        if self._runtime == "onnx":  # which starts at once: another command's checkpoint is the first thing to be said
            self.model = self._model()

    @functools.cached_property
    def sample_rate(self) -> int:
        """In Hz; it needs no network."""
        return self._config.get("sample_rate") or self.model.sample_rate

    def has(self, option: str) -> bool:
        """Whether its configuration has an option; it needs no network."""
        return bool(self._config.get(option))

    @functools.cached_property
    def _config(self):
        return integrity.read_json(self._directory, "config.json").get("config", {})

    @functools.cached_property
    def model(self) -> Any:
        """The model; raises `UnusableModel`."""
        return self._model()

    def _model(self):
        try:
            model = self._load()
        except InputError as error:
            raise UnusableModel(str(error)) from error
        if not hasattr(model, self._method):
            other = next((method for method in _LACKS if hasattr(model, method)), None)
            hint = f"use `zoo {other}`" if other else "`zoo list` names the checkpoints"
            kind = registry.model_class(self.name).rpartition(".")[2]
            raise UnusableModel(f"{self.name} is a {kind}, which {_LACKS[self._method]}; {hint}")
        return model

    def _load(self):
        if self._runtime == "onnx":
            return network.load(self.name)
        from zoo.checkpoint import preset  # imports a backend

        return preset.load(self.name)
