"""Write model.onnx of bundled checkpoints: their networks for onnxruntime, checked against Keras, named in their cards.

    python tools/make_onnx.py                     # of every small network that can run there
    python tools/make_onnx.py blstm-mse-16k       # of this one, whatever its size

A training of a small network writes the file by itself.
"""

import argparse
import os
import sys

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "tensorflow"}

from zoo.checkpoint import network, preset, registry
from zoo.errors import InputError


def is_small(name):
    """Whether a checkpoint gets the file without being named; textures run on Keras alone."""
    card = registry.info(name)
    return card["family"] != "texture" and card["parameters"] <= network.SMALL


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="checkpoints (default: of up to a million parameters)")
    for name in parser.parse_args().names or filter(is_small, registry.names()):
        model = preset.load(name)
        print(name, f"{network.write(model, registry.resolve(name)).stat().st_size / 1e6:.2f} MB", flush=True)


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"make_onnx: {error}")
