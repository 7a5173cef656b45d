"""How much of a gap is chance? The peers' searches of `unseen` and `keel` once more, with another seed, in our place.

The same peers in the same time on the same rows: only folds, what is tried, and the learners' own seeds differ. How often the best of the
second search is within the limits of the best of the first tells what these limits ask of a library that is as good as all of them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ..report import beside_the_best, within
from ..results import Results
from ..sources import KEEL, UNSEEN
from .searched import best, by_peer, entries
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
        lines.append(_line(source.name, *(_searches(results.frame(), source.name) for results in (first, again))))
    table = pd.DataFrame(lines)
    return f"{beside_the_best(table)}The other way round: {within(-table[['AUC gap', 'log loss gap']])}.\n"


def _searches(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    of_table = frame[(frame["table"] == table) & (frame["split"] == SPLIT)]
    return by_peer(of_table[of_table["label"].str.contains(" tuned in ")])


def _line(name: str, first: pd.DataFrame, again: pd.DataFrame) -> dict[str, object]:
    (first_auc, first_loss), (auc, loss) = best(first), best(again)
    return {
        "data": name,
        "AUC": "{1:.4f} {0}".format(*first_auc),
        "again": "{1:.4f} {0}".format(*auc),
        "AUC gap": round(first_auc[1] - auc[1], 4),
        "log loss": "{1:.4f} {0}".format(*first_loss),
        "again ": "{1:.4f} {0}".format(*loss),
        "log loss gap": round(loss[1] - first_loss[1], 4),
    }
