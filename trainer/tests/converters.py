"""Models of other tools, converted to ONNX, for `trainer import`.

    pip install scikit-learn skl2onnx onnxruntime onnx numpy
    python converters.py contract.json train.csv validation.csv out
    python converters.py --fixtures                     # and lightgbm, xgboost, onnxmltools: writes the files in foreign/

Trains classifiers on the rows of a CSV file, converts them, and writes for each `out/NAME.onnx` and `out/NAME.csv`: the validation rows with
the probabilities that onnxruntime gives. Exits with 1 where onnxruntime differs from the tool that trained the model.
"""

import csv
import json
import pathlib
import sys
import warnings

import numpy
import onnxruntime
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

# A tool computes in float64, its converted model in float32: a row at the edge of a split may fall to its other side.
TOLERANCE = 1e-4
MOST_ROWS_APART = 0.001


class Rows:
    """Features as the contract encodes them, and classes by name."""

    def __init__(self, contract, records):
        self.records = records
        self.classes = numpy.array([record[contract["target"]["name"]] for record in records])
        self.features = numpy.array([encode(contract, record) for record in records], dtype=numpy.float32)


def read_contract(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)["x-tidemark"]


def read_rows(contract, path):
    with open(path, encoding="utf-8", newline="") as file:
        return Rows(contract, list(csv.DictReader(file)))


def encode(contract, record):
    missing = ["", *contract["missing_tokens"]]
    return [feature(column, record[column["name"]], missing) for column in contract["columns"]]


def feature(column, value, missing):
    if column["kind"] == "categorical":
        return column["levels"].index(value) if value in column["levels"] else -1
    return float("nan") if value in missing else float(value)


def learners(n_trees, depth):
    """Learners that take missing values, or have an imputer in front."""
    forest = {"n_estimators": n_trees, "max_depth": depth, "min_samples_leaf": 5, "random_state": 1}
    linear = {"C": 1.0, "max_iter": 500}
    return {
        "random-forest": make_pipeline(SimpleImputer(), RandomForestClassifier(**forest)),
        "extra-trees": make_pipeline(SimpleImputer(strategy="median"), ExtraTreesClassifier(**forest)),
        "gradient-boosting": make_pipeline(SimpleImputer(), GradientBoostingClassifier(n_estimators=n_trees, max_depth=min(depth, 3), random_state=1)),
        "logistic-regression": make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(**linear)),
        "perceptron": make_pipeline(SimpleImputer(), StandardScaler(), MLPClassifier((8,), max_iter=30, random_state=1)),
    }


def with_scikit_learn(learner, n_features, options=None, kind=FloatTensorType):
    options = {"zipmap": False} if options is None else options
    return convert_sklearn(learner, initial_types=[("X", kind([None, n_features]))], options=options)


def with_onnxmltools(n_trees, depth, train, classes):
    """LightGBM by names of classes, XGBoost by numbers; both take missing values."""
    import lightgbm
    import xgboost
    from onnxmltools.convert import convert_lightgbm, convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType as Floats

    types = [("input", Floats([None, train.features.shape[1]]))]
    numbers = numpy.array([classes.index(name) for name in train.classes])
    leaves = {"n_estimators": n_trees, "num_leaves": 2**depth, "verbose": -1, "n_jobs": 1}
    first = lightgbm.LGBMClassifier(**leaves).fit(train.features, train.classes)
    second = xgboost.XGBClassifier(n_estimators=n_trees, max_depth=depth, n_jobs=1).fit(train.features, numbers)
    yield "lightgbm", first, convert_lightgbm(first, initial_types=types, zipmap=False), list(first.classes_)
    yield "xgboost", second, convert_xgboost(second, initial_types=types), classes


def run(model, features):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: features})[1]


def write(folder, name, model, contract, rows, order):
    (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
    probabilities = run(model, rows.features)
    columns = [column["name"] for column in contract["columns"]]
    with open(folder / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns + [f"probability_{each}" for each in order])
        for record, values in zip(rows.records, probabilities):
            writer.writerow([record[column] for column in columns] + [f"{value:.9g}" for value in values])
    return probabilities


def require_close(name, expected, found):
    apart = numpy.abs(expected - found).max(axis=1)
    n_apart = int((apart > TOLERANCE).sum())
    print(f"{name}: onnxruntime is {numpy.median(apart):.1e} from its tool in the middle, {apart.max():.1e} at most, {n_apart} of {len(apart)} rows above {TOLERANCE}")
    return n_apart <= MOST_ROWS_APART * len(apart)


def convert(contract, train, judged, folder, n_trees, depth, others=False):
    classes, n_features = contract["target"]["classes"], train.features.shape[1]
    good = True
    for name, learner in learners(n_trees, depth).items():
        learner.fit(train.features, train.classes)
        found = write(folder, name, with_scikit_learn(learner, n_features), contract, judged, list(learner.classes_))
        good &= require_close(name, learner.predict_proba(judged.features), found)
    for name, learner, model, order in with_onnxmltools(n_trees, depth, train, classes) if others else []:
        found = write(folder, name, model, contract, judged, order)
        good &= require_close(name, learner.predict_proba(judged.features), found)
    return good


def convert_refused(train, folder):
    """Models that cannot be imported, each for a reason of its own."""
    n_features = train.features.shape[1]
    forest = make_pipeline(SimpleImputer(), RandomForestClassifier(2, max_depth=2, random_state=1)).fit(train.features, train.classes)
    strict = make_pipeline(StandardScaler(), LogisticRegression()).fit(numpy.nan_to_num(train.features), train.classes)
    few = slice(0, 40)
    machine = make_pipeline(SimpleImputer(), SVC(probability=True, random_state=1)).fit(train.features[few], train.classes[few])
    narrow = make_pipeline(SimpleImputer(), LogisticRegression()).fit(train.features[:, :2], train.classes)
    raw = make_pipeline(SimpleImputer(), LogisticRegression()).fit(train.features, train.classes)
    scores = {"zipmap": False, "raw_scores": True}
    named = [(f"column_{index}", FloatTensorType([None, 1])) for index in range(n_features)]
    from sklearn.compose import ColumnTransformer

    columns = ColumnTransformer([("all", SimpleImputer(), list(range(n_features)))])
    apart = make_pipeline(columns, LogisticRegression()).fit(train.features, train.classes)
    models = {
        "zipmap": with_scikit_learn(forest, n_features, options={}),
        "float64": with_scikit_learn(forest, n_features, kind=DoubleTensorType),
        "no-imputer": with_scikit_learn(strict, n_features),
        "support-vector": with_scikit_learn(machine, n_features),
        "two-columns": with_scikit_learn(narrow, 2),
        "raw-scores": with_scikit_learn(raw, n_features, options={id(raw.steps[-1][1]): scores}),
        "an-input-per-column": convert_sklearn(apart, initial_types=named, options={"zipmap": False}),
    }
    for name, model in models.items():
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString())


def made_up(contract, n_rows, seed):
    """Rows of the churn file's columns, and a class that follows age and plan."""
    random = numpy.random.default_rng(seed)
    classes = contract["target"]["classes"]
    records = []
    for _ in range(n_rows):
        age, plan = int(random.integers(18, 78)), str(random.choice(["basic", "plus", "gold", "unknown"]))
        balance = "" if random.random() < 0.1 else f"{random.uniform(0, 3000):.2f}"
        risk = int(random.random() < 0.05 + 0.45 * (plan == "basic") + 0.45 * (age < 35)) + (len(classes) - 2) * int(random.random() < 0.3)
        city = str(random.choice(["Oslo", "San José, CA", "Roma"]))
        records.append({"age": str(age), "balance": balance, "city": city, "plan": plan, contract["target"]["name"]: classes[risk]})
    return Rows(contract, records)


def write_fixtures():
    folder = pathlib.Path(__file__).parent / "foreign"
    contract = read_contract(folder / "contract.json")
    good = convert(contract, made_up(contract, 300, 1), made_up(contract, 40, 2), folder, 3, 3, others=True)
    convert_refused(made_up(contract, 300, 1), folder)
    several = folder / "three-classes"
    several.mkdir(exist_ok=True)
    contract["target"] = {"name": "churn", "classes": ["no", "perhaps", "yes"], "positive": None}
    (several / "contract.json").write_text(json.dumps({"x-tidemark": contract}) + "\n", encoding="utf-8")
    return convert(contract, made_up(contract, 300, 3), made_up(contract, 40, 4), several, 3, 3, others=True) and good


def main(arguments):
    warnings.filterwarnings("ignore")
    if arguments == ["--fixtures"]:
        return write_fixtures()
    contract = read_contract(arguments[0])
    train, judged = (read_rows(contract, path) for path in arguments[1:3])
    folder = pathlib.Path(arguments[3])
    folder.mkdir(parents=True, exist_ok=True)
    return convert(contract, train, judged, folder, n_trees=30, depth=8)


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1:]) else 1)
