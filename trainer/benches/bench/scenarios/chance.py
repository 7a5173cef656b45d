"""How much of a gap is chance? The peers' searches of `unseen` and `keel` once more, with another seed, in our place.

The same peers in the same time on the same rows: only folds, what is tried, and the learners' own seeds differ. How often the best of the
second search is within the limits of the best of the first tells what these limits ask of a library that is as good as all of them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ..processes import SEARCH
from ..report import beside_the_best, within
from ..results import Results
from ..sources import KEEL, UNSEEN
from .searched import beside, by_peer, entries
from .unseen import SECONDS

SPLIT = "split-0"
OTHER_SEED = 43


def run(folder: Path, quick: bool) -> str:
    again = Results(folder, "chance")
    scenarios = {"unseen": UNSEEN, "keel": KEEL}
    return "\n".join(_compare(Results(folder, name), again, sets[:3] if quick else sets) for name, sets in scenarios.items())


def _compare(first: Results, again: Results, sets: list) -> str:
    """What the scenario has measured of the peers already is not measured again."""
    lines = []
    for source in sets:
        table = source.read()
        rows = table.split(0)
        first.measure(table, SPLIT, rows, entries(table, SECONDS))
        again.measure(table, SPLIT, rows, entries(table, SECONDS), OTHER_SEED)
        sides = (("second", _searches(again, source.name)), ("first", _searches(first, source.name)))
        lines.append({"data": source.name, **beside(*sides)})
    table = pd.DataFrame(lines)
    return f"{beside_the_best(table)}The other way round: {within(-table[['AUC gap', 'log loss gap']])}.\n"


def _searches(results: Results, table: str) -> pd.DataFrame:
    frame = results.frame()
    return by_peer(frame[(frame["table"] == table) & (frame["split"] == SPLIT) & (frame["learner"] == SEARCH)])
