"""Small cards of a metric and of two enhancers, with a figure of every kind."""

AGREEMENT = {
    "n": 80,
    "n_failed": 2,
    "pearson": [0.99123, 0.99, 0.9925],
    "spearman": [0.98, 0.97, 0.985],
    "rmse": [0.131, 0.12, 0.14],
    "mae": [0.1, 0.09, 0.11],
}
CARD = {
    "name": "quality-net-lite-pesq-wb-16k",
    "family": "quality_net",
    "architecture": "QualityNetLite",
    "description": "Predicts wide-band PESQ.",
    "sample_rate": 16000,
    "metric": {"name": "pesq", "mode": "wb", "range": [1.0, 4.64], "higher_is_better": True},
    "parameters": 125493,
    "files": {"config.json": "00ff"},
    "licence": {"code": "MIT", "weights": "MIT", "data": "CC BY 4.0"},
    "data": "Speech | noise",
    "training": {
        "command": "python train",
        "commit": "abc",
        "seed": 0,
        "versions": {"keras": "3.15.1"},
        "minutes": 30.4,
        "machine": "two cores",
    },
    "evaluation": {
        "command": "python evaluate",
        "commit": "abd",
        "data": "Unseen",
        "results": {"all": AGREEMENT},
    },
    "departures": ["Mel input."],
    "ablation": {
        "command": "python ablate",
        "commit": "abe",
        "n_train": 512,
        "epochs": 1,
        "rows": [{"change": "plain input", "minutes": 2.5, **AGREEMENT}],
    },
    "gradient": {
        "command": "python ascend",
        "commit": "abf",
        "data": "Unseen noise",
        "n": 40,
        "n_failed": 1,
        "steps": [0, 10],
        "predicted": [1.4, 2.5],
        "truth": [1.5, 1.625],
        "best_step": 10,
        "gain_at_best": [0.125, 0.1, 0.15],
        "fooled_at_step": 20,
    },
    "limits": ["English."],
}


def scores(pesq):
    """Results of a system whose PESQ wb is this at -6 dB, and 1 more on average."""
    row = {
        "pesq-nb": [2.5, 2.25, 2.75],
        "stoi": [0.8, 0.75, 0.85],
        "si-sdr": [-1.25, -2.25, None],
        "jnd": [3.5, 3.25, 3.75],
    }
    row |= {"n": 60, "n_failed": 1}
    return {
        name: row | {"pesq-wb": [value, value - 0.25, value + 0.25]}
        for name, value in (("-6", pesq), ("average", pesq + 1))
    }


ENHANCER = CARD | {
    "name": "blstm-mse-16k",
    "family": "enhancement",
    "architecture": "BLSTMEnhancer",
    "description": "Takes noise out.",
    "lookahead": None,
    "training": CARD["training"] | {"command": "python train_it", "best_iteration": 300},
    "evaluation": {
        "command": "python evaluate_it",
        "commit": "abg",
        "data": "Unseen mixtures",
        "results": scores(1.5),
        "noisy": scores(1.25),
        "wiener": scores(1.25),
        "spectral_gating": scores(1.0),
        "gains": {"over noisy": scores(-0.75)["average"]},
    },
    "experiments": [{"change": "no floor", "result": "PESQ 1.25", "command": "python try", "commit": "abh"}],
}
OTHER = ENHANCER | {"name": "dnn-mse-16k", "lookahead": 0.032}
