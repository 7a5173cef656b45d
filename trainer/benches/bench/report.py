"""Figures as Markdown."""

from __future__ import annotations

import pandas as pd


def markdown(frame: pd.DataFrame) -> str:
    """A table with a header; numbers keep four digits after the point at most."""
    header = [str(column) for column in frame.columns]
    lines = [header, ["---"] * len(header), *[[_cell(value) for value in row] for row in frame.itertuples(index=False)]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if pd.isna(value) else f"{value:.4f}".rstrip("0").rstrip(".")
    return str(value)
