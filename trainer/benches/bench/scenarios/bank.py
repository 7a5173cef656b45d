"""bank-full.csv without `duration`: a random split, and a split in time, where rows drift."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ..processes import FAMILIES, Entry
from ..report import markdown
from ..results import Results
from ..sources import bank
from ..table import Rows, Table

REGULARISED_TREES = {"n_estimators": 400, "learning_rate": 0.04, "subsample": 0.8, "colsample_bytree": 0.5, "reg_lambda": 5}

PEERS = [
    Entry("lightgbm"),
    Entry(
        "lightgbm",
        {**REGULARISED_TREES, "num_leaves": 15, "min_child_samples": 40, "cat_smooth": 50, "subsample_freq": 1},
        "tuned",
    ),
    Entry("xgboost"),
    Entry("xgboost", {**REGULARISED_TREES, "learning_rate": 0.05, "max_depth": 6, "min_child_weight": 10}, "tuned"),
    Entry("catboost"),
    Entry("sklearn-hist-gradient-boosting"),
    Entry(
        "sklearn-hist-gradient-boosting",
        {"max_iter": 300, "learning_rate": 0.06, "max_leaf_nodes": 15, "min_samples_leaf": 40, "l2_regularization": 5},
        "tuned",
    ),
    Entry("sklearn-random-forest"),
    Entry("sklearn-random-forest", {"n_estimators": 300, "min_samples_leaf": 5, "max_features": 0.33}, "tuned"),
    Entry("sklearn-logistic-regression"),
    Entry("sklearn-mlp", {"hidden_layer_sizes": [64, 32], "early_stopping": True}, "tuned"),
    Entry("sklearn-nystroem"),
    Entry("sklearn-nystroem", {"n_components": 600}, "600 landmarks"),
]

OURS = [
    *map(Entry, FAMILIES),
    # Setting for setting what LightGBM starts from.
    Entry(
        "gradient-boosting",
        {
            "rounds": 100,
            "learning_rate": 0.1,
            "max_leaves": 31,
            "min_leaf_rows": 20,
            "l2": 0.0,
            "row_share": 1.0,
            "column_share": 1.0,
            "random_strength": 0.0,
            "category_smoothing": 10.0,
            "category_l2": 10.0,
        },
        "as LightGBM's defaults",
    ),
    Entry("logistic-regression", {"n_knots": 0, "l2": 1.0}, "plain"),
]

# What ours have to reach with defaults: split, family, AUC at least.
TARGETS = [
    ("random", "gradient-boosting", 0.8075),
    ("random", "random-forest", 0.803),
    ("random", "multilayer-perceptron", 0.790),
    ("random", "support-vector", 0.787),
    ("random", "logistic-regression", 0.785),
    ("time", "gradient-boosting", 0.69),
    ("time", "the best of five", 0.70),
]


def run(folder: Path, quick: bool) -> str:
    results = Results(folder, "bank")
    results.forget_ours()
    table = bank()
    for name, rows in {"random": table.split(42), "time": in_time(table)}.items():
        results.measure_alone(table, name, rows, OURS + [entry for entry in PEERS if not quick or entry.label == "defaults"])
    return report(results.frame())


def in_time(table: Table) -> tuple[Rows, Rows]:
    """The first 80 % of the file against the rest."""
    rows = np.arange(len(table.classes))
    return tuple(np.split(rows, [len(rows) * 4 // 5]))


def report(frame: pd.DataFrame) -> str:
    columns = ["learner", "label", "auc", "average_precision", "log_loss", "accuracy", "fit_cpu", "peak_mib"]
    parts = []
    for split in ("random", "time"):
        rows = frame[frame["split"] == split].sort_values("auc", ascending=False)
        parts.append(f"Split: {split}\n\n{markdown(rows[columns].round({'fit_cpu': 2, 'peak_mib': 0}))}")
    return "\n\n".join([*parts, _targets(frame)]) + "\n"


def _targets(frame: pd.DataFrame) -> str:
    ours = frame[(frame["label"] == "defaults") & frame["learner"].isin(FAMILIES)]
    best = ours.groupby("split", as_index=False)["auc"].max().assign(learner="the best of five")
    figures = pd.concat([ours, best]).set_index(["split", "learner"])["auc"]
    lines = [
        {"split": split, "family": family, "AUC asked for": least, "AUC": figures[split, family]} for split, family, least in TARGETS
    ]
    return markdown(pd.DataFrame(lines))
