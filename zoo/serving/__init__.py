"""Checkpoints as SavedModels, TensorFlow Lite and ONNX files, and the client of TF Serving."""

from zoo.base.lazy import lazy

__getattr__, __dir__ = lazy(__name__, __path__)
