"""`zoo export`: a SavedModel for TF Serving, or a file for TensorFlow Lite or ONNX Runtime."""

import argparse
import os

from zoo.base import files
from zoo.errors import InputError

_DESCRIPTION = """Export a checkpoint as PLACE/VERSION/, a SavedModel for TF Serving or any TensorFlow:
no Keras and nothing of the zoo is needed to run it. Its signatures take any batch and
length: `serving_default` waveforms, `lengths` padded waveforms and their lengths, `wav`
WAV files at the checkpoint's rate. Or as PLACE, a file for TensorFlow Lite or for ONNX
Runtime (its inputs are those of `lengths`). Its outputs are compared with the
checkpoint's before it is put in place."""
_EXAMPLES = """examples:
  zoo export quality-net-lite-pesq-wb-16k models/pesq
  zoo export hf://my-lab/my-metric@v2 models/my-metric --version 2
  zoo export jnd-22k jnd.tflite --format tflite
"""


def add(commands):
    """Add the command to the subparsers of `zoo`."""
    command = commands.add_parser(
        "export",
        help="write a SavedModel for TF Serving, TensorFlow Lite or ONNX",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "checkpoint", metavar="NAME", help="a bundled name, hf://org/name, or a directory with a slash"
    )
    command.add_argument("place", metavar="PLACE", help="folder of all versions, made where missing; or a new file")
    command.add_argument(
        "--format", choices=("saved-model", "tflite", "onnx"), default="saved-model", help="(default saved-model)"
    )
    command.add_argument("--version", type=int, help="positive; TF Serving serves the highest (default 1)")
    command.add_argument(
        "--xla",
        action="store_true",
        help="let XLA compile it, for each batch size and length anew (TF Serving: --xla_cpu_compilation_enabled)",
    )
    command.set_defaults(run=_export)


def _export(arguments):
    # Before TensorFlow is imported: a graph that is traced on a machine with a GPU may need one.
    os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "tensorflow"}
    if arguments.format == "saved-model":
        return _saved_model(arguments)
    if arguments.version is not None or arguments.xla:
        raise InputError(f"--version and --xla are for SavedModels: leave them out with --format {arguments.format}")
    files.check_output(arguments.place)
    from zoo.serving.convert import convert

    converted = convert(arguments.checkpoint, arguments.place, arguments.format)
    print(f"{converted['path']}: {converted['megabytes']:.1f} MB")
    if converted["needs"]:
        print(f"  runs with the Flex delegate only, for {', '.join(converted['needs'])}")
    return 0


def _saved_model(arguments):
    version = 1 if arguments.version is None else arguments.version
    if version < 1:
        raise InputError(f"--version is {version}; give a positive integer")
    files.check_folder(arguments.place)
    from zoo.serving.export import export

    exported = export(arguments.checkpoint, arguments.place, version, arguments.xla)
    print(f"{exported['directory']}: {exported['megabytes']:.1f} MB")
    for name, signature in exported["signatures"].items():
        print(f"  {name}: {', '.join(signature['inputs'])} -> {', '.join(signature['outputs'])}")
    return 0
