"""Checks a SavedModel as a server would run it: python -P _probe.py SAVED_MODEL FOLDER SAMPLE_RATE

A script that imports TensorFlow and nothing of the zoo. It fails where the graph holds an operation of cuDNN or of
Python, or one in float64, and where TensorFlow's loader for sessions does not take it. It runs every signature on
FOLDER/inputs_*.npz and writes outputs_*.npz, {"signature/name": array}, and signatures.json.
"""

import io
import json
import sys
import wave
from pathlib import Path

import numpy as np
import tensorflow as tf

REFUSED = {"Cudnn": "runs on a GPU alone", "PyFunc": "needs Python"}


def main(saved, folder, sample_rate):
    described = {}
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.loader.load(session, ["serve"], saved)
        check_operations(session.graph.as_graph_def())
        signatures = {name: one for name, one in meta.signature_def.items() if not name.startswith("__")}
        for name, signature in signatures.items():
            described[name] = {"inputs": sorted(signature.inputs), "outputs": sorted(signature.outputs)}
        for path in sorted(Path(folder).glob("inputs_*.npz")):
            with np.load(path) as file:
                inputs = dict(file)
            wanted = {key for signature in signatures.values() for key in signature.inputs}
            inputs |= {
                f"{name}_wav": files(x, inputs["lengths"], int(sample_rate))
                for name, x in inputs.items()
                if f"{name}_wav" in wanted
            }
            outputs = {}
            for name, signature in signatures.items():
                feed = {info.name: inputs[key] for key, info in signature.inputs.items()}
                fetches = {key: info.name for key, info in signature.outputs.items()}
                outputs |= {f"{name}/{key}": value for key, value in session.run(fetches, feed).items()}
            np.savez(path.with_name(path.name.replace("inputs", "outputs")), **outputs)
    (Path(folder) / "signatures.json").write_text(json.dumps(described))


def check_operations(graph):
    """Look at every operation of a graph and of its functions."""
    for node in [*graph.node, *(node for function in graph.library.function for node in function.node_def)]:
        for part, why in REFUSED.items():
            if part in node.op:
                sys.exit(f"the graph holds {node.op}, which {why}")
        types = [kind for attribute in node.attr.values() for kind in (attribute.type, *attribute.list.type)]
        if tf.float64.as_datatype_enum in types:
            sys.exit(f"the graph computes {node.op} in float64")


def files(waveforms, lengths, sample_rate):
    """WAV files of 16 bits, an array of bytes, of the samples that count."""
    contents = np.empty(len(waveforms), dtype=object)
    for i, (waveform, length) in enumerate(zip(waveforms, lengths, strict=True)):
        memory = io.BytesIO()
        with wave.open(memory, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(sample_rate)
            file.writeframes(np.round(32768 * waveform[:length]).astype("<i2").tobytes())
        contents[i] = memory.getvalue()
    return contents


if __name__ == "__main__":
    main(*sys.argv[1:])
