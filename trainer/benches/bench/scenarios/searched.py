"""The whole program with a budget, `trainer run --train --test --budget`, beside every peer tuned by random search in as much CPU time.

Each peer has its equal share of the seconds. Where one takes longer for its first fits, our budget is what all of them took together. The best
of our five families stands beside the best peer, both by the rows of the test part. `blend` is the weighted mean of our families, where there
is one; `shipped` is the version that `trainer` put into production. Neither has seen those rows."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from .. import sources
from ..measure import measure
from ..processes import BLEND, SEARCH, Entry, trainer
from ..report import beside_the_best, within
from ..results import Results
from ..table import Rows, Table

# Hard for our defaults, or of a kind of its own: few rows, many classes, many levels, rare classes, repeated rows.
NAMES = (
    "sklearn/wine", "sklearn/breast_cancer", "modeldata/penguins", "MASS/biopsy", "Ecdat/Fishing", "sklearn/digits",
    "modeldata/cells", "openintro/email", "modeldata/hpc_data", "AER/ResumeNames", "modeldata/mlc_churn", "ISLR/Caravan",
    "ISLR/OJ", "ISLR/Default", "DAAG/spam7", "AER/SwissLabor", "AER/HMDA", "ggplot2/diamonds",
)  # fmt: skip
SECONDS = 40
PEERS = ("lightgbm", "xgboost", "catboost", "sklearn-random-forest", "sklearn-mlp", "sklearn-nystroem", "sklearn-logistic-regression")
MOST_ROWS_OF_SVC = 2000
# Rows times columns times classes, for each second of the budget: one of its fits would otherwise take longer than all peers together.
MOST_CELLS_OF_CATBOOST = 100_000
# Sixty columns of levels and three classes: its search has not ended after a quarter of an hour.
NOT_BY_CATBOOST = ("keel/splice",)


def run(folder: Path, quick: bool) -> str:
    chosen = [source for source in sources.SMALL if source.name in (NAMES[:3] if quick else NAMES)]
    return compare(Results(folder, "searched"), chosen, sources.SMALL, 10 if quick else SECONDS)


def compare(results: Results, chosen: list, known: list, seconds: float) -> str:
    """`BENCH_SETS` chooses other sets of those known, by name; `BENCH_SECONDS` and `BENCH_SPLITS` set the budget and the number of splits."""
    results.forget_ours()
    if names := os.environ.get("BENCH_SETS"):
        chosen = [source for source in known if source.name in names.split(",")]
    seconds = float(os.environ.get("BENCH_SECONDS", seconds))
    for source in chosen:
        table = source.read()
        for number in range(int(os.environ.get("BENCH_SPLITS", 1))):
            split, rows = f"split-{number}", table.split(number)
            results.measure(table, split, rows, entries(table, seconds))
            budget = max(seconds, results.seconds(table, split, (SEARCH,)))
            for row in ours(results.path.parent / "homes" / source.name.replace("/", "-"), table, rows, budget):
                results.add(table, split, row)
    return report(results.frame())


def entries(table: Table, seconds: float) -> list[Entry]:
    """Every peer that can cope with the table in such a time."""
    n_rows, n_columns = table.features.shape
    by_catboost = n_rows * n_columns * table.n_classes <= MOST_CELLS_OF_CATBOOST * seconds and table.name not in NOT_BY_CATBOOST
    able = [name for name in PEERS if name != "catboost" or by_catboost]
    able += ["sklearn-svc"] if n_rows <= MOST_ROWS_OF_SVC else []
    share = seconds / len(able)
    return [Entry(SEARCH, {"seconds": share, "learners": [name]}, f"{name} tuned in {seconds:g} s / {len(able)}") for name in able]


def ours(home: Path, table: Table, rows: tuple[Rows, Rows], seconds: float) -> list[dict]:
    """What each family's version says of the test rows, each as a line of results."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    train, test = home / "train.csv", home / "test.csv"
    for file, part in zip((train, test), rows):
        write_csv(file, table, part)
    trainer(home, "init", train, "--target", "the_class")
    cpu = trainer(home, "run", "--train", train, "--test", test, "--budget", f"{seconds:g}s").cpu_seconds
    stages = json.loads((home / "registry" / "registry.json").read_text())["stages"]
    lines = []
    for bundle in sorted((home / "registry" / "versions").iterdir()):
        manifest = json.loads((bundle / "manifest.json").read_text())
        scored = home / "scored.csv"
        trainer(home, "predict", "--model", bundle / "model.onnx", "--input", test, "--output", scored)
        measured = measure(probabilities(scored, table.n_classes), table.classes[rows[1]].astype(int))
        label = "shipped" if stages[str(int(bundle.name))] == "production" else "searched"
        lines.append({"learner": manifest["family"], "label": label, **measured, "fit_cpu": cpu, "params": manifest["params"]})
    return lines


def write_csv(path: Path, table: Table, rows: Rows) -> None:
    """Levels and classes as texts, missing values empty."""
    frame = {}
    for at, column in enumerate(table.columns):
        values = table.features[rows, at]
        text = [("" if np.isnan(value) else f"level {value:.0f}" if column.n_levels else repr(float(value))) for value in values]
        frame[column.name] = text
    frame["the_class"] = [f"class {number:02d}" for number in table.classes[rows]]
    pd.DataFrame(frame).to_csv(path, index=False, quoting=csv.QUOTE_MINIMAL)


def probabilities(path: Path, n_classes: int) -> np.ndarray:
    return pd.read_csv(path)[[f"probability_class {number:02d}" for number in range(n_classes)]].to_numpy(float)


def report(frame: pd.DataFrame) -> str:
    sides = frame.assign(is_theirs=frame["learner"] == SEARCH).groupby("table")["is_theirs"].nunique()
    table = pd.DataFrame([_line(name, frame[frame["table"] == name]) for name in sides.index[sides == 2]])
    return f"{beside_the_best(table)}With the blend as a sixth of ours: {within(_with_blend(table))}.\n"


def _with_blend(table: pd.DataFrame) -> pd.DataFrame:
    """The gaps when a blend counts as one of ours."""
    of_blend = table["blend"].str.split(" / ", expand=True).reindex(columns=[0, 1]).apply(pd.to_numeric, errors="coerce")
    theirs = [table[f"their best {metric}"].str.split().str[0].astype(float) for metric in ("AUC", "log loss")]
    gaps = {"AUC gap": theirs[0] - of_blend[0], "log loss gap": of_blend[1] - theirs[1]}
    return pd.DataFrame({name: np.fmin(table[name], gap.round(4)) for name, gap in gaps.items()})


def _line(name: str, rows: pd.DataFrame) -> dict[str, object]:
    """Means over the splits that both sides have."""
    theirs, ours = rows[rows["learner"] == SEARCH], rows[rows["learner"] != SEARCH]
    splits = set(theirs["split"]) & set(ours["split"])
    theirs, ours = (side[side["split"].isin(splits)] for side in (theirs, ours))
    blend, ours_alone = (ours[(ours["learner"] == BLEND) == is_blend] for is_blend in (True, False))
    shipped = ours[ours["label"] == "shipped"]
    return {
        "data": name,
        "splits": len(splits),
        **beside(("our best", ours_alone), ("their best", by_peer(theirs))),
        "blend": _figures(blend, len(splits)),
        "shipped": f"{', '.join(shipped['learner'].unique())} {_figures(shipped, len(splits))}",
        "our CPU s": round(shipped["fit_cpu"].mean(), 1),
        "their CPU s": round(theirs["fit_cpu"].sum() / len(splits), 1),
    }


def _figures(rows: pd.DataFrame, n_splits: int) -> str:
    """Means over the splits, where each of them has one."""
    return f"{rows['auc'].mean():.4f} / {rows['log_loss'].mean():.4f}" if len(rows) == n_splits else "–"


def by_peer(searches: pd.DataFrame) -> pd.DataFrame:
    """All peers are one learner, the search; its label begins with whom it tuned."""
    return searches.assign(learner=searches["label"].str.split().str[0])


def beside(one: tuple[str, pd.DataFrame], other: tuple[str, pd.DataFrame]) -> dict[str, object]:
    """The best of two sides, each with what to call it, and by how much the other is ahead."""
    (name, rows), (other_name, other_rows) = one, other
    (auc, loss), (other_auc, other_loss) = _best(rows), _best(other_rows)
    return {
        f"{name} AUC": "{1:.4f} {0}".format(*auc),
        f"{other_name} AUC": "{1:.4f} {0}".format(*other_auc),
        "AUC gap": round(other_auc[1] - auc[1], 4),
        f"{name} log loss": "{1:.4f} {0}".format(*loss),
        f"{other_name} log loss": "{1:.4f} {0}".format(*other_loss),
        "log loss gap": round(loss[1] - other_loss[1], 4),
    }


def _best(rows: pd.DataFrame) -> tuple[tuple[str, float], tuple[str, float]]:
    """Who has the best AUC and who the best log loss, with the figures."""
    means = rows.groupby("learner")[["auc", "log_loss"]].mean()
    auc, loss = means["auc"], means["log_loss"]
    return (auc.idxmax(), auc.max()), (loss.idxmin(), loss.min())
