//! Models of other tools: files that converters wrote, with what onnxruntime says of their rows.

use std::fs;
use std::path::PathBuf;

use inference_predictor::Predictor;
use trainer_registry::Registry;

use crate::churn;
use crate::desk::{Desk, Ran};

const TOOLS: [&str; 7] =
    ["random-forest", "extra-trees", "gradient-boosting", "logistic-regression", "perceptron", "lightgbm", "xgboost"];

fn foreign(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/foreign").join(name)
}

/// A folder with prepared rows of the churn file and the foreign models' contract.
#[track_caller]
fn prepared(csv: &str, contract: &str) -> Desk {
    let desk = Desk::with_rows(csv);
    desk.run(["fetch"]).works();
    desk.run(["prepare"]).works();
    desk.write("contract.json", fs::read(foreign(contract)).unwrap());
    desk
}

/// A folder with a foreign model of the churn file in production.
#[track_caller]
pub(crate) fn deployed(name: &str) -> Desk {
    let desk = prepared(&churn::csv(600), "contract.json");
    import(&desk, name).works();
    desk.run(["deploy"]).works();
    desk
}

fn import(desk: &Desk, name: &str) -> Ran {
    let model = foreign(&format!("{name}.onnx"));
    desk.run_with(&["import", model.to_str().unwrap(), "--contract", "contract.json"], &[])
}

fn import_expecting(desk: &Desk, name: &str) -> Ran {
    let (model, scored) = (foreign(&format!("{name}.onnx")), foreign(&format!("{name}.csv")));
    desk.run_with(
        &["import", model.to_str().unwrap(), "--contract", "contract.json", "--expect", scored.to_str().unwrap(), "--json"],
        &[],
    )
}

/// The churn file with every fifth row undecided.
fn undecided() -> String {
    let turn = |(row, line): (usize, &str)| match line.rsplit_once(',') {
        Some((rest, _)) if row > 0 && row % 5 == 0 => format!("{rest},perhaps\n"),
        _ => format!("{line}\n"),
    };
    churn::csv(600).lines().enumerate().map(turn).collect()
}

#[test]
fn models_of_every_tool_give_here_what_onnxruntime_gives() {
    let desk = prepared(&churn::csv(600), "contract.json");
    for (number, name) in (1..).zip(TOOLS) {
        let outcome = import_expecting(&desk, name).works().json();
        assert_eq!(outcome["versions"][0]["version"], number);
        assert_eq!(outcome["compared"]["n_rows"], 40);
        assert!(outcome["compared"]["largest_difference"].as_f64().unwrap() < 1e-6, "{name}: {}", outcome["compared"]);
    }
    assert_eq!(desk.check_registry().len(), TOOLS.len());
}

#[test]
fn models_of_three_classes_do_so_too() {
    let desk = prepared(&undecided(), "three-classes/contract.json");
    for name in TOOLS {
        let outcome = import_expecting(&desk, &format!("three-classes/{name}")).works().json();
        assert!(outcome["compared"]["largest_difference"].as_f64().unwrap() < 5e-6, "{name}: {}", outcome["compared"]);
    }
}

#[test]
fn an_imported_version_is_one_like_others() {
    let desk = prepared(&churn::csv(600), "contract.json");
    desk.run(["train", "--family", "logistic-regression"]).works();
    import(&desk, "gradient-boosting").works().says("imported").says("skl2onnx");
    desk.run(["deploy"]).works();
    desk.run(["leaderboard"]).works().says("imported").says("logistic-regression");
    desk.run(["test"]).works().says("log loss");
    desk.run(["report"]).works();
    assert!(desk.read("data/models.html").contains("imported"));
    desk.run(["predict", "--input", "churn.csv", "--output", "scored.csv"]).works();
    let card = desk.read("data/registry/versions/0002/card.md");
    assert!(card.contains("Trained elsewhere and imported from `gradient-boosting.onnx`"), "{card}");
    assert!(card.contains("compared with its own answers to one row at a time"), "{card}");
}

#[test]
fn the_label_follows_the_dataset_s_threshold() {
    let desk = prepared(&churn::csv(600), "contract.json");
    desk.edit("data/churn.toml", "threshold = 0.5", "threshold = 0.35");
    import(&desk, "lightgbm").works();
    let version = Registry::new(&desk.home()).version(1).unwrap();
    let predictor = Predictor::load(&version.model().unwrap()).unwrap();
    assert_eq!((predictor.threshold(), version.manifest.threshold), (Some(0.35), Some(0.35)));
    let scores = predictor.scores(&[25.0, 100.0, 0.0, 0.0, 70.0, f32::NAN, -1.0, 2.0, 40.0, 5.0, 1.0, 0.0], 3).unwrap();
    for (label, probabilities) in scores.labels.iter().zip(scores.probabilities.chunks(2)) {
        assert_eq!(*label, i64::from(probabilities[1] > 0.35), "{probabilities:?}");
    }
}

#[test]
fn classes_named_by_the_model_are_put_in_the_contract_s_order() {
    let desk = Desk::new();
    desk.write("churn.csv", churn::csv(600));
    desk.run(["init", "churn.csv", "--target", "churn", "--positive", "no"]).works();
    desk.run(["fetch"]).works();
    desk.run(["prepare"]).works();
    desk.write("contract.json", fs::read(foreign("contract.json")).unwrap());
    desk.edit("contract.json", r#"["no","yes"]"#, r#"["yes","no"]"#);
    import_expecting(&desk, "random-forest").works();
}

#[test]
fn without_a_contract_the_rows_own_is_taken() {
    let desk = prepared(&churn::csv(600), "contract.json");
    let model = foreign("xgboost.onnx");
    desk.run_with(&["import", model.to_str().unwrap()], &[]).works();
    let version = Registry::new(&desk.home()).version(1).unwrap();
    let contract = Predictor::load(&version.model().unwrap()).unwrap().contract().clone();
    let names: Vec<&str> = contract.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["age", "balance", "city", "plan"]);
}

#[test]
fn what_cannot_be_imported_is_refused_with_a_remedy_and_leaves_nothing() {
    let desk = prepared(&churn::csv(600), "contract.json");
    import(&desk, "zipmap").fails("is a list of maps (ZipMap)", "options={'zipmap': False}");
    import(&desk, "float64").fails("holds float64, not float32", "FloatTensorType");
    import(&desk, "two-columns").fails("the contract has 4 columns, the graph 2", "the contract's columns");
    import(&desk, "an-input-per-column").fails("the graph has 4 inputs: column_0", "one input of all columns");
    import(&desk, "support-vector").fails("operator `SVMClassifier`", "trees, linear models and perceptrons");
    import(&desk, "no-imputer").fails("does not take missing values", "put SimpleImputer in front");
    import(&desk, "raw-scores").fails("these are no probabilities", "predict_proba");
    import(&desk, "three-classes/random-forest").fails("the contract has 2 classes, the graph 3", "rows of every class");
    desk.write("text.onnx", "not a model");
    desk.run(["import", "text.onnx"]).fails("not ONNX", "skl2onnx");
    desk.run(["import", "none.onnx"]).fails("cannot read none.onnx", "check the path");
    assert_eq!(desk.check_registry(), Vec::<u32>::new());
    let left = fs::read_dir(desk.home().registry())
        .map_or(0, |entries| entries.flatten().filter(|entry| entry.path().join("model.onnx").exists()).count());
    assert_eq!(left, 0);
}

#[test]
fn a_scored_file_that_says_otherwise_is_refused() {
    let desk = prepared(&churn::csv(600), "contract.json");
    let expect = |scored: &str, error: &str, hint: &str| {
        let model = foreign("random-forest.onnx");
        desk.run_with(&["import", model.to_str().unwrap(), "--contract", "contract.json", "--expect", scored], &[])
            .fails(error, hint);
    };
    desk.write("other.csv", fs::read(foreign("extra-trees.csv")).unwrap());
    expect("other.csv", "gives other probabilities here than in other.csv", "onnxruntime");
    desk.write("short.csv", "probability_no,probability_yes\n0.5,0.5\n");
    expect("short.csv", "short.csv holds 1 rows, the validation part", "in order");
    desk.write("half.csv", "probability_no\n0.5\n");
    expect("half.csv", "column `probability_yes` is missing from half.csv", "trainer predict");
    desk.write("text.csv", "probability_no,probability_yes\n0.5,half\n");
    expect("text.csv", "text.csv:2: expected a probability, found `half`", "every row");
    assert_eq!(desk.check_registry(), Vec::<u32>::new());
}

#[test]
fn what_a_model_says_of_the_validation_rows_in_order_can_be_expected() {
    let desk = prepared(&churn::csv(600), "contract.json");
    import(&desk, "lightgbm").works();
    let parts = ["--model", "data/registry/versions/0001/model.onnx", "--only-predictions"];
    desk.run(["predict", "--input", "data/prepared/validation.parquet", "--output", "scored.csv", parts[0], parts[1], parts[2]])
        .works();
    let model = foreign("lightgbm.onnx");
    desk.run_with(&["import", model.to_str().unwrap(), "--contract", "contract.json", "--expect", "scored.csv"], &[]).works();
}

#[test]
fn a_contract_of_another_target_is_refused() {
    let desk = prepared(&churn::csv(600), "contract.json");
    desk.edit("contract.json", r#""dataset":"churn""#, r#""dataset":"other""#);
    import(&desk, "lightgbm").fails("is a contract for `churn` of other, not for `churn` of churn", "TOML");
    desk.write("contract.json", "{}");
    import(&desk, "lightgbm").fails("contract.json", "contract.json of a bundle");
}
