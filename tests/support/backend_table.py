"""The table of docs/backends.md: what works on which backend, by the tests that run there.

    python -m tests.support.backend_table    # writes it

A test runs on JAX or PyTorch where it has the marker `on_jax` or `on_torch`; tests/sweeps/test_backends.py runs those.
"""

import ast

from tests.support.harness import REPOSITORY

PAGE = REPOSITORY / "docs" / "backends.md"
BEGIN, END = "<!-- what works where -->\n", "<!-- end of what works where -->\n"
BACKENDS = {"TensorFlow": "tensorflow", "JAX": "jax", "PyTorch": "torch"}
_LOOPS, _DEVICES = "tests/sweeps/test_plain_loops.py", "tests/training/test_distribution.py"
# What works, and the test that shows it: on every backend that it is marked for, or {backend: a test of it alone}.
ROWS = {
    "methods on arrays, from several threads": (
        "tests/sweeps/test_threads.py::test_a_model_loaded_and_called_in_threads_gives_what_it_gives_alone"
    ),
    "losses of signals, and their gradients": "tests/losses/test_weighted.py::test_gradient_helps_and_is_finite",
    "learned losses, frozen, and their gradients": (
        "tests/quality_net/test_loss.py::test_frozen_and_the_gradient_arrives"
    ),
    "a loss in a loop without `fit`": {
        "tensorflow": "tests/quality_net/test_loss.py::test_gradient_is_that_of_finite_differences",
        "jax": f"{_LOOPS}::test_steps_compiled_by_jax_lower_it",
        "torch": f"{_LOOPS}::test_optimisers_of_pytorch_lower_it",
    },
    "training with a refreshed learned loss": (
        "tests/enhancement/test_train.py::test_a_refreshed_surrogate_predicts_anew_after_every_epoch"
    ),
    "training a separator": "tests/separation/test_train.py::test_the_papers_loss_falls_in_one_epoch",
    "true PESQ, STOI and SI-SDR as metrics of `fit`": (
        "tests/metrics/test_streaming.py::test_keras_metrics_in_compiled_evaluate_and_fit"
    ),
    "textures by SciPy's L-BFGS-B": "tests/texture/test_synthesis.py::test_a_few_iterations_of_noise",
    "textures by L-BFGS on the device": "tests/texture/test_optimize.py::test_the_device_finds_the_minimum",
    "several devices, `--distribution devices`": {
        "tensorflow": f"{_DEVICES}::test_two_devices_on_tensorflow_train_as_one_does",
        "jax": f"{_DEVICES}::test_two_devices_on_jax_train_as_one_does",
    },
    "several machines, `--distribution workers`": {"jax": f"{_DEVICES}::test_two_processes_on_jax_train_as_one_does"},
    "export to TF Serving and TensorFlow Lite": {
        "tensorflow": "tests/serving/test_export.py::test_every_kind_of_model_is_exported_and_checked"
    },
}


def table():
    """The table, in Markdown."""
    lines = [f"| What | {' | '.join(BACKENDS)} |", f"| --- |{' --- |' * len(BACKENDS)}"]
    for what, tests in ROWS.items():
        cells = ["yes" if _works(tests, backend) else "no" for backend in BACKENDS.values()]
        lines.append(f"| {what} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def page():
    """The page with the table as it should be."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    return before + BEGIN + table() + END + rest.split(END)[1]


def _works(tests, backend):
    if isinstance(tests, dict):
        return backend in tests and _decorators(tests[backend]) is not None
    return backend == "tensorflow" or any(f"on_{backend}" in text for text in _decorators(tests))


def _decorators(test):
    """Decorators of a test and marks of its file, as text, with what `ON_BACKENDS` stands for."""
    path, name = test.split("::")
    module = ast.parse((REPOSITORY / path).read_text(encoding="utf-8"))
    function = next(node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name)
    names = {
        ast.unparse(node.targets[0]): ast.unparse(node.value) for node in module.body if isinstance(node, ast.Assign)
    }
    texts = [ast.unparse(decorator) for decorator in function.decorator_list] + [names.get("pytestmark", "")]
    return [text + names.get("ON_BACKENDS", "") * ("ON_BACKENDS" in text) for text in texts]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
