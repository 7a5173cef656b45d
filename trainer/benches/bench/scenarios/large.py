"""Ten million rows of 20 numbers: whether boosting stays in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ..processes import Entry
from ..report import markdown
from ..results import Results
from ..table import Column, Table

N_COLUMNS = 20
ENTRIES = [
    Entry("gradient-boosting", {"rounds": 100, "max_leaves": 31, "learning_rate": 0.1}, "100 x 31"),
    Entry("lightgbm", {"n_estimators": 100, "num_leaves": 31, "learning_rate": 0.1}, "100 x 31"),
]


def run(folder: Path, quick: bool) -> str:
    results = Results(folder, "large")
    results.forget_ours()
    n_train = 1_000_000 if quick else 10_000_000
    table = rows_of_numbers(n_train + 100_000)
    rows = np.arange(len(table.classes))
    results.measure_alone(table, "first rows", (rows[:n_train], rows[n_train:]), ENTRIES)
    frame = results.frame()
    frame["MiB of the features"] = round(n_train * N_COLUMNS * 4 / 2**20)
    columns = ["table", "learner", "label", "auc", "log_loss", "fit_cpu", "peak_mib", "MiB of the features"]
    return markdown(pd.DataFrame(frame)[columns].round({"fit_cpu": 1, "peak_mib": 0})) + "\n"


def rows_of_numbers(n_rows: int) -> Table:
    """Made a piece at a time, in float32, so that making them takes little more memory than holding them."""
    random = np.random.default_rng(42)
    features = np.empty((n_rows, N_COLUMNS), dtype=np.float32)
    classes = np.empty(n_rows, dtype=np.uint32)
    for start in range(0, n_rows, 1_000_000):
        piece = features[start : start + 1_000_000]
        piece[:] = random.standard_normal(piece.shape, dtype=np.float32)
        log_odds = piece[:, 0] * piece[:, 1] + np.sin(2 * piece[:, 2]) + np.abs(piece[:, 3]) + 0.5 * piece[:, 4:8].sum(axis=1) - 1
        classes[start : start + 1_000_000] = random.random(len(piece)) < 1 / (1 + np.exp(-log_odds))
    return Table(f"made-{n_rows}", [Column(f"x{at}") for at in range(N_COLUMNS)], features, classes)
