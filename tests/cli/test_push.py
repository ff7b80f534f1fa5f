"""`zoo push`: into a folder, and what it prints."""

import pytest

from zoo.serving import publish


@pytest.fixture(autouse=True)
def stub_export(monkeypatch):
    """An export that takes no time: tests/serving/test_publish.py has a true one."""
    monkeypatch.setattr(publish, "_run_export", lambda _, directory: directory.mkdir())


def test_a_folder_is_written_and_nothing_uploaded(run, tmp_path):
    status, out, _ = run("push", "quality-net-lite-stoi-16k", f"{tmp_path}/out/")
    assert status == 0 and out.splitlines()[-1] == f"nothing was uploaded; written: {tmp_path}/out"
    assert "0.710 MB  model.weights.h5" in out and (tmp_path / "out" / "README.md").is_file()


def test_a_dry_run_says_where_it_wrote(run):
    status, out, _ = run("push", "quality-net-lite-stoi-16k", "org/stoi", "--dry-run")
    folder = publish.Path(out.splitlines()[-1].removeprefix("nothing was uploaded; written: "))
    assert status == 0 and 'zoo.load("hf://org/stoi")' in (folder / "README.md").read_text()
    publish.shutil.rmtree(folder)


@pytest.mark.parametrize(
    "target, says",
    [
        ("stoi", "'stoi' is no repository: write org/name, or folder/ with a slash"),
        ("folder/", "is a local folder: private and dry_run are for a repository"),
    ],
)
def test_other_targets_are_refused(run, target, says):
    status, out, err = run("push", "quality-net-lite-stoi-16k", target, "--private")
    assert status != 0 and says in err and out == ""
