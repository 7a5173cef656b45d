"""As `unseen`, on the classification sets of the KEEL repository: most of UCI's that papers compare learners on, up to 26 classes.

The README tells what was chosen by them since they were taken in."""

from __future__ import annotations

from pathlib import Path

from ..results import Results
from ..sources import KEEL
from .searched import compare
from .unseen import SECONDS


def run(folder: Path, quick: bool) -> str:
    return compare(Results(folder, "keel"), KEEL[:3] if quick else KEEL, KEEL, SECONDS)
