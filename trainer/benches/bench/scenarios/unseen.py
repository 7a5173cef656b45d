"""As `searched`, with little time, on other sets; the README tells what was chosen by them since.

One set alone says little: most have 80 to 600 rows to judge by. What counts is how many are within the limits, and the middle gap."""

from __future__ import annotations

from pathlib import Path

from ..results import Results
from ..sources import UNSEEN
from .searched import compare

SECONDS = 8


def run(folder: Path, quick: bool) -> str:
    return compare(Results(folder, "unseen"), UNSEEN[:3] if quick else UNSEEN, UNSEEN, SECONDS)
