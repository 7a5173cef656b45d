"""Runs both programs on the same files, each in a process of its own, and prints what they cost."""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
LARGEST_DIFFERENCE = 1e-9


def make(path: Path, n_rows: int, seed: int, shift: float) -> None:
    """Twelve columns: seven of numbers, of which five differ in nearly every row, and five of categories."""
    import numpy as np
    import pandas as pd

    dice = np.random.default_rng(seed)
    columns = {f"real_{i}": dice.normal(shift if i == 0 else 0, 1, n_rows) for i in range(4)}
    columns["amount"] = np.round(dice.lognormal(5, 1, n_rows), 2)
    columns["age"] = dice.integers(18, 95, n_rows)
    columns["day"] = dice.integers(1, 32, n_rows)
    for n_levels in (2, 3, 5, 12, 40):
        levels = np.array([f"level-{i}" for i in range(n_levels)])
        columns[f"of_{n_levels}"] = levels[dice.integers(0, n_levels, n_rows)]
    pd.DataFrame(columns).to_parquet(path)


def run(command: list[str]) -> tuple[dict, float, float]:
    """What a command printed as JSON, its CPU seconds and its peak memory in MB."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        sys.exit(f"error: {command[0]} failed")
    return json.loads(output), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def largest_difference(ours: dict, theirs: dict) -> float:
    found = {column["column"]: column["value"] for column in ours["columns"]}
    if found.keys() != theirs["columns"].keys():
        sys.exit("error: the two programs compared different columns")
    return max(abs(found[column] - value) for column, value in theirs["columns"].items())


def bench(monitor: str, folder: Path, n_rows: int) -> None:
    files = [folder / f"reference-{n_rows}.parquet", folder / f"current-{n_rows}.parquet"]
    for seed, path in enumerate(files):
        if os.fork() == 0:  # so that making the data leaves nothing behind in this process
            make(path, n_rows, seed, 0.1 * seed)
            os._exit(0)
        os.wait()
    names = [str(path) for path in files]
    ours, cpu, memory = run([monitor, "compare", *names, "--json"])
    _, duckdb_cpu, duckdb_memory = run([sys.executable, str(HERE / "duckdb_side.py"), *names])
    _, binned_cpu, binned_memory = run([monitor, "compare", *names, "--json", "--binned"])
    theirs, their_cpu, their_memory = run([sys.executable, str(HERE / "evidently_side.py"), *names])
    difference = largest_difference(ours, theirs)
    print(f"{n_rows} + {n_rows} rows x 12 columns, Parquet")
    print(f"  monitor compare  {cpu:8.2f} CPU s  {memory:7.0f} MB")
    print(f"  Evidently        {their_cpu:8.2f} CPU s  {their_memory:7.0f} MB")
    print(f"  bare DuckDB      {duckdb_cpu:8.2f} CPU s  {duckdb_memory:7.0f} MB, for the same counts, of which we take {cpu / duckdb_cpu:.2f}")
    print(f"  in cells         {binned_cpu:8.2f} CPU s  {binned_memory:7.0f} MB, of Evidently's {binned_cpu / their_cpu:.3f} and {binned_memory / their_memory:.3f}")
    print(f"  ratio            {cpu / their_cpu:8.3f}        {memory / their_memory:7.3f}")
    print(f"  largest difference of a figure: {difference:.1e}")
    if difference > LARGEST_DIFFERENCE:
        sys.exit("error: the figures differ")


if __name__ == "__main__":
    for rows in sys.argv[3:]:
        bench(sys.argv[1], Path(sys.argv[2]), int(rows))
