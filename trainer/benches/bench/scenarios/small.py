"""Forty data sets of 150 to 50,000 rows with categories, missing values and several classes, all with defaults.

On each, the best of our families stands beside the best peer, both chosen by their mean on the test rows over the splits, and beside a
random search over the peers that takes as long as our five together, but two seconds at least."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from .. import peers
from ..processes import FAMILIES, SEARCH, Entry
from ..report import beside_the_best
from ..results import Results
from ..sources import SMALL

# An exact kernel machine's time grows with the square of the rows.
MOST_ROWS_OF_SVC = 2000
SPLITS = 5
SPLITS_OF_LARGE = 2
LARGE_ROWS = 20_000
# On the smallest sets ours take a fraction of a second, in which nothing can be searched.
LEAST_SECONDS = 2.0


def run(folder: Path, quick: bool) -> str:
    results = Results(folder, "small")
    results.forget_ours()
    for source in SMALL[:6] if quick else SMALL:
        table = source.read()
        for seed in range(SPLITS_OF_LARGE if len(table.classes) > LARGE_ROWS or quick else SPLITS):
            split, rows = f"split-{seed}", table.split(seed)
            results.measure(table, split, rows, entries(len(table.classes)))
            budget = {"seconds": max(LEAST_SECONDS, results.seconds(table, split, FAMILIES))}
            results.measure(table, split, rows, [Entry(SEARCH, budget, "searched in our time")])
    return report(results.frame())


def entries(n_rows: int) -> list[Entry]:
    """Every family and every peer that can cope with the rows."""
    able = [name for name in peers.names() if not name.startswith("sklearn-svc")]
    able += ["sklearn-svc"] if n_rows <= MOST_ROWS_OF_SVC else []
    return [Entry(learner) for learner in (*FAMILIES, *able)]


def report(frame: pd.DataFrame) -> str:
    means = frame.groupby(["table", "learner"])[["auc", "log_loss", "fit_cpu"]].mean()
    return beside_the_best(pd.DataFrame([_line(table, means.loc[table]) for table in frame["table"].unique()]))


def _line(name: str, means: pd.DataFrame) -> dict[str, object]:
    ours, theirs = means[means.index.isin(FAMILIES)], means[~means.index.isin((*FAMILIES, SEARCH))]
    searched = means.loc[SEARCH]
    return {
        "data": name,
        "our best AUC": _named(ours["auc"], ours["auc"].idxmax()),
        "their best AUC": _named(theirs["auc"], theirs["auc"].idxmax()),
        "AUC gap": round(theirs["auc"].max() - ours["auc"].max(), 4),
        "our best log loss": _named(ours["log_loss"], ours["log_loss"].idxmin()),
        "their best log loss": _named(theirs["log_loss"], theirs["log_loss"].idxmin()),
        "log loss gap": round(ours["log_loss"].min() - theirs["log_loss"].min(), 4),
        "searched": f"{searched['auc']:.4f} / {searched['log_loss']:.4f}",
        "our CPU s, five": round(ours["fit_cpu"].sum(), 2),
    }


def _named(figures: pd.Series, learner: str) -> str:
    return f"{figures[learner]:.4f} {learner}"
