"""python -m bench [SCENARIO …] [--quick] [--out FOLDER]: measures, prints the tables, keeps them as JSON and Markdown."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from .scenarios import bank, chance, five, keel, large, made, searched, small, unseen

SCENARIOS = {
    "bank": bank,
    "small": small,
    "searched": searched,
    "unseen": unseen,
    "keel": keel,
    "chance": chance,
    "made": made,
    "five": five,
    "large": large,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="trainer/benches/run", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"{', '.join(SCENARIOS)}; all when none is named")
    parser.add_argument("--quick", action="store_true", help="fewer rows and data sets, to see that it works")
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("BENCH_OUT", "bench-out")), help="where figures go")
    parser.add_argument("--fresh", action="store_true", help="measure the peers again, too, rather than go on with an earlier run")
    args = parser.parse_args()
    if unknown := [name for name in args.scenarios if name not in SCENARIOS]:
        parser.error(f"unknown scenario {', '.join(unknown)}; they are {', '.join(SCENARIOS)}")
    folder = args.out / ("quick" if args.quick else "full")
    for name in args.scenarios or SCENARIOS:
        if args.fresh:
            (folder / f"{name}.jsonl").unlink(missing_ok=True)
        text = f"## {name}\n\n{SCENARIOS[name].__doc__}\n\n{SCENARIOS[name].run(folder, args.quick)}"
        (folder / f"{name}.md").write_text(text)
        print(text, flush=True)


if __name__ == "__main__":
    main()
