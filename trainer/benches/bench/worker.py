"""The peers' process: a job per line from stdin, `{"case", "peer", "params", "seed"}`; answers each with a line of JSON.
The peer `random-search` stands for all of them, or for its setting `learners`; `seconds` is how long it looks.

Libraries are imported before the clock starts, and one job per process tells the memory of one fit."""

from __future__ import annotations

import json
import sys
import time
import traceback
import warnings
from pathlib import Path

import numpy as np

from . import peers
from .measure import measure
from .processes import SEARCH
from .search import search
from .table import Column


def main() -> None:
    warnings.filterwarnings("ignore")
    for line in sys.stdin:
        try:
            answer = run(json.loads(line))
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


def run(job: dict) -> dict:
    folder = Path(job["case"])
    case = json.loads((folder / "case.json").read_text())
    columns = [Column(**column) for column in case["columns"]]
    features, classes = np.load(folder / "train.npy"), np.load(folder / "train_classes.npy").astype(int)
    fit = learner(job, columns, case["n_classes"])
    start = time.process_time()
    model = fit(features, classes)
    fit_end, peak = time.process_time(), peak_mib()
    probabilities = np.asarray(model.predict_proba(np.load(folder / "test.npy")), dtype=float)
    predict_end = time.process_time()
    measured = measure(probabilities, np.load(folder / "test_classes.npy").astype(int))
    times = {"fit_cpu": fit_end - start, "predict_cpu": predict_end - fit_end, "peak_mib": peak}
    return {**measured, **times}


def peak_mib() -> float:
    """The most memory this program had resident; getrusage would count what its parent had before starting it."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def learner(job: dict, columns: list[Column], n_classes: int) -> peers.Fit:
    if job["peer"] == SEARCH:
        return search(columns, n_classes, seed=job["seed"], **job["params"])
    return peers.build(job["peer"], columns, n_classes, job["params"], job["seed"])


if __name__ == "__main__":
    main()
