"""The notebooks run from top to bottom, and are stored without outputs. What they show is asserted in their last cells."""

import nbclient
import nbformat
import pytest

from tests.support.harness import REPOSITORY

NOTEBOOKS = {path.stem: path for path in sorted((REPOSITORY / "examples" / "notebooks").glob("*.ipynb"))}
SLOW = {"train_with_a_learned_loss", "fine_tune_and_export"}


def test_there_are_three():
    assert set(NOTEBOOKS) == {"score_a_folder", *SLOW}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_is_stored_without_outputs(name):
    notebook = nbformat.read(NOTEBOOKS[name], as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert "assert" in code[-1].source


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in NOTEBOOKS]
)
def test_it_runs(name, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    notebook = nbformat.read(NOTEBOOKS[name], as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}  # a folder of its own: nothing beside the notebook helps it
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    assert not list(tmp_path.iterdir())
    pictures = [
        output for cell in notebook.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})
    ]
    assert pictures
