"""Convert a TensorFlow 1 checkpoint of the authors of DPAM to a directory that zoo.load reads.

    python tools/convert_dpam.py PerceptualAudio/dpam/pre-model/scratch_loss dpam-scratch/
    python tools/convert_dpam.py PerceptualAudio/pre-model/se_model dpam-denoiser/

SOURCE is a folder that holds one checkpoint, or the checkpoint's prefix (the files' name without ".index"), in a clone
of the authors' repository or in their dpam package: scratch_loss, finetune_loss and linear_layer_loss hold a `JND`,
se_model a `ContextAggregationEnhancer`. TensorFlow 1 is not needed. A saved model in OUT is replaced.
"""

import argparse
import os
import re
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf
from keras import layers

from zoo.checkpoint import integrity, preset, provenance
from zoo.enhancement.context import ContextAggregationEnhancer
from zoo.enhancement.layers import AdaptiveNormalization
from zoo.errors import InputError
from zoo.jnd.model import JND

# Variables that are not converted: the state of Adam, and running statistics, which the authors' code never uses.
UNUSED = re.compile(r"beta[12]_power(_\d+)?|.+/Adam(_\d+)?|.+/BatchNorm/moving_(mean|variance)")
_LICENCE = {"code": "MIT", "weights": "MIT, Copyright (c) 2020 Pranay Manocha", "data": "not stated"}
_JND_CARD = {
    "family": "jnd",
    "description": "The perceptual distance of Manocha et al. (2020), DPAM, with its authors' weights.",
    "data": "Listeners' answers on pairs of perturbed recordings (sections 2 and 3 of the paper).",
    "departures": [],
    "limits": [
        "Recordings must be aligned: a shift of one sample costs more than the authors' sample pair ref.wav and 2.wav.",
        'The head finds even their pair ref.wav and 4.wav probably "same": use the distance, not the probability.',
        "The scratch weights' distance does not always rise with the noise.",
    ],
}
_ENHANCER_CARD = {
    "family": "enhancement",
    "description": "The denoiser of Manocha et al. (2020), with its authors' weights.",
    "data": "Pairs of noisy and clean speech (section 4.2 of the paper).",
    "departures": [
        "Statistics are of the recording alone; upstream's count the silence that fills it to a multiple of a dilation.",
    ],
    "limits": ["Speech in [-1, 1] at a usual level: what it takes away depends on the level."],
}


def convert(source: Path | str, output: Path | str, command: str) -> JND | ContextAggregationEnhancer:
    """Convert one checkpoint.

    Args:
        source: folder that holds one checkpoint, or the checkpoint's prefix.
        output: directory to write, new or a saved model; the model and its card.json go there.
        command: command line that repeats the conversion, for the card.

    Returns:
        The model, a `JND` or a `ContextAggregationEnhancer`.

    Raises:
        InputError: no checkpoint or several, an unknown network, a variable that is missing, superfluous or of another
            shape, or an output that is not a saved model.

    Example:
        >>> convert("pre-model/scratch_loss", "dpam/", "by hand").sample_rate  # needs the weights  # doctest: +SKIP
        22050
    """
    prefix = find(source)
    values = _read(prefix)
    if any(name.startswith("loss_conv_") for name in values):
        model, facts = _jnd(values), _JND_CARD
    elif any(name.startswith("se_conv_") for name in values):
        model, facts = _enhancer(values), _ENHANCER_CARD
    else:
        raise InputError(f"{prefix}: holds neither loss_conv_* nor se_conv_* variables; give a checkpoint of DPAM")
    preset.save(model, output, card=facts | _card(model, prefix, output, command))
    return model


def find(source: Path | str) -> str:
    """Prefix of a checkpoint; `source` is the prefix itself, or a folder that holds one checkpoint."""
    folder = Path(source)
    if not folder.is_dir():
        if not Path(f"{source}.index").is_file():
            raise InputError(f"{source}: no such folder, and no {source}.index; give a folder or a checkpoint's prefix")
        return str(source)
    prefixes = sorted(folder.glob("*.index"))
    if len(prefixes) != 1:
        names = ", ".join(path.stem for path in prefixes) or "none"
        raise InputError(f"{source}: must hold one checkpoint, found {names}; give its folder or its prefix")
    return str(prefixes[0].with_suffix(""))


def _read(prefix):
    """{name: array} of a checkpoint's variables."""
    try:
        reader = tf.train.load_checkpoint(prefix)
        names = reader.get_variable_to_shape_map()
        return {name: reader.get_tensor(name) for name in names if not UNUSED.fullmatch(name)}
    except (tf.errors.OpError, RuntimeError, IndexError, ValueError) as error:  # truncated, damaged or incomplete
        reason = str(error).splitlines()[0]
        raise InputError(f"{prefix}: cannot be read ({reason}); get its .index and .data files again") from error


def _assign(variables, values):
    """Assign {name: array} to {name: Keras variable}; names must be the same and shapes must match."""
    if missing := variables.keys() - values.keys():
        raise InputError(f"the checkpoint lacks {_some(missing)}; give one that holds the whole network")
    if superfluous := values.keys() - variables.keys():
        raise InputError(f"the checkpoint holds {_some(superfluous)}, which the network has not; give another one")
    for name, variable in variables.items():
        # The authors' convolutions are two-dimensional, of height 1.
        shape = ((1,) if name.endswith("/weights") else ()) + tuple(variable.shape)
        if values[name].shape != shape:
            raise InputError(f"{name} has shape {values[name].shape}, {shape} is needed; give another checkpoint")
        variable.assign(values[name].reshape(variable.shape))


def _jnd(values):
    model = JND()
    variables = {}
    for i in range(len(model.channels)):
        variables[f"loss_conv_{i}/weights"] = model.backbone.get_layer(f"conv_{i}").kernel
        variables[f"loss_conv_{i}/BatchNorm/beta"] = model.backbone.get_layer(f"norm_{i}").beta
        variables[f"weights_{i}"] = model.core.get_layer(f"distance_{i}").weight
    for scope, dense in zip(("dense", "dense_1", "dense_2"), _of_type(model.head, layers.Dense), strict=True):
        variables |= {f"{scope}/kernel": dense.kernel, f"{scope}/bias": dense.bias}
    _assign(variables, values)
    return model


def _enhancer(values):
    model = ContextAggregationEnhancer()
    *convolutions, last = _of_type(model.core, layers.Conv1D)
    scopes = [*(f"se_conv_{i}" for i in range(model.depth)), "se_conv_last"]
    variables = {"se_fc_last/weights": last.kernel, "se_fc_last/biases": last.bias}
    normalizations = _of_type(model.core, AdaptiveNormalization)
    for scope, convolution, normalization in zip(scopes, convolutions, normalizations, strict=True):
        variables |= {
            f"{scope}/weights": convolution.kernel,
            f"{scope}/w0": normalization.w0,
            f"{scope}/w1": normalization.w1,
            f"{scope}/BatchNorm/beta": normalization.beta,
        }
    _assign(variables, values)
    return model


def _some(names):
    """The first of several names, and the number of the others."""
    first, *others = sorted(names)
    return f"{first} and {len(others)} more" if others else first


def _of_type(model, cls):
    return [layer for layer in model.layers if isinstance(layer, cls)]


def _card(model, prefix, output, command):
    folder, name = Path(prefix).parent, Path(prefix).name
    files = [path for path in sorted(folder.iterdir()) if path.name.startswith((f"{name}.data-", f"{name}.index"))]
    return {
        "name": Path(output).resolve().name,
        "architecture": type(model).__name__,
        "sample_rate": model.sample_rate,
        "licence": _LICENCE,
        "conversion": {
            "source": "https://github.com/pranaymanocha/PerceptualAudio",
            "files": {path.name: integrity.sha256(path) for path in files},
            "command": command,
            "versions": provenance.versions(),
        },
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", metavar="SOURCE", help="folder that holds one checkpoint, or the checkpoint's prefix")
    parser.add_argument("output", metavar="OUT", help="directory to write")
    options = parser.parse_args()
    model = convert(options.source, options.output, " ".join(["python", *sys.argv]))
    print(f'{type(model).__name__}, {model.count_params():,} parameters: zoo.load("{options.output.rstrip("/")}/")')


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"convert_dpam: {error}")
