//! What is wrong is named, and what to do about it; what can be used is used all the same.

use std::fs;

use data_contract::Bundle;
use polars::prelude::{Column, DataFrame, NamedFrom, ParquetWriter, Series};
use trainer_estimators::Family;

use crate::churn;
use crate::desk::{Desk, Ran};

/// The churn file with a text changed, described before the change; then `prepare`.
#[track_caller]
fn check_prepare(from: &str, to: &str, error: &str, hint: &str) {
    let desk = Desk::described();
    desk.edit("churn.csv", from, to);
    desk.run(["prepare"]).fails(error, hint);
    assert!(!desk.home().prepared().exists());
}

/// The churn file with one more row, which is set aside for this reason.
#[track_caller]
fn check_row(row: &str, reason: &str) {
    let desk = Desk::described();
    desk.write("churn.csv", churn::csv_and(row));
    let ran = desk.run(["prepare"]).works().says("1 rows set aside, listed in data/prepared/set-aside.ndjson");
    ran.warns(&format!("set aside churn.csv:602: {reason}"));
    assert_eq!(desk.read("data/prepared/set-aside.ndjson").lines().count(), 1);
}

/// The dataset's TOML file with a text changed; then `prepare`.
#[track_caller]
fn check_toml(from: &str, to: &str, error: &str, hint: &str) {
    let desk = Desk::described();
    desk.edit("data/churn.toml", from, to);
    desk.run(["prepare"]).fails(error, hint);
}

/// A file that nobody can describe.
#[track_caller]
fn check_init(csv: impl AsRef<[u8]>, error: &str, hint: &str) {
    let desk = Desk::new();
    desk.write("my.csv", csv);
    desk.run(["init", "my.csv", "--target", "churn"]).fails(error, hint);
    assert!(!desk.path("data/my.toml").exists());
}

#[test]
fn a_file_that_is_not_there() {
    let desk = Desk::trained();
    desk.run(["init", "none.csv", "--target", "churn"]).fails("cannot read none.csv", "check the path");
    desk.run(["predict", "--input", "none.csv", "--output", "out.csv"]).fails("cannot read none.csv", "check the path");
    fs::remove_file(desk.path("churn.csv")).unwrap();
    desk.run(["run"]).fails("churn.csv", "check the path");
    desk.run(["prepare"]).fails("churn.csv", "check the path");
}

#[test]
fn a_folder_in_the_place_of_a_file() {
    let desk = Desk::trained();
    fs::create_dir(desk.path("folder.csv")).unwrap();
    desk.run(["init", "folder.csv", "--target", "churn"]).fails("cannot read folder.csv", "");
    desk.run(["predict", "--input", "churn.csv", "--output", "folder.csv"]).fails("cannot replace folder.csv", "");
}

#[test]
fn a_column_that_is_missing() {
    check_prepare(",plan,", ",plans,", "column `plan` is missing from churn.csv", "`also` in the dataset's TOML file");
    let desk = Desk::trained();
    desk.edit("churn.csv", ",plan,", ",plans,");
    let predict = ["predict", "--input", "churn.csv", "--output", "out.csv"];
    desk.run(predict).fails("column `plan` is missing from churn.csv", "the file has id, joined, age");
    assert!(!desk.path("out.csv").exists());
}

#[test]
fn a_column_too_many_is_named_and_not_used() {
    let desk = Desk::described();
    let wider = |(row, line): (usize, &str)| if row == 0 { format!("{line},extra") } else { format!("{line},{row}") };
    desk.write("churn.csv", churn::csv(600).lines().enumerate().map(|row| wider(row) + "\n").collect::<String>());
    desk.run(["prepare"]).works().warns("column `extra` of churn.csv is not in the TOML file and not used");
    desk.run(["run"]).works();
}

#[test]
fn a_target_that_is_unknown() {
    let desk = Desk::described();
    desk.run(["init", "churn.csv", "--target", "chrun", "--force"])
        .fails("there is no column `chrun`", "its columns are id, joined, age");
    desk.run(["init", "churn.csv", "--target", "churn", "--positive", "maybe", "--force"]).fails("`maybe`", "no, yes");
    check_toml("column = \"churn\"", "column = \"chrun\"", "column `chrun` is missing", "the file has id");
}

#[test]
fn one_class_only() {
    let only_no = churn::csv(600).replace(",yes\n", ",no\n");
    check_init(&only_no, "column `churn` holds one class only", "two classes or more");
    let desk = Desk::described();
    desk.write("churn.csv", only_no);
    desk.run(["prepare"]).fails("column `churn` of churn.csv holds one class only: no", "two classes or more");
}

#[test]
fn a_file_without_rows() {
    check_init("", "my.csv is empty", "a header line");
    check_init(churn::HEADER, "my.csv has no rows", "one line per row");
    let desk = Desk::described();
    desk.write("churn.csv", "\n\n");
    desk.run(["prepare"]).fails("churn.csv is empty", "a header line");
    desk.write("churn.csv", churn::HEADER);
    desk.run(["prepare"]).fails("churn.csv has no usable row", "it has no rows");
}

#[test]
fn too_few_rows_to_divide() {
    let desk = Desk::described();
    let rows = ["no", "no", "yes"].map(|class| churn::ROW.replace(",no", &format!(",{class}")));
    desk.write("churn.csv", format!("{}\n{}\n", churn::HEADER, rows.join("\n")));
    desk.run(["prepare"]).fails("part would hold 0 classes of 3 rows in all", "bring more rows");
}

#[test]
fn rows_of_another_width_are_set_aside() {
    check_row("C1,2024-01-01,41", "3 fields, the header has 7");
    check_row("C1,2024-01-01,41,1,Oslo,plus,no,more", "8 fields, the header has 7");
}

#[test]
fn values_of_another_kind_are_set_aside() {
    check_row("C1,2024-01-01,old,1,Oslo,plus,no", "expected a number, found `old`");
    check_row("C1,2024-01-01,41,1,Oslo,7,no", "expected a text, found the number 7");
    check_row("C1,2024-01-01,41,inf,Oslo,plus,no", "`inf` is not a finite number");
    check_row("C1,2024-01-01,41,-1e39,Oslo,plus,no", "`-1e39` is not a finite number");
    check_row("C1,2024-01-01,41,1,Oslo,plus,maybe", "`maybe` is not a class");
    check_row("C1,2024-01-01,41,1,Oslo,plus,", "the target is missing");
    check_row("C1,31.12.2024,41,1,Oslo,plus,no", "`31.12.2024` is not a date like 2024-05-31");
}

/// A small table of two columns and a target; every step is taken, with every family.
#[track_caller]
fn check_learned(header: &str, rows: impl IntoIterator<Item = String>, n_set_aside: u64) -> Ran {
    let desk = Desk::new();
    desk.write("my.csv", format!("{header}\n{}\n", rows.into_iter().collect::<Vec<_>>().join("\n")));
    desk.run(["init", "my.csv", "--target", "churn"]).works();
    let ran = desk.run(["run", "--json"]).works();
    assert_eq!(ran.json()["prepared"]["n_set_aside"], n_set_aside, "{ran}");
    assert_eq!(ran.json()["leaderboard"]["versions"].as_array().unwrap().len(), Family::ALL.len(), "{ran}");
    desk.run(["predict", "--input", "my.csv", "--output", "out.csv", "--only-predictions"]).works();
    ran
}

fn class(row: usize) -> &'static str {
    ["no", "yes"][usize::from(row * 7 % 10 < 4)]
}

#[test]
fn a_column_without_a_value_is_left_out_and_one_that_is_asked_for_is_learned_from_all_the_same() {
    let rows = |row: usize| format!("{row}.5,,{}", class(row));
    check_learned("size,fax,churn", (0..60).map(rows), 0);
    let desk = Desk::new();
    desk.write(
        "my.csv",
        format!("size,fax,tax,churn\n{}", (0..60).map(|row| format!("{row}.5,,,{}\n", class(row))).collect::<String>()),
    );
    desk.run(["init", "my.csv", "--target", "churn"]).works();
    let text = desk.read("data/my.toml");
    let text = text.replace("fax = \"it has no values\"\n", "").replace("tax = \"it has no values\"\n", "");
    let asked = r#"columns = [ { name = "fax", kind = "numeric" }, { name = "tax", kind = "categorical" },"#;
    desk.write("data/my.toml", text.replace("columns = [", asked));
    desk.run(["run"]).works().warns("column `fax` has no value in any training row");
}

#[test]
fn one_row_per_class_and_two_rows_in_all() {
    let desk = Desk::new();
    desk.write("my.csv", "size,churn\n1,no\n2,yes\n");
    desk.run(["init", "my.csv", "--target", "churn"]).works();
    desk.run(["run"]).fails("part would hold 0 classes of 2 rows in all", "bring more rows");
    desk.write("my.csv", format!("size,churn\n{}", (0..30).map(|row| format!("{row}.5,k{row}\n")).collect::<String>()));
    desk.run(["init", "my.csv", "--target", "churn", "--force"]).works();
    desk.run(["run"]).fails("part would hold 0 classes of 30 rows in all", "bring more rows");
}

#[test]
fn a_class_with_one_row_among_others_stays_in_training() {
    let rows = (0..90).map(|row| format!("{row},{},{}", row % 7, if row == 44 { "perhaps" } else { class(row) }));
    check_learned("size,days,churn", rows.map(|row| row.replacen(',', ".5,", 1)), 0);
}

#[test]
fn infinite_values_are_set_aside() {
    let value = |row: usize| match row {
        7 => "inf".to_owned(),
        8 => "-Infinity".to_owned(),
        9 => "1e400".to_owned(),
        _ => format!("{row}.25"),
    };
    let ran = check_learned("size,plan,churn", (0..400).map(|row| format!("{},p{},{}", value(row), row % 3, class(row))), 3);
    ran.warns("set aside my.csv:11: `1e400` is not a finite number");
}

#[test]
fn a_column_with_a_level_of_its_own_in_every_row() {
    let rows = |row: usize| format!("{row}.5,name {row},{}", class(row));
    check_learned("size,name,churn", (0..60).map(rows), 0);
    let desk = Desk::new();
    desk.write(
        "my.csv",
        format!("name,churn\n{}", (0..400).map(|row| format!("name {row},{}\n", class(row))).collect::<String>()),
    );
    desk.run(["init", "my.csv", "--target", "churn"]).fails("my.csv has no column to predict from", "separator");
}

#[test]
fn a_target_with_missing_values() {
    let target = |row: usize| if row % 10 == 3 { ["", "NA", "unknown"][row % 3] } else { class(row) };
    let ran = check_learned("size,plan,churn", (0..200).map(|row| format!("{row}.5,p{},{}", row % 3, target(row))), 20);
    ran.warns("the target is missing");
    check_init("size,churn\n1,\n2,NA\n", "column `churn` holds no value at all", "two classes or more");
}

#[test]
fn rows_that_are_all_alike() {
    let ran = check_learned("size,plan,churn", (0..200).map(|row| format!("{},p{},{}", row % 2, row % 2, class(row / 2))), 0);
    ran.warns("repeat an earlier row").warns("occur in training too");
}

#[test]
fn names_with_quotes_emoji_and_newlines_are_learned() {
    let header = "\"my \"\"size\"\"\",\"🐟\nplan\",churn";
    check_learned(header, (0..100).map(|row| format!("{row}.5,\"p\n{}\",{}", row % 3, class(row))), 0);
}

#[test]
fn lists_in_a_parquet_file_are_left_out() {
    let desk = Desk::new();
    let lists: Vec<Series> = (0..60).map(|row| Series::new("".into(), [row, row + 1])).collect();
    let columns = vec![
        Column::new("tags".into(), lists),
        Column::new("size".into(), (0..60).map(f64::from).collect::<Vec<_>>()),
        Column::new("churn".into(), (0..60).map(class).collect::<Vec<_>>()),
    ];
    let mut frame = DataFrame::new_infer_height(columns).unwrap();
    ParquetWriter::new(fs::File::create(desk.path("my.parquet")).unwrap()).finish(&mut frame).unwrap();
    desk.run(["init", "my.parquet", "--target", "churn"]).works().says("left out `tags`: its values are lists or structures");
    desk.run(["init", "my.parquet", "--target", "tags", "--force"]).fails("column `tags` holds lists", "one text");
    desk.run(["run", "--family", "logistic-regression"]).works();
}

#[test]
fn texts_that_are_not_utf_8() {
    check_init(b"age,\xff,churn\n1,2,no\n2,3,yes\n", "cannot read the header line of my.csv", "UTF-8");
    let desk = Desk::described();
    let mut bytes = churn::csv(600).into_bytes();
    bytes.extend(b"C1,2024-01-01,41,1,San Jos\xe9,plus,no\n");
    desk.write("churn.csv", bytes);
    desk.run(["prepare"]).works().warns("churn.csv:602: a field is not UTF-8 text");
}

#[test]
fn two_columns_of_one_name() {
    check_init("age,age,churn\n1,2,no\n2,3,yes\n", "my.csv has two columns named `age`", "rename one of them");
    check_prepare(",city,", ",plan,", "churn.csv has two columns named `plan`", "rename");
}

#[test]
fn names_that_differ_in_case_only() {
    let desk = Desk::with_rows(&churn::csv(600).replacen("id,joined,age,balance,city", "id,joined,age,Age,Churn", 1));
    let text = desk.read("data/churn.toml");
    assert!(text.contains("Age = \"its name differs from another in case only") && text.contains("Churn = \"its"), "{text}");
    desk.run(["run", "--family", "logistic-regression"]).works();
    check_toml("name = \"balance\"", "name = \"AGE\"", "`columns.AGE` differs from another column", "");
    check_init("size,churn\n1,yes\n2,no\n3,Yes\n", "`target.classes` has classes that differ in case only", "change the file");
}

#[test]
fn a_column_whose_name_prepared_rows_use() {
    let desk = Desk::with_rows(&churn::csv(600).replacen("balance", "tidemark_row", 1));
    assert!(desk.read("data/churn.toml").contains("tidemark_row = \"its name is one that prepared rows use themselves\""));
    desk.run(["run"]).works();
    check_toml("name = \"age\"", "name = \"tidemark_date\"", "column `tidemark_date`", "rename");
}

#[test]
fn an_output_column_that_the_input_has_already() {
    let desk = Desk::with_rows(&churn::csv(600).replacen("balance", "label", 1));
    desk.run(["run"]).works();
    let predict = ["predict", "--input", "churn.csv", "--output", "out.csv"];
    desk.run(predict).fails("churn.csv already has a column `label`", "`--only-predictions`");
}

#[test]
fn a_toml_file_that_cannot_be_used() {
    check_toml("test = 0.2", "tset = 0.2", "tset", "`trainer init FILE --target COLUMN` writes a file that works");
    check_toml("test = 0.2", "test = 1.2", "`split.test` must lie between 0 and 1", "trainer init");
    check_toml("[split]", "[split", "data/churn.toml", "trainer init");
    check_toml("format = 1", "format = 2", "`format` must be 1", "trainer init");
    let desk = Desk::described();
    desk.edit("data/churn.toml", "logistic-regression", "random-forrest");
    desk.run(["run"]).fails("random-forrest", "`training.families` in the dataset's TOML file");
}

#[test]
fn a_name_that_is_no_name() {
    let desk = Desk::new();
    desk.write("my.csv", churn::csv(50));
    for name in ["../elsewhere", "two words", ""] {
        desk.run(["init", "my.csv", "--target", "churn", "--name", name]).fails("`name` must consist of letters", "`--name`");
    }
    assert_eq!(fs::read_dir(desk.path("")).unwrap().count(), 1 + usize::from(desk.path("data").exists()));
}

#[test]
fn a_family_that_is_unknown() {
    let ran = Desk::described().run(["train", "--family", "random-forrest"]);
    assert_eq!(ran.code, Some(2));
    ran.warns("unknown family `random-forrest`; the families are logistic-regression");
}

#[test]
fn a_dataset_that_is_already_described() {
    let desk = Desk::described();
    desk.run(["init", "churn.csv", "--target", "churn"]).fails("data/churn.toml is already there", "`--force`");
    desk.run(["init", "churn.csv", "--target", "churn", "--force"]).works();
}

#[test]
fn several_datasets_or_none_in_one_home() {
    let desk = Desk::new();
    desk.run(["run"]).fails("data holds no dataset", "trainer init");
    desk.write("churn.csv", churn::csv(600));
    desk.run(["init", "churn.csv", "--target", "churn"]).works();
    desk.run(["init", "churn.csv", "--target", "plan", "--name", "plans"]).works();
    desk.run(["run"]).fails("data holds several datasets", "choose one with `--dataset`: churn, plans");
    desk.run(["run", "--dataset", "none"]).fails("there is no data/none.toml", "churn, plans");
    desk.run(["run", "--dataset", "plans"]).works();
}

#[test]
fn a_time_split_without_dates() {
    let desk = Desk::with_rows(&churn::csv(600).replace(",2024-", ",D2024-"));
    desk.run(["prepare", "--split", "time"]).fails("the rows have no dates to split by", "`[time]`");
}

#[test]
fn steps_in_the_wrong_order() {
    let desk = Desk::described();
    desk.run(["leaderboard"]).fails("data/registry holds no version", "`trainer train`");
    desk.run(["train"]).fails("there are no prepared rows", "`trainer prepare` makes it");
    desk.run(["deploy"]).fails("there are no prepared rows", "`trainer prepare` makes it");
    desk.run(["test"]).fails("no version is in production", "`trainer run`");
    desk.run(["retrain", "--once"]).fails("no version is in production", "`trainer run`");
    desk.run(["prepare"]).works();
    desk.run(["deploy"]).fails("no version was trained on the prepared rows", "`trainer train`");
    desk.run(["train"]).works();
    desk.run(["test"]).fails("no version is in production", "`trainer run`");
    let predict = ["predict", "--input", "churn.csv", "--output", "out.csv"];
    desk.run(predict).fails("no version is in production", "`trainer run`");
    desk.run(["deploy"]).works();
    desk.run(["test"]).works();
}

#[test]
fn a_test_on_rows_that_the_model_may_have_seen_says_so() {
    let desk = Desk::trained();
    desk.run(["prepare", "--split", "time"]).works();
    desk.run(["test"]).works().warns("may have learned from some of the test rows");
}

#[test]
fn a_file_that_changed_after_it_was_fetched_is_read_anew() {
    let desk = Desk::described();
    let before = desk.run(["prepare", "--json"]).works().json();
    desk.write("churn.csv", churn::csv_and(churn::ROW));
    let after = desk.run(["prepare", "--json"]).works().json();
    assert_ne!(before["source"], after["source"]);
}

#[test]
fn a_model_file_that_is_none() {
    let desk = Desk::trained();
    let predict = ["predict", "--model", "m.onnx", "--input", "churn.csv", "--output", "out.csv"];
    let model = fs::read(desk.home().production().join(Bundle::MODEL)).unwrap();
    desk.run(predict).fails("cannot read m.onnx", "check the path");
    desk.write("m.onnx", &model[..model.len() / 2]);
    desk.run(predict).fails("cannot load m.onnx: the model file ends too early", "again");
    desk.write("m.onnx", "");
    desk.run(predict).fails("cannot load m.onnx", "");
    desk.write("m.onnx", "<html>no model</html>");
    desk.run(predict).fails("cannot load m.onnx: the model file is not ONNX", "model.onnx");
    assert!(!desk.path("out.csv").exists());
}

#[test]
fn a_model_of_another_contract() {
    let desk = Desk::trained();
    desk.write("things.csv", churn::three_classes());
    let model = "data/production/model.onnx";
    desk.run(["predict", "--model", model, "--input", "things.csv", "--output", "o.csv"]).fails("column `age` is missing", "");
    desk.run(["init", "things.csv", "--target", "kind"]).works();
    desk.run(["prepare", "--dataset", "things"]).works();
    desk.run(["test"]).fails("contract does not fit the prepared rows", "train and deploy");
}

#[test]
fn a_format_that_is_unknown() {
    let desk = Desk::trained();
    for output in ["out.xlsx", "out"] {
        let predict = ["predict", "--input", "churn.csv", "--output", output];
        desk.run(predict).fails(&format!("cannot tell the format of {output}"), ".csv or .parquet");
    }
    desk.write("bad.parquet", "PAR1 and no more");
    desk.run(["predict", "--input", "bad.parquet", "--output", "out.csv"]).fails("cannot read bad.parquet", "damaged");
}

#[test]
fn a_registry_that_is_damaged() {
    let desk = Desk::trained();
    for version in [1, 2] {
        desk.write(&format!("data/registry/versions/000{version}/model.onnx"), "other");
    }
    let predict = ["predict", "--input", "churn.csv", "--output", "out.csv"];
    desk.run(predict).fails("its checksum is not the one in the manifest", "restore the file");
    desk.write("data/registry/registry.json", "{");
    desk.run(["leaderboard"]).fails("data/registry/registry.json is damaged", "restore the file");
    desk.run(["train"]).fails("data/registry/registry.json is damaged", "restore the file");
}
