"""Ten million rows of 20 numbers: whether boosting alone, and the whole program with all five families, stay in memory."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..processes import Entry, trainer
from ..report import markdown
from ..results import Results
from ..table import Column, Table
from .made import ALIKE

N_COLUMNS = 20
ENTRIES = [
    Entry("gradient-boosting", {**ALIKE, "row_share": 1.0, "column_share": 1.0, "random_strength": 0.0}, "100 x 31"),
    Entry("lightgbm", {"n_estimators": 100, "num_leaves": 31, "learning_rate": 0.1}, "100 x 31"),
]


def run(folder: Path, quick: bool) -> str:
    results = Results(folder, "large")
    results.forget_ours()
    n_train = 1_000_000 if quick else 10_000_000
    table = rows_of_numbers(n_train + 100_000)
    rows = np.arange(len(table.classes))
    results.measure_alone(table, "first rows", (rows[:n_train], rows[n_train:]), ENTRIES)
    file = folder / "large.parquet"
    write_parquet(file, table)
    # The program's memory is to be its own.
    del table
    program = trainer_run(folder / "home", file)
    file.unlink()
    frame = results.frame()
    frame["MiB of the features"] = round(n_train * N_COLUMNS * 4 / 2**20)
    columns = ["table", "learner", "label", "auc", "log_loss", "fit_cpu", "peak_mib", "MiB of the features"]
    learners = markdown(pd.DataFrame(frame)[columns].round({"fit_cpu": 1, "peak_mib": 0}))
    return f"{learners}\n\n{program}\n"


def write_parquet(path: Path, table: Table) -> None:
    """Float32 columns, and classes as texts."""
    columns = {column.name: table.features[:, at] for at, column in enumerate(table.columns)}
    classes = pa.DictionaryArray.from_arrays(pa.array(table.classes.astype(np.int32)), ["no", "yes"]).cast(pa.string())
    pq.write_table(pa.table({**columns, "the_class": classes}), path)


def trainer_run(home: Path, file: Path) -> str:
    """What `trainer run` takes from a Parquet file to the report, and what the families come to."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    trainer(home, "init", file, "--target", "the_class")
    usage = trainer(home, "run", one_core=False)
    took = {
        "what": "trainer run, all five families",
        "wall s": round(usage.wall_seconds),
        "CPU s": round(usage.cpu_seconds),
        "peak MiB": round(usage.peak_mib),
    }
    manifests = [json.loads(path.read_text()) for path in sorted((home / "registry" / "versions").glob("*/manifest.json"))]
    families = pd.DataFrame([{"family": manifest["family"], "CPU s of its fits": round(manifest["fit_cpu_secs"])} for manifest in manifests])
    return f"{markdown(pd.DataFrame([took]))}\n\n{markdown(families)}"


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
