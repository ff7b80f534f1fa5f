"""`zoo serve-config`: what it prints and refuses."""

from zoo.serving import config


def test_it_tells_versions_and_how_to_serve(run, monkeypatch):
    monkeypatch.setattr(config, "write", lambda folder: {"pesq": {"stable": 1, "canary": 2}})
    assert run("serve-config", "models") == (
        0,
        "pesq: stable is version 1, canary is version 2\ncd models && docker compose up\n",
        "",
    )


def test_a_folder_without_models_is_one_line(run, tmp_path):
    status, out, err = run("serve-config", tmp_path)
    assert status == 2 and out == "" and "holds no models" in err and err.count("\n") == 1
