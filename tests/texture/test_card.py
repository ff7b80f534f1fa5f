"""How the cards of textures read."""

from zoo.texture import card as texture

ROW = {
    "class": [0.5, 0.25, 0.75],
    "autocorrelation": [0.03, 0.02, 0.04],
    "diversity": [1.5, 1.25, 1.75],
    "n": 2,
    "n_failed": 1,
}
COMMON = {"command": "python tools/evaluate.py texture", "commit": "abc", "data": "6 textures"}
ENSEMBLE = {
    "name": "texture-ensemble-16k",
    "architecture": "RandomConvEnsemble",
    "parameters": 16579584,
    "evaluation": COMMON
    | {
        "results": {"Gram alone": {"rhythmic": ROW, "other": ROW}, "Ulyanov and Lebedev": {"rhythmic": ROW}},
        "trade_off": {"Gram, autocorrelation, diversity 1": {"rhythmic": ROW}},
        "networks": {"128 filters": {"rhythmic": ROW}},
    },
}
CLASSIFIER = {
    "name": "texture-classifier-16k",
    "architecture": "SoundClassifier",
    "parameters": 335918,
    "classes": ["rain", "wind"],
    "evaluation": COMMON
    | {"accuracy": [0.7, 0.5, 0.9], "n": 224, "n_failed": 3, "by_class": {"rain": 0.75, "wind": None}},
}


def test_the_ensembles_page_has_three_tables_with_their_command():
    page = texture.evaluation(ENSEMBLE)
    for text in (
        "| Gram alone | rhythmic | 0.5000 [0.2500, 0.7500] | 0.0300 [0.0200, 0.0400] | 1.5000 [1.2500, 1.7500] | 2 | 1 |",
        "(Table 1 of the paper)", "(Figure 2)", "(section 3.3)", "| 128 filters |", "6 textures", "`abc`",
        "```\npython tools/evaluate.py texture\n```",
    ):  # fmt: skip
        assert text in page
    assert dict(texture.facts(ENSEMBLE))["Weights"] == "drawn from the seed, not stored"


def test_scores_that_an_evaluation_lacks_have_no_column():
    assert "of spectrograms" not in texture.scores({"x": {"other": ROW}})
    more = ROW | {"spectrogram autocorrelation": [1, 0, 2], "spectrogram diversity": [1, 0, 2]}
    assert "| autocorrelation of spectrograms | copying of spectrograms | n |" in texture.scores({"x": {"other": more}})
    page = texture.evaluation(
        ENSEMBLE | {"evaluation": ENSEMBLE["evaluation"] | {"rhythm": {"alpha 10": {"other": ROW}}}}
    )
    assert "(section 3.2.1)" in page and "| alpha 10 |" in page


def test_the_classifiers_page_has_its_accuracy_by_class():
    page = texture.evaluation(CLASSIFIER)
    assert "| all | 0.700 [0.500, 0.900] | 224 | 3 |" in page
    assert "| rain | 0.75 |" in page and "| wind | - |" in page
    assert dict(texture.facts(CLASSIFIER))["Classes"] == "rain, wind"


def test_the_readmes_rows():
    ensemble, classifier = texture.summary([ENSEMBLE, CLASSIFIER]).splitlines()[2:]
    assert (
        "16,579,584, of a seed" in ensemble
        and "rhythm lost: Gram alone 0.030 [0.020, 0.040]" in ensemble
        and ensemble.endswith("| 2 |")
    )
    assert "accuracy 0.700 [0.500, 0.900]" in classifier and "| 224 |" in classifier
