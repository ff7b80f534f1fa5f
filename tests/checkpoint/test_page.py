"""The page of a checkpoint: what is on it, and that its usage runs."""

import re

import pytest

import zoo
from tests.support.cards import CARD, ENHANCER, OTHER
from tests.support.checkpoints import NAMES, load, swept_architectures
from zoo.checkpoint import hub, registry
from zoo.checkpoint.page import page, readme
from zoo.families import FAMILIES

PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize(
    "text",
    [
        "```bash\npip install 'audio-zoo[tensorflow]'\n```",
        "## Usage\n\n```python\nimport zoo\n",
        'metric = zoo.load("hf://lab/mine")',
        'loss = zoo.loss("hf://lab/mine")',
        "PESQ wb, 1.0 to 4.64, higher is better",
        "| Parameters | 125,493 |",
        "code MIT; weights MIT; data CC BY 4.0",
        "Speech \\| noise",
        "- Paper: [Fu, Liao, Tsao 2019, Learning with Learned Loss Function](https://arxiv.org/abs/1905.01898)",
        "- Code of its authors: <https://github.com/JasonSWFu/Learning-with-Learned-Loss-Function>",
        "- Code: `QualityNetLite` in the folder `zoo/quality_net` of the package audio-zoo",
        "- Data: [org/speech](https://huggingface.co/datasets/org/speech)",
        "![quality-net-lite-pesq-wb-16k: scatter](scatter.png)",
        "```\npython train\n```",
        "30 minutes on two cores, seed 0, commit `abc`; keras 3.15.1.",
        "- Mel input.",
        "- English.",
        "```bibtex\n@article{fu2019quality,",
        "| config.json | `00ff` |",
    ],
)
def test_the_page_of_a_metric_holds(text):
    assert text in page(CARD | {"datasets": ["org/speech"]}, "hf://lab/mine", ["scatter.png"])


def test_the_page_names_the_version_of_the_data():
    training = CARD["training"] | {"data_version": "manifest version 2"}
    assert "(manifest version 2 of docs/data.md)" in page(CARD | {"training": training}, "mine/", [])


def test_the_page_says_which_iteration_was_best():
    assert "Best iteration: 300." in page(ENHANCER, "blstm-mse-16k", [])
    assert "Best iteration" not in page(CARD, "mine/", [])


def test_what_a_card_lacks_has_no_heading():
    text = page(CARD | {"departures": [], "ablation": {}, "gradient": {}}, "mine/", [])
    for heading in ("Departures", "What each change", "Ascending"):
        assert heading in page(CARD, "mine/", []) and heading not in text


def test_size_and_latency_are_there_once_they_are_measured():
    served = {"command": "python bench", "commit": "abg", "machine": "two cores", "n": 50}
    served |= {"megabytes": 1.76, "milliseconds": [3.14, 4.5]}
    text = "1.8 MB as a SavedModel with warm-up requests. One recording of 2.5 s, or a spectrogram of 250 frames, takes 3.1 ms"
    assert text in page(CARD | {"served": served}, CARD["name"], [])
    served |= {"xla": {"milliseconds": [2.04, 3.0], "first_milliseconds": 540.0}}
    served |= {"bfloat16": {"milliseconds": [6.0, 7.0], "difference": 0.012}}
    measured = page(CARD | {"served": served}, CARD["name"], [])
    assert "Compiled by XLA it takes 2.0 ms, after 0.5 s for each new length or batch size." in measured
    assert (
        "In `mixed_bfloat16` the Keras model takes 6.0 ms, and its output differs by 0.012 of the largest." in measured
    )
    assert "## Serving" in measured and "## Serving" not in page(CARD, CARD["name"], [])


def test_other_rates_are_resampled_in_the_usage():
    assert "sample_rate=sample_rate)" in page(OTHER, "mine/", [])
    assert "sample_rate=sample_rate, resample=True)" in page(OTHER | {"sample_rate": 48000}, "mine/", [])


def test_a_card_without_a_figure_makes_no_readme():
    undefined = dict.fromkeys(("pearson", "spearman", "rmse", "mae"), [None] * 3) | {"n": 1, "n_failed": 0}
    card = CARD | {"evaluation": CARD["evaluation"] | {"results": {"all": undefined}}}
    with pytest.raises(ValueError, match="no figure has a value"):
        readme(card, "mine/", [])


@pytest.mark.parametrize("name", NAMES)
def test_every_card_makes_a_readme(name):
    from huggingface_hub import ModelCard

    card = zoo.info(name)
    text = readme(card, f"hf://org/{name}", [])
    metadata = ModelCard(text).data
    assert metadata.license == "mit" and metadata.library_name == "keras" and metadata.model_name == name
    assert {"audio", "keras"} <= set(metadata.tags) and metadata.datasets == card.get("datasets")
    headlines = FAMILIES[card["family"]].module("card").headlines(card)
    expected = {(data, metric, title, round(value, 4)) for data, metric, title, value in headlines}
    results = {(r.dataset_name, r.metric_type, r.metric_name, r.metric_value) for r in metadata.eval_results}
    assert results == expected and set(metadata.metrics) == {metric for _, metric, _, _ in headlines}
    assert f'zoo.load("hf://org/{name}")' in text and card["training"]["command"] in text


@pytest.mark.parametrize("name", NAMES)
def test_pages_have_what_a_visitor_needs(name):
    text = (registry.root() / name / "README.md").read_text(encoding="utf-8")
    for part in (
        "pip install 'audio-zoo[tensorflow]'",
        "import zoo",
        f'zoo.load("{name}")',
        "Paper: [",
        "Code: ",
        "@",
        "## Limits",
    ):
        assert part in text
    for picture in re.findall(r"!\[.*\]\((.+)\)", text):
        assert (registry.root() / name / picture).is_file()
    assert len(re.findall(r"^!\[", text, re.MULTILINE)) == len(list((registry.root() / name).glob("*.png")))


@pytest.mark.parametrize("name", swept_architectures(NAMES))
def test_the_usage_runs(name, monkeypatch, capsys):
    models = {name: load(name)}  # once a session
    monkeypatch.setattr(zoo, "load", models.__getitem__)
    (usage,) = PYTHON.findall((registry.root() / name / "README.md").read_text(encoding="utf-8"))
    exec(compile(usage, name, "exec"), {})  # noqa: S102
    assert capsys.readouterr().out.strip()


def test_licences_have_the_hubs_identifiers():
    from huggingface_hub import ModelCard

    def metadata(licence):
        return ModelCard(hub.readme("", "x", licence, None, [], [], [("80 pairs", "rmse", "RMSE", 0.5)])).data

    assert metadata("CC BY 4.0").license == "cc-by-4.0"
    assert (metadata("Our Own, v2").license, metadata("Our Own, v2").license_name) == ("other", "our-own-v2")
