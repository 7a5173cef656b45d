"""Figures as Markdown."""

from __future__ import annotations

import pandas as pd


def markdown(frame: pd.DataFrame) -> str:
    """A table with a header; numbers keep four digits after the point at most."""
    header = [str(column) for column in frame.columns]
    lines = [header, ["---"] * len(header), *[[_cell(value) for value in row] for row in frame.itertuples(index=False)]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def beside_the_best(table: pd.DataFrame) -> str:
    """A table of our best beside theirs, and how many of its lines are within what was asked."""
    middle = f"{table['AUC gap'].median():.4f} AUC, {table['log loss gap'].median():.4f} log loss"
    return f"{markdown(table)}\n\nWithin .002 AUC and .005 log loss of the best peer: {within(table)}.\nThe middle gap: {middle}.\n"


def within(gaps: pd.DataFrame) -> str:
    """How many lines are within what was asked."""
    close_auc, close_loss = gaps["AUC gap"] <= 0.002, gaps["log loss gap"] <= 0.005
    return f"AUC {close_auc.sum()}, log loss {close_loss.sum()}, both {(close_auc & close_loss).sum()} of {len(gaps)}"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if pd.isna(value) else f"{value:.4f}".rstrip("0").rstrip(".")
    return str(value)
