"""Learned audio metrics and losses for Keras, and audio models trained with them, with pretrained checkpoints.

    import zoo

    zoo.list()                                                # names of the bundled checkpoints
    zoo.info("quality-net-lite-pesq-wb-16k")                  # facts of one: its data, figures and licence
    zoo.examples()["reference"]                               # path of a bundled recording
    metric = zoo.load("quality-net-lite-pesq-wb-16k")         # a keras.Model
    metric.score(reference, degraded, sample_rate=16000)      # PESQ as the network predicts it, (batch,)
    loss = zoo.loss("quality-net-lite-pesq-wb-16k")           # a keras.losses.Loss on waveforms
    enhancer = zoo.load("qrnn-quality-net-16k")
    enhancer.enhance(noisy, sample_rate=16000)                # NumPy, the shape of noisy
    separator = zoo.load("chandna-4stem-44k")
    separator.separate(mixture, sample_rate=44100)            # {"vocals": ..., "drums": ..., "bass": ..., "other": ...}
    zoo.texture.synthesize(target, sample_rate=16000)         # audio, spectrogram, history: more of a sound

Importing zoo, `list`, `info` and `examples` import no Keras backend. Packages and modules are imported when they are
first named: `zoo.metrics.speech.pesq` needs no import but `import zoo`.
"""

import builtins
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.base.lazy import lazy
from zoo.checkpoint import registry
from zoo.data.examples import examples
from zoo.errors import InputError, extras

if TYPE_CHECKING:
    import keras
    import numpy as np

    from zoo.nn.inference import OnnxModel

__version__ = "0.1.0"
__all__ = ["examples", "info", "list", "load", "loss", "push", "save"]

__getattr__, __dir__ = lazy(__name__, __path__, {"client": "zoo.serving.client"})


def list(pattern: str = "*") -> builtins.list[str]:
    """Names of the bundled checkpoints.

    Args:
        pattern: Shell pattern, such as "quality-net*".

    Returns:
        Sorted list of names.

    Example:
        >>> import zoo
        >>> zoo.list("quality-net-lite-stoi*")
        ['quality-net-lite-stoi-16k']
    """
    return registry.names(pattern)


def info(source: str | os.PathLike) -> dict[str, Any]:
    """The card of a checkpoint: its data, training, figures, licence and limits.

    Args:
        source: As for `load`.

    Returns:
        The card, a dict. The caller may change it.

    Raises:
        zoo.errors.InputError: The source is unknown, ambiguous, or has no card.

    Example:
        >>> import zoo
        >>> zoo.info("quality-net-lite-pesq-wb-16k")["sample_rate"]
        16000
    """
    return registry.info(source)


def load(
    source: str | os.PathLike,
    trainable: bool = False,
    verify: bool = False,
    offline: bool = False,
    runtime: str = "keras",
) -> "keras.Model | OnnxModel":
    """Load a checkpoint as a Keras model, or for onnxruntime, which starts at once and needs no backend.

    Args:
        source: A bundled name, "hf://org/name" or "hf://org/name@revision" on the Hugging Face Hub, or a directory
            written with a slash, "my-model/".
        trainable: False freezes every variable; True is for fine-tuning.
        verify: Also recompute the checkpoint's golden output and compare.
        offline: Take what lies on the Hub from the cache alone, as with HF_HUB_OFFLINE=1.
        runtime: "keras", or "onnx": no gradient, and nothing of `trainable` and `verify`; only checkpoints with a
            model.onnx, as most bundled ones have.

    Returns:
        A keras.Model; with "onnx" a model with the same methods on NumPy arrays, such as `score`.

    Raises:
        zoo.errors.InputError: The source is unknown or ambiguous, cannot be downloaded, or its files are damaged; no
            Keras backend is installed; or there is no such runtime, or no model.onnx for it.

    Example:
        >>> import numpy as np
        >>> import zoo
        >>> metric = zoo.load("quality-net-lite-pesq-wb-16k")
        >>> speech = np.random.default_rng(0).normal(size=16000).astype("float32") / 10
        >>> metric.score(speech, speech, sample_rate=16000).shape
        (1,)
        >>> zoo.load("quality-net-lite-pesq-wb-16k", runtime="onnx").score(speech, speech, sample_rate=16000).shape
        (1,)
    """
    if runtime == "onnx" and not (trainable or verify):
        from zoo.checkpoint import network

        return network.load(source, offline)
    if runtime != "keras":
        raise InputError(f'the runtime is {runtime!r}; give "keras", or "onnx" without trainable and verify')
    with extras():
        from zoo.checkpoint import preset

    return preset.load(source, trainable=trainable, verify=verify, offline=offline)


def save(
    model: "keras.Model",
    directory: str | os.PathLike,
    card: dict[str, Any] | None = None,
    golden: "Sequence[np.ndarray] | None" = None,
) -> None:
    """Save a model as a directory that `zoo.load` and `keras.saving.load_model` read.

    Args:
        model: A built keras.Model.
        directory: Where to. A saved model that is already there is replaced, anything else is left alone.
        card: Facts of the model, a dict as `info` returns it, which `push` needs; `parameters` and `files` are filled
            in.
        golden: NumPy input arrays; `load(..., verify=True)` compares the model's output on them, and `push` needs
            them.

    Raises:
        zoo.errors.InputError: The directory holds something other than a saved model.

    Example:
        >>> import tempfile
        >>> import zoo
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     zoo.save(zoo.load("dnn-mse-16k"), f"{folder}/my-model/")
        ...     zoo.load(f"{folder}/my-model/").count_params()
        263681
    """
    from zoo.checkpoint import preset

    preset.save(model, directory, card=card, golden=golden)


def push(
    source: str | os.PathLike, repository: str | os.PathLike, private: bool = False, dry_run: bool = False
) -> dict[str, Any]:
    """Publish a checkpoint on the Hugging Face Hub: weights, SavedModel, card and README, in one commit.

    Without TensorFlow there is no SavedModel, and a warning says so.

    Args:
        source: As for `load`: a directory with a slash, or a bundled name.
        repository: "org/name", created if it is missing; or a new or empty folder, "folder/" or a Path, which gets the
            same files, and nothing is uploaded.
        private: Create a private repository; False leaves that to its owner's settings.
        dry_run: Write the files into a new temporary folder, and upload nothing.

    Returns:
        {"source": "hf://org/name@commit" for `load`, or None if nothing was uploaded, "folder": Path of the files, or
        None if they were uploaded, "files": {name: bytes}}.

    Raises:
        zoo.errors.InputError: The card lacks a licence, a figure or a command, the golden is missing or does not
            reproduce, the export fails, or the Hub refuses. Nothing is uploaded then.

    Example:
        >>> import zoo
        >>> zoo.push("my-model/", "my-lab/my-model", dry_run=True)["files"]  # exports a model  # doctest: +SKIP
    """
    from zoo.serving import publish

    return publish.push(source, repository, private=private, dry_run=dry_run)


def loss(source: str | os.PathLike | Mapping[str, float], sample_rate: float | None = None) -> "keras.losses.Loss":
    """A loss on waveforms by its name: of signals, PMSQE, the frozen metric of a checkpoint, or a weighted sum.

    Args:
        source: One of `zoo.losses.LOSSES`, such as "pmsqe"; a checkpoint of a metric, as for `load`; or a dict
            {name or checkpoint: weight} of such.
        sample_rate: Of the waveforms, in Hz. Learned losses resample from it to their metric's own; None takes that.

    Returns:
        A keras.losses.Loss on (reference, estimate), float (batch, samples) in [-1, 1]; one value per example before
        reduction, lower is better.

    Raises:
        zoo.errors.InputError: The source is unknown or ambiguous, its model has no loss, a weight is no number above 0,
            or the terms are of different sample rates.

    Example:
        >>> import zoo
        >>> zoo.loss("jnd-22k", sample_rate=16000).name
        'jnd_loss'
        >>> terms = {"quality-net-lite-pesq-wb-16k": 1.0, "negative-si-sdr": 0.1}
        >>> [(weight, term.name) for weight, term in zoo.loss(terms, sample_rate=16000).terms]
        [(1.0, 'quality_net_loss'), (0.1, 'negative_si_sdr')]
    """
    with extras():
        from zoo.losses import build

    return build(source, sample_rate)
