"""Runs jobs on both sides, one thread unless told otherwise."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# What a machine's owner may have set for one processor would slow the peers' linear algebra down.
_UNSET = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")


@dataclass(frozen=True)
class Entry:
    """One line of a table: a family of ours, or a peer, with the settings that differ from its defaults."""

    learner: str
    params: dict[str, Any] = field(default_factory=dict)
    label: str = "defaults"
    # Folds that tell a family of ours how many rounds to take.
    folds: int = 0

    @property
    def is_ours(self) -> bool:
        return self.learner in FAMILIES

    def names(self) -> dict[str, str]:
        return {"learner": self.learner, "label": self.label}

    def job(self, case: Path, seed: int) -> dict[str, Any]:
        if self.is_ours:
            return {"case": str(case), "params": {"family": self.learner, **self.params}, "seed": seed, "folds": self.folds}
        return {"case": str(case), "peer": self.learner, "params": self.params, "seed": seed}


FAMILIES = ("gradient-boosting", "random-forest", "multilayer-perceptron", "support-vector", "logistic-regression")


# The weighted mean of several of them.
BLEND = "blend"

# The peer that is a random search over all of them.
SEARCH = "random-search"


class Side:
    """A process that takes jobs, ours or the peers'."""

    def __init__(self, ours: bool, threads: int = 1):
        environment = {name: value for name, value in os.environ.items() if name not in _UNSET}
        environment |= {name: str(threads) for name in _THREADS}
        command = [os.environ["BENCH_DRIVER"]] if ours else [sys.executable, "-m", "bench.worker"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def run(self, job: dict[str, Any]) -> dict[str, Any]:
        """What the process measured."""
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"error: the process died on {job}")
        answer = json.loads(line)
        if "error" in answer:
            print(f"failed: {job}: {answer['error']}", file=sys.stderr)
        return answer

    def __enter__(self) -> Side:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.process.wait()


def run_alone(entry: Entry, case: Path, seed: int = 42, threads: int = 1) -> dict[str, Any]:
    """A job in a process of its own, so that its memory is its own."""
    with Side(entry.is_ours, threads) as side:
        return side.run(entry.job(case, seed))


@dataclass(frozen=True)
class Usage:
    """What a command took, of all its threads together."""

    cpu_seconds: float
    wall_seconds: float
    peak_mib: float


def trainer(home: Path, *arguments: object, one_core: bool = True) -> Usage:
    """Runs a command of our program, which says nothing but errors."""
    command = [os.environ["BENCH_TRAINER"], "--quiet", "--home", str(home), *map(str, arguments)]
    cores = {max(os.sched_getaffinity(0))} if one_core else os.sched_getaffinity(0)
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, cores))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Usage(usage.ru_utime + usage.ru_stime, time.monotonic() - started, usage.ru_maxrss / 1024)
