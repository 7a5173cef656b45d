"""The peers, each with what it wants to be fed: native categories, codes, or one-hot inputs with numbers standardised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from .table import Column

Params = dict[str, Any]
Fit = Callable[[np.ndarray, np.ndarray], Any]


def names() -> list[str]:
    return list(_PEERS)


def build(name: str, columns: list[Column], n_classes: int, params: Params, seed: int) -> Fit:
    """A function that fits the peer on features and classes, and gives what predicts probabilities from features."""
    return _PEERS[name](columns, n_classes, params, seed)


def _frame(columns: list[Column], features: np.ndarray, as_text: bool = False) -> pd.DataFrame:
    """Categorical columns as pandas categories of all levels, or as text for CatBoost."""
    frame = pd.DataFrame(features, columns=[f"c{at}" for at in range(len(columns))])
    for at, column in enumerate(columns):
        if column.n_levels is not None:
            codes = np.nan_to_num(features[:, at], nan=-1).astype(int)
            levels = pd.Categorical.from_codes(codes, categories=range(column.n_levels))
            frame[f"c{at}"] = codes.astype(str) if as_text else levels
    return frame


class _Framed:
    """A model that takes a data frame."""

    def __init__(self, model, frame: Callable[[np.ndarray], pd.DataFrame], features: np.ndarray, classes: np.ndarray):
        self.frame = frame
        self.model = model.fit(frame(features), classes)

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        return self.model.predict_proba(self.frame(features))


def _framed(model, columns: list[Column], as_text: bool = False) -> Fit:
    return lambda features, classes: _Framed(model, lambda rows: _frame(columns, rows, as_text), features, classes)


def _lightgbm(columns, n_classes, params, seed) -> Fit:
    from lightgbm import LGBMClassifier

    return _framed(LGBMClassifier(**{"n_jobs": 1, "verbose": -1, "random_state": seed, **params}), columns)


def _xgboost(columns, n_classes, params, seed) -> Fit:
    from xgboost import XGBClassifier

    return _framed(XGBClassifier(**{"n_jobs": 1, "random_state": seed, "enable_categorical": True, **params}), columns)


def _catboost(columns, n_classes, params, seed) -> Fit:
    from catboost import CatBoostClassifier

    text = [f"c{at}" for at, column in enumerate(columns) if column.n_levels is not None]
    fixed = {"thread_count": 1, "verbose": 0, "random_seed": seed, "allow_writing_files": False, "cat_features": text}
    return _framed(CatBoostClassifier(**fixed, **params), columns, as_text=True)


def _hist_gradient_boosting(columns, n_classes, params, seed) -> Fit:
    from sklearn.ensemble import HistGradientBoostingClassifier

    native = [column.n_levels is not None and column.n_levels < 255 for column in columns]
    model = HistGradientBoostingClassifier(random_state=seed, categorical_features=native, **params)
    return lambda features, classes: model.fit(features, classes)


def _random_forest(columns, n_classes, params, seed) -> Fit:
    from sklearn.ensemble import RandomForestClassifier

    return _sklearn(RandomForestClassifier(**{"n_jobs": 1, "random_state": seed, **params}))


def _logistic_regression(columns, n_classes, params, seed) -> Fit:
    from sklearn.linear_model import LogisticRegression

    return _sklearn(LogisticRegression(**{"max_iter": 1000, **params}), columns)


def _perceptron(columns, n_classes, params, seed) -> Fit:
    from sklearn.neural_network import MLPClassifier

    return _sklearn(MLPClassifier(random_state=seed, **params), columns)


def _nystroem(columns, n_classes, params, seed) -> Fit:
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    params = {"n_components": 300, "gamma": None, "C": 1.0, **params}
    kernel = Nystroem(n_components=params["n_components"], gamma=params["gamma"], random_state=seed)
    return _sklearn(make_pipeline(kernel, LogisticRegression(max_iter=1000, C=params["C"])), columns)


def _support_vector(columns, n_classes, params, seed) -> Fit:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.svm import SVC

    return _sklearn(CalibratedClassifierCV(SVC(**params), ensemble=False), columns)


def _support_vector_alone(columns, n_classes, params, seed) -> Fit:
    """One fit and no calibration: two classes only, and the sigmoid of the decision stands for a probability."""
    from sklearn.svm import SVC

    fit = _sklearn(SVC(**params), columns)
    return lambda features, classes: _Sigmoid(fit(features, classes))


class _Sigmoid:
    def __init__(self, model):
        self.model = model

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        positive = 1 / (1 + np.exp(-self.model.decision_function(features)))
        return np.column_stack([1 - positive, positive])


def _sklearn(model, columns: list[Column] | None = None) -> Fit:
    """With columns, numbers are standardised and levels one-hot; without, a model takes codes and missing values as they are."""
    from sklearn.pipeline import make_pipeline

    pipeline = make_pipeline(_one_hot(columns), model) if columns else model
    return lambda features, classes: pipeline.fit(features, classes)


def _one_hot(columns: list[Column]):
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = [at for at, column in enumerate(columns) if column.n_levels is None]
    levels = [at for at, column in enumerate(columns) if column.n_levels is not None]
    return make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), levels),
    )


_PEERS: dict[str, Callable[..., Fit]] = {
    "lightgbm": _lightgbm,
    "xgboost": _xgboost,
    "catboost": _catboost,
    "sklearn-hist-gradient-boosting": _hist_gradient_boosting,
    "sklearn-random-forest": _random_forest,
    "sklearn-logistic-regression": _logistic_regression,
    "sklearn-mlp": _perceptron,
    "sklearn-nystroem": _nystroem,
    "sklearn-svc": _support_vector,
    "sklearn-svc-alone": _support_vector_alone,
}
