"""The five families on bank-full with defaults: `trainer train` beside the same families of the Python libraries."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd

from ..processes import FAMILIES, Entry, trainer
from ..report import markdown
from ..results import Results
from ..sources import bank

# The families in the same order, as their users would take them; calibrating the exact kernel machine would cost five more fits.
STACK = ["lightgbm", "sklearn-random-forest", "sklearn-mlp", "sklearn-svc-alone", "sklearn-logistic-regression"]


def run(folder: Path, quick: bool) -> str:
    results = Results(folder, "five")
    results.forget_ours()
    table = bank()
    stack = [name for name in STACK if not quick or name != "sklearn-svc-alone"]
    results.measure_alone(table, "random", table.split(42), [Entry(name) for name in (*FAMILIES, *stack)])
    frame = results.frame()
    ours = frame["learner"].isin(FAMILIES)
    lines = [
        {"what": "our five, fits alone", "CPU s": frame[ours]["fit_cpu"].sum()},
        {"what": f"theirs ({', '.join(stack)}), fits alone", "CPU s": frame[~ours]["fit_cpu"].sum()},
        {"what": "trainer train: reading, fits, graphs, parity, cards", "CPU s": trainer_train(folder / "home")},
    ]
    figures = frame[["learner", "auc", "log_loss", "fit_cpu"]].round({"fit_cpu": 2})
    return f"{markdown(figures)}\n\n{markdown(pd.DataFrame(lines).round(1))}\n"


def trainer_train(home: Path) -> float:
    """CPU seconds of the command that trains and registers all five on the prepared rows."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    for file in (Path(__file__).resolve().parents[4] / "data").glob("bank-marketing*.toml"):
        shutil.copy(file, home)
    trainer(home, "fetch")
    trainer(home, "prepare", "--split", "random")
    return trainer(home, "train").cpu_seconds
