"""The measures, defined as ours are."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score


def measure(probabilities: np.ndarray, classes: np.ndarray) -> dict[str, float]:
    """AUC and average precision (means of each class against the rest when there are several), log loss, accuracy."""
    n_classes = probabilities.shape[1]
    positives = [1] if n_classes == 2 else range(n_classes)
    known = [probabilities[np.arange(len(classes)), classes]]
    return {
        "auc": _mean(roc_auc_score, probabilities, classes, positives),
        "average_precision": _mean(average_precision_score, probabilities, classes, positives),
        "log_loss": float(-np.log(np.clip(known, 1e-15, 1 - 1e-15)).mean()),
        "accuracy": float((probabilities.argmax(axis=1) == classes).mean()),
    }


def _mean(area, probabilities, classes, positives) -> float:
    return float(np.mean([area(classes == positive, probabilities[:, positive]) for positive in positives]))
