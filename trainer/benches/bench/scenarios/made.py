"""A million rows of 28 numbers, and bank-full: what equal numbers of trees cost, in CPU seconds and memory."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd

from ..processes import Entry
from ..report import markdown
from ..results import Results
from ..sources import bank, made

ALIKE = {"rounds": 100, "learning_rate": 0.1, "max_leaves": 31, "min_leaf_rows": 20, "l2": 0.0, "max_bins": 255}
BOOSTING = [
    Entry("gradient-boosting", {**ALIKE, "row_share": 1.0, "column_share": 1.0, "random_strength": 0.0, "category_smoothing": 10.0}, "100 x 31"),
    Entry("lightgbm", {"n_estimators": 100, "num_leaves": 31, "learning_rate": 0.1, "max_bin": 255}, "100 x 31"),
    Entry(
        "xgboost",
        {"n_estimators": 100, "max_leaves": 31, "max_depth": 0, "grow_policy": "lossguide", "learning_rate": 0.1},
        "100 x 31",
    ),
    Entry("sklearn-hist-gradient-boosting", {"max_iter": 100, "max_leaf_nodes": 31}, "100 x 31"),
]


def forests(n_trees: int, n_columns: int) -> list[Entry]:
    """Forests of equal shape: as many trees, leaves, rows in a leaf, and columns that a node chooses from."""
    alike = {"n_trees": n_trees, "column_share": math.isqrt(n_columns) / n_columns}
    shapes = [
        ("256 leaves", {"max_leaves": 256, "min_leaf_rows": 5}, {"max_leaf_nodes": 256, "min_samples_leaf": 5}),
        ("5 rows in a leaf", {"max_leaves": 1_000_000, "min_leaf_rows": 5}, {"min_samples_leaf": 5}),
        ("full depth", {"max_leaves": 1_000_000, "min_leaf_rows": 1}, {}),
    ]
    entries = []
    for shape, ours, theirs in shapes:
        label = f"{n_trees} trees, {shape}"
        entries.append(Entry("random-forest", {**alike, **ours}, label))
        entries.append(Entry("sklearn-random-forest", {"n_estimators": n_trees, **theirs}, label))
    return entries


def run(folder: Path, quick: bool) -> str:
    results = Results(folder, "made")
    results.forget_ours()
    n_train = 100_000 if quick else 1_000_000
    table = made(n_train * 6 // 5, 28)
    rows = np.arange(len(table.classes))
    # Of full depth scikit-learn's take minutes.
    shallow = forests(10, table.features.shape[1])[:4]
    results.measure_alone(table, "first rows", (rows[:n_train], rows[n_train:]), [*BOOSTING, *shallow])
    small = bank()
    n_columns = small.features.shape[1]
    results.measure_alone(small, "random", small.split(42), [*BOOSTING, *forests(10, n_columns), *forests(100, n_columns)])
    return report(results.frame())


def report(frame: pd.DataFrame) -> str:
    columns = ["table", "learner", "label", "auc", "log_loss", "fit_cpu", "peak_mib"]
    frame = frame.sort_values(["table", "label", "fit_cpu"])
    return markdown(frame[columns].round({"fit_cpu": 3, "peak_mib": 0})) + "\n"
