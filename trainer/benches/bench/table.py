"""A labelled table, and the folder of NumPy files in which both sides read its rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

Rows = np.ndarray


@dataclass(frozen=True)
class Column:
    """A column: `n_levels` is None for a number, else values are codes of levels, NaN when missing."""

    name: str
    n_levels: int | None = None


@dataclass(frozen=True)
class Table:
    """Float32 features `[N, F]`, a class per row from 0, and what the columns are."""

    name: str
    columns: list[Column]
    features: np.ndarray
    classes: np.ndarray

    @property
    def n_classes(self) -> int:
        return int(self.classes.max()) + 1

    @classmethod
    def of_frame(cls, name: str, frame: pd.DataFrame, target: str, missing: tuple[str, ...] = ()) -> Table:
        """Texts, categories and truth values become codes, in the order of the alphabet or of the category."""
        frame = frame[frame[target].notna()].reset_index(drop=True)
        classes = pd.factorize(frame.pop(target), sort=True)[0]
        columns, values = [], []
        for column in frame.columns:
            described, numbers = _encode(frame[column], missing)
            columns.append(described)
            values.append(numbers)
        return cls(name, columns, np.column_stack(values).astype(np.float32), classes.astype(np.uint32))

    def split(self, seed: int, test_share: float = 0.2) -> tuple[Rows, Rows]:
        """Row numbers of a stratified random split."""
        rows = np.arange(len(self.classes))
        return tuple(train_test_split(rows, test_size=test_share, random_state=seed, stratify=self.classes))

    def write_case(self, folder: Path, train: Rows, test: Rows, validation: Rows | None = None) -> Path:
        """Writes the case that both sides read; says where."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "validation.npy").unlink(missing_ok=True)
        for part, rows in {"train": train, "test": test, "validation": validation}.items():
            if rows is not None:
                np.save(folder / f"{part}.npy", np.ascontiguousarray(self.features[rows]))
                np.save(folder / f"{part}_classes.npy", self.classes[rows])
        columns = [{"name": column.name, "n_levels": column.n_levels} for column in self.columns]
        (folder / "case.json").write_text(json.dumps({"n_classes": self.n_classes, "columns": columns}))
        return folder


def _encode(column: pd.Series, missing: tuple[str, ...]) -> tuple[Column, np.ndarray]:
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return Column(str(column.name)), column.to_numpy(dtype=float, na_value=np.nan)
    known = column.where(column.notna() & ~column.astype(str).isin(missing))
    codes, levels = pd.factorize(known.astype("string"), sort=True)
    return Column(str(column.name), len(levels)), np.where(codes < 0, np.nan, codes)
