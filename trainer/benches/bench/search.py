"""A modest random search over the peers: what somebody who wants more than defaults would try, in a budget of CPU seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold, train_test_split

from . import peers
from .measure import measure
from .table import Column

# With fewer rows than this settings are judged on three folds, else on a fifth held out.
_FEW_ROWS = 5000


def search(columns: list[Column], n_classes: int, seconds: float, seed: int, learners: list[str] | None = None) -> peers.Fit:
    """A function that tries settings of the learners in turn until the seconds are spent, then fits the best on all rows.
    The defaults of each come first."""
    learners = learners or list(_SPACES)

    def fit(features: np.ndarray, classes: np.ndarray) -> Any:
        random, end = np.random.default_rng(seed), time.process_time() + seconds
        folds = list(_folds(classes, seed))
        best_loss, best = np.inf, (learners[0], {})
        for number in range(1000):
            learner = learners[number % len(learners)]
            params = _SPACES[learner](random) if number >= len(learners) else {}
            loss = _loss(peers.build(learner, columns, n_classes, params, seed), features, classes, folds)
            if loss < best_loss:
                best_loss, best = loss, (learner, params)
            if time.process_time() > end:
                break
        learner, params = best
        return peers.build(learner, columns, n_classes, params, seed)(features, classes)

    return fit


def _folds(classes: np.ndarray, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    if len(classes) < _FEW_ROWS:
        return StratifiedKFold(3, shuffle=True, random_state=seed).split(classes, classes)
    return iter([train_test_split(np.arange(len(classes)), test_size=0.2, random_state=seed, stratify=classes)])


def _loss(fit: peers.Fit, features: np.ndarray, classes: np.ndarray, folds: list) -> float:
    """The mean log loss on the rows held out."""

    def one(fitting: np.ndarray, held_out: np.ndarray) -> float:
        model = fit(features[fitting], classes[fitting])
        return measure(np.asarray(model.predict_proba(features[held_out]), dtype=float), classes[held_out])["log_loss"]

    return float(np.mean([one(*fold) for fold in folds]))


def _log(random: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def _lightgbm(random: np.random.Generator) -> peers.Params:
    return {
        "n_estimators": int(_log(random, 50, 500)),
        "learning_rate": _log(random, 0.02, 0.2),
        "num_leaves": int(_log(random, 4, 63)),
        "min_child_samples": int(_log(random, 3, 100)),
        "reg_lambda": _log(random, 0.1, 20),
        "colsample_bytree": random.uniform(0.3, 1.0),
    }


def _xgboost(random: np.random.Generator) -> peers.Params:
    return {
        "n_estimators": int(_log(random, 50, 500)),
        "learning_rate": _log(random, 0.02, 0.3),
        "max_depth": int(random.integers(2, 9)),
        "min_child_weight": _log(random, 0.5, 20),
        "reg_lambda": _log(random, 0.1, 20),
        "colsample_bytree": random.uniform(0.3, 1.0),
        "subsample": random.uniform(0.6, 1.0),
    }


def _catboost(random: np.random.Generator) -> peers.Params:
    return {
        "iterations": int(_log(random, 100, 1000)),
        "learning_rate": _log(random, 0.02, 0.2),
        "depth": int(random.integers(3, 9)),
        "l2_leaf_reg": _log(random, 1, 20),
    }


def _random_forest(random: np.random.Generator) -> peers.Params:
    share = random.uniform(0.1, 0.8)
    return {"n_estimators": 200, "min_samples_leaf": int(_log(random, 1, 20)), "max_features": share}


def _logistic_regression(random: np.random.Generator) -> peers.Params:
    return {"C": _log(random, 0.01, 100)}


def _nystroem(random: np.random.Generator) -> peers.Params:
    return {"gamma": _log(random, 0.001, 0.3), "C": _log(random, 0.1, 100)}


def _support_vector(random: np.random.Generator) -> peers.Params:
    return {"gamma": _log(random, 0.001, 0.3), "C": _log(random, 0.1, 100)}


def _perceptron(random: np.random.Generator) -> peers.Params:
    sizes = [[32], [64, 32], [128]][random.integers(3)]
    return {"hidden_layer_sizes": sizes, "early_stopping": bool(random.integers(2)), "alpha": _log(random, 1e-5, 1)}


_SPACES = {
    "lightgbm": _lightgbm,
    "sklearn-logistic-regression": _logistic_regression,
    "xgboost": _xgboost,
    "sklearn-random-forest": _random_forest,
    "sklearn-nystroem": _nystroem,
    "sklearn-mlp": _perceptron,
    "catboost": _catboost,
    "sklearn-svc": _support_vector,
}
