"""Measured figures, kept as lines of JSON, so that a run that was broken off goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from .processes import BLEND, FAMILIES, Entry, Side, run_alone
from .table import Rows, Table


class Results:
    """The figures of one scenario; what is there already is not measured again."""

    def __init__(self, folder: Path, scenario: str):
        self.cases = folder / "cases" / scenario
        self.path = folder / f"{scenario}.jsonl"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        self.rows: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def forget_ours(self) -> None:
        """Drops what another build of ours may have measured."""
        self.rows = [row for row in self.rows if row["learner"] not in (*FAMILIES, BLEND)]
        self.path.write_text("".join(json.dumps(row) + "\n" for row in self.rows))

    def measure(self, table: Table, split: str, rows: tuple[Rows, Rows], entries: list[Entry], seed: int = 42) -> None:
        """Measures every entry that is missing on one split, alone in its process when memory counts."""
        missing = [entry for entry in entries if not self._has(table.name, split, entry)]
        if not missing:
            return
        case = table.write_case(self.cases / table.name.replace("/", "-") / split, *rows)
        for ours in (True, False):
            side_entries = [entry for entry in missing if entry.is_ours == ours]
            if side_entries:
                with Side(ours) as side:
                    for entry in side_entries:
                        self.add(table, split, {**entry.names(), **side.run(entry.job(case, seed))})

    def measure_alone(self, table: Table, split: str, rows: tuple[Rows, Rows], entries: list[Entry]) -> None:
        """The same with a process for each entry, which tells its memory."""
        missing = [entry for entry in entries if not self._has(table.name, split, entry)]
        case = table.write_case(self.cases / table.name / split, *rows) if missing else self.cases
        for entry in missing:
            self.add(table, split, {**entry.names(), **run_alone(entry, case)})

    def seconds(self, table: Table, split: str, learners: tuple[str, ...]) -> float:
        """CPU seconds of all fits of these learners on a split."""
        rows = [row for row in self.rows if row["table"] == table.name and row["split"] == split]
        return sum(row.get("fit_cpu", 0) for row in rows if row["learner"] in learners)

    def frame(self) -> pd.DataFrame:
        """All figures, a row per fit."""
        return pd.DataFrame([row for row in self.rows if "error" not in row])

    def _has(self, table: str, split: str, entry: Entry) -> bool:
        key = {"table": table, "split": split, **entry.names()}
        return any(key.items() <= row.items() for row in self.rows)

    def add(self, table: Table, split: str, measured: dict[str, Any]) -> None:
        """Keeps one line of figures."""
        row = {"table": table.name, "split": split, **measured}
        self.rows.append(row)
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")
