"""`zoo export`: a SavedModel for TF Serving."""

import argparse
import os

from zoo.errors import InputError

_DESCRIPTION = """Export a checkpoint as DIR/VERSION/, a SavedModel for TF Serving or any TensorFlow:
no Keras and nothing of the zoo is needed to run it. Its signatures take any batch and
length: `serving_default` waveforms, `lengths` padded waveforms and their lengths, `wav`
WAV files at the checkpoint's rate. It is set beside the checkpoint before it stands."""
_EXAMPLES = """examples:
  zoo export quality-net-lite-pesq-wb-16k models/pesq
  zoo export hf://my-lab/my-metric@v2 models/my-metric --version 2
"""


def add(commands):
    """Add the command to the subparsers of `zoo`."""
    command = commands.add_parser(
        "export",
        help="write a SavedModel for TF Serving",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "checkpoint", metavar="NAME", help="a bundled name, hf://org/name, or a directory with a slash"
    )
    command.add_argument("directory", metavar="DIR", help="of all versions of the model; made where missing")
    command.add_argument("--version", type=int, default=1, help="positive; TF Serving serves the highest (default 1)")
    command.set_defaults(run=_export)


def _export(arguments):
    if arguments.version < 1:
        raise InputError(f"--version is {arguments.version}; give a positive integer")
    # Before TensorFlow is imported: a graph that is traced where a GPU is in sight may need one.
    os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "tensorflow"}
    from zoo.export import export

    made = export(arguments.checkpoint, arguments.directory, arguments.version)
    print(f"{made['directory']}: {made['megabytes']:.1f} MB")
    for name, told in made["signatures"].items():
        print(f"  {name}: {', '.join(told['inputs'])} -> {', '.join(told['outputs'])}")
    return 0
