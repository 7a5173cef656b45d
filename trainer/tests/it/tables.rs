//! Tables of every shape: whatever holds a header, rows and two classes or more is described and learned from.

use std::fmt::Write;
use std::fs::File;

use polars::prelude::{BooleanChunked, Column, DataFrame, IntoColumn, NewChunkedArray, ParquetWriter};

use crate::churn::Random;
use crate::desk::{Desk, Ran};

/// Describes a file by its target and runs every step with one quick family.
#[track_caller]
fn learn(desk: &Desk, file: &str, target: &str) -> Ran {
    desk.run(["init", file, "--target", target]).works();
    desk.run(["run", "--family", "logistic-regression", "--json"]).works()
}

/// The area under the ROC curve on the test rows.
fn area(ran: &Ran) -> f64 {
    ran.json()["test"]["roc_auc"].as_f64().unwrap()
}

/// Rows of a number, a level and a class that depends on the number; `write` formats a row.
fn rows(n_rows: usize, write: impl Fn(usize, &str, bool) -> String) -> String {
    let mut random = Random(3);
    let mut row = |_| {
        let (size, colour) = (random.below(100), ["red", "green, light", "blue"][random.below(3)]);
        write(size, colour, size + random.below(40) > 85)
    };
    (0..n_rows).map(&mut row).collect()
}

#[track_caller]
fn check_dialect(header: &str, separator: &str, quote: &str, toml: &[&str]) {
    let desk = Desk::new();
    let line = |size: usize, colour: &str, is_in: bool| {
        format!("{quote}{colour}{quote}{separator}{size}{separator}{}\r\n", if is_in { "yes" } else { "no" })
    };
    let header = header.replace('|', separator);
    desk.write("t.csv", format!("\u{feff}{header}\r\n{}", rows(400, line)));
    let ran = learn(&desk, "t.csv", "in");
    assert_eq!(ran.json()["prepared"]["n_set_aside"], 0, "{ran}");
    assert!(area(&ran) > 0.8, "{ran}");
    let text = desk.read("data/t.toml");
    toml.iter().for_each(|line| assert!(text.contains(line), "no {line} in {text}"));
    assert!(text.contains("colour\", kind = \"categorical\""), "{text}");
}

#[test]
fn the_separator_and_the_quote_are_found_and_written_down() {
    check_dialect("colour|size|in", ",", "\"", &["separator = \",\""]);
    check_dialect("colour|size|in", ";", "", &["separator = \";\""]);
    check_dialect("colour|size|in", "\t", "\"", &["separator = \"\\t\""]);
    check_dialect("colour|size|in", "|", "'", &["separator = \"|\"", "quote = \"'\""]);
}

#[test]
fn a_separator_in_the_dataset_is_not_second_guessed() {
    let desk = Desk::new();
    desk.write("t.csv", format!("a;b;in\n{}", rows(100, |size, _, is_in| format!("{size};x;{is_in}\n"))));
    desk.run(["init", "t.csv", "--target", "in"]).works();
    desk.edit("data/t.toml", "separator = \";\"", "separator = \",\"");
    desk.run(["prepare"]).fails("column `in` is missing from t.csv", "the file has a;b;in");
}

#[test]
fn decimal_commas_are_read_in_training_and_at_scoring() {
    let desk = Desk::new();
    let comma = |size: usize| format!("{},{:02}", size / 10, size * 7 % 100);
    desk.write(
        "t.csv",
        format!("size;colour;in\n{}", rows(300, |size, colour, is_in| format!("{};{colour};{is_in}\n", comma(size)))),
    );
    let ran = learn(&desk, "t.csv", "in");
    assert!(area(&ran) > 0.8, "{ran}");
    let text = desk.read("data/t.toml");
    assert!(text.contains("decimal = \",\"") && text.contains(r#"{ name = "size", kind = "numeric" }"#), "{text}");
    desk.write("comma.csv", "size;colour\n9,250;red\n0,500;blue\n");
    desk.write("point.csv", "size,colour\n9.25,red\n0.5,blue\n");
    for file in ["comma", "point"] {
        let (input, output) = (format!("{file}.csv"), format!("{file}-out.csv"));
        desk.run(["predict", "--input", &input, "--output", &output, "--only-predictions"]).works();
    }
    assert_eq!(desk.read("comma-out.csv"), desk.read("point-out.csv"));
}

#[test]
fn booleans_are_levels_and_classes_in_csv_and_parquet() {
    let desk = Desk::new();
    let csv = rows(400, |size, colour, is_in| format!("{},{size},{is_in}\n", if colour == "red" { "True" } else { "False" }));
    desk.write("flags.csv", format!("red,size,in\n{csv}"));
    assert!(area(&learn(&desk, "flags.csv", "in")) > 0.8);
    let parsed: Vec<(bool, f64, bool)> = csv
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            (fields[0] == "True", fields[1].parse().unwrap(), fields[2] == "true")
        })
        .collect();
    let flag = |name: &str, flags: Vec<bool>| BooleanChunked::from_slice(name.into(), &flags).into_column();
    let columns = vec![
        flag("red", parsed.iter().map(|row| row.0).collect()),
        Column::new("size".into(), parsed.iter().map(|row| row.1).collect::<Vec<_>>()),
        flag("in", parsed.iter().map(|row| row.2).collect()),
    ];
    let desk = Desk::new();
    let mut frame = DataFrame::new_infer_height(columns).unwrap();
    ParquetWriter::new(File::create(desk.path("flags.parquet")).unwrap()).finish(&mut frame).unwrap();
    assert!(area(&learn(&desk, "flags.parquet", "in")) > 0.8);
    assert!(desk.read("data/flags.toml").contains(r#"classes = ["false", "true"]"#));
    desk.write("new.csv", "red,size\ntrue,3\nfalse,99\n");
    desk.run(["predict", "--input", "new.csv", "--output", "out.csv", "--only-predictions"]).works().says("2 rows");
    assert!(desk.read("out.csv").lines().nth(2).unwrap().starts_with("true,"), "{}", desk.read("out.csv"));
}

#[test]
fn narrow_numbers_and_decimals_of_a_parquet_file_are_numbers() {
    let desk = Desk::new();
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/narrow.parquet"), desk.path("narrow.parquet")).unwrap();
    let ran = learn(&desk, "narrow.parquet", "y");
    ran.warns("column `half` of narrow.parquet holds values of type FixedSizeBinary(2), which are not read");
    let text = desk.read("data/narrow.toml");
    for name in ["i8", "u8", "i16", "u16", "price", "cost"] {
        assert!(text.contains(&format!("{{ name = \"{name}\", kind = \"numeric\" }}")), "no {name} in {text}");
    }
    assert!(text.contains(r#"{ name = "colour", kind = "categorical" }"#), "{text}");
    let contract = data_contract::Contract::from_json_schema(&desk.read("data/production/contract.json")).unwrap();
    let range = |name: &str| match contract.columns[contract.position(name).unwrap()].kind {
        data_contract::ColumnKind::Numeric { minimum, maximum, .. } => (minimum, maximum),
        _ => panic!("{name} is numeric"),
    };
    assert_eq!([range("i8"), range("u16")], [(-50.0, 49.0), (0.0, 65_000.0)]);
    assert_eq!([range("price"), range("cost")], [(-4.75, 5.0), (-4.75, 5.0)]);
}

#[test]
fn classes_may_be_numbers_and_as_many_as_fifty() {
    let desk = Desk::new();
    let mut random = Random(9);
    let mut csv = String::from("x,y,kind\n");
    for row in 0..1500 {
        writeln!(csv, "{},{},{}", row % 50 * 3 + random.below(4), random.below(9), row % 50).unwrap();
    }
    desk.write("kinds.csv", &csv);
    desk.run(["init", "kinds.csv", "--target", "kind"]).works();
    let ran = desk.run(["run", "--family", "random-forest", "--json"]).works();
    let test = &ran.json()["test"];
    assert!(test["accuracy"].as_f64() > Some(0.5), "{ran}");
    let more: String = (0..60).map(|row| format!("1,2,{row}\n")).collect();
    desk.write("kinds.csv", csv + &more);
    desk.run(["init", "kinds.csv", "--target", "kind", "--force"])
        .fails("column `kind` holds 60 different values: too many for classes", "the most is 50");
}

#[test]
fn three_hundred_columns_are_learned_from() {
    let desk = Desk::new();
    let mut random = Random(21);
    let header: Vec<String> = (0..300).map(|column| format!("c{column}")).collect();
    let mut csv = header.join(",") + ",in\n";
    for _ in 0..400 {
        let values: Vec<usize> = (0..300).map(|column| random.below(if column % 2 == 0 { 1000 } else { 5 })).collect();
        let fields: Vec<String> = values
            .iter()
            .enumerate()
            .map(|(at, value)| if at % 3 == 1 { format!("v{value}") } else { value.to_string() })
            .collect();
        writeln!(csv, "{},{}", fields.join(","), if values[0] > 600 { "yes" } else { "no" }).unwrap();
    }
    desk.write("wide.csv", csv);
    desk.run(["init", "wide.csv", "--target", "in"]).works();
    let ran = desk.run(["run", "--family", "gradient-boosting", "--json"]).works();
    assert!(area(&ran) > 0.9, "{ran}");
    let leak = &ran.json()["prepared"]["warnings"][0];
    assert_eq!((&leak["check"], &leak["column"]), (&"leak".into(), &"c0".into()), "{ran}");
}

#[test]
fn values_may_be_missing_anywhere() {
    let desk = Desk::new();
    let blank = |row: usize, text: String| if row % 5 == 0 { String::new() } else { text };
    let line = |size: usize, colour: &str, is_in: bool| {
        let target = if size % 17 == 0 {
            "NA"
        } else if is_in {
            "yes"
        } else {
            "no"
        };
        format!("{},{},{target}\n", blank(size, size.to_string()), blank(size + 1, colour.replace(", light", "")))
    };
    let csv = rows(500, line);
    let n_without = csv.lines().filter(|line| line.ends_with("NA")).count();
    desk.write("gaps.csv", format!("size,colour,in\n{csv}"));
    let ran = learn(&desk, "gaps.csv", "in");
    assert_eq!(ran.json()["prepared"]["n_set_aside"], n_without, "{ran}");
    ran.warns("the target is missing");
}

#[test]
fn a_column_with_one_value_or_none_in_each_row_is_used() {
    let desk = Desk::new();
    desk.write(
        "t.csv",
        format!(
            "mark,size,in\n{}",
            rows(200, |size, _, is_in| { format!("{},{size},{is_in}\n", if is_in { "seen" } else { "" }) })
        ),
    );
    let ran = learn(&desk, "t.csv", "in");
    assert!(area(&ran) > 0.99, "{ran}");
    ran.warns("column `mark` predicts `in` alone");
}

#[test]
fn a_date_that_some_rows_lack_does_not_date_the_rows() {
    let desk = Desk::new();
    let line = |size: usize, _: &str, is_in: bool| {
        let end = if size % 3 == 0 { String::new() } else { format!("2024-01-{:02}", 1 + size % 28) };
        format!("{end},{size},{is_in}\n")
    };
    desk.write("t.csv", format!("ended,size,in\n{}", rows(200, line)));
    let ran = learn(&desk, "t.csv", "in");
    assert_eq!(ran.json()["prepared"]["n_set_aside"], 0, "{ran}");
    let text = desk.read("data/t.toml");
    assert!(text.contains("{ name = \"ended\", kind = \"date\" }") && text.contains("kind = \"none\""), "{text}");
}

#[test]
fn names_may_be_anything() {
    let desk = Desk::new();
    let header = r#""a ""quoted"" name",🐟 + ü,"two
lines",dotted.name,Size,size, spaced out ,"#;
    let line = |size: usize, colour: &str, is_in: bool| format!("\"{colour}\",{size},a,{size},{},{size},{is_in},\n", size / 2);
    desk.write("odd.csv", format!("{header}\n{}", rows(400, line)));
    let ran = learn(&desk, "odd.csv", "spaced out");
    assert!(area(&ran) > 0.8, "{ran}");
    let text = desk.read("data/odd.toml");
    for name in [r#"{ name = 'a "quoted" name', "#, "🐟 + ü", "dotted.name", "\"Size\"", "size = \"its name differs"] {
        assert!(text.contains(name), "no {name} in {text}");
    }
    desk.run(["predict", "--input", "odd.csv", "--output", "out.parquet"]).works();
    desk.run(["predict", "--input", "out.parquet", "--output", "again.csv", "--only-predictions"]).works();
}

/// A table whose class depends on which of many codes a row has; codes are drawn with a long tail.
fn codes(n_rows: usize, n_codes: usize) -> String {
    let mut random = Random(31);
    let mut csv = String::from("code,noise,in\n");
    for _ in 0..n_rows {
        let some = random.below(n_codes) + 1;
        let fewer = random.below(some) + 1;
        let code = random.below(fewer);
        writeln!(csv, "K{code},{},{}", random.below(50), if code % 3 == 0 { "yes" } else { "no" }).unwrap();
    }
    csv
}

#[test]
fn of_ten_thousand_levels_the_frequent_ones_are_learned_and_the_rare_ones_are_alike() {
    let desk = Desk::new();
    desk.write("codes.csv", codes(20_000, 10_000));
    let ran = learn(&desk, "codes.csv", "in");
    let contract = data_contract::Contract::from_json_schema(&desk.read("data/production/contract.json")).unwrap();
    let code = &contract.columns[0];
    let data_contract::ColumnKind::Categorical { levels } = &code.kind else { panic!("{code:?}") };
    assert_eq!(levels.len(), 255, "{ran}");
    assert!(code.n_rare_levels > 1_500, "{}", code.n_rare_levels);
    desk.write("new.csv", "code,noise\nK9999,4\nnever seen,4\n,4\nK0,4\n");
    let outcome = desk.run(["predict", "--input", "new.csv", "--output", "out.csv", "--only-predictions", "--json"]).works();
    assert_eq!((&outcome.json()["n_flagged"], &outcome.json()["n_set_aside"]), (&0.into(), &0.into()));
    let out = desk.read("out.csv");
    let lines: Vec<&str> = out.lines().skip(1).collect();
    assert!(lines[0] == lines[1] && lines[1] == lines[2] && lines[2] != lines[3], "{out}");
    let reference: data_contract::Reference = serde_json::from_str(&desk.read("data/production/reference.json")).unwrap();
    let data_contract::ValueCounts::Categorical { levels: counts, n_missing: 0 } = &reference.columns[0].counts else {
        panic!("texts are counted as texts")
    };
    assert_eq!((counts.len(), counts.values().sum::<u64>()), (256, reference.n_rows));
    assert!(counts[data_contract::RARE_LEVELS] > 0);
}

#[test]
fn a_dataset_may_ask_for_fewer_or_more_levels() {
    let desk = Desk::new();
    desk.write("codes.csv", codes(4_000, 600));
    desk.run(["init", "codes.csv", "--target", "in"]).works();
    let levels = |text: &str, version: u32| {
        desk.edit("data/codes.toml", r#"kind = "categorical""#, &format!(r#"kind = "categorical", max_levels = {text}"#));
        desk.run(["run", "--family", "gradient-boosting"]).works();
        desk.edit("data/codes.toml", &format!(", max_levels = {text}"), "");
        let contract = format!("data/registry/versions/000{version}/contract.json");
        let contract = data_contract::Contract::from_json_schema(&desk.read(&contract)).unwrap();
        match &contract.columns[0].kind {
            data_contract::ColumnKind::Categorical { levels } => (levels.len(), contract.columns[0].n_rare_levels),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(levels("10", 1).0, 10);
    let (n_levels, n_rare) = levels("9000", 2);
    assert!(n_levels > 260 && n_rare == 0, "{n_levels} {n_rare}");
}

#[test]
fn only_a_column_with_hardly_a_level_twice_is_left_out() {
    let desk = Desk::new();
    let mut random = Random(41);
    let mut csv = String::from("note,town,in\n");
    for row in 0..3_000 {
        let town = if random.below(3) == 0 { format!("T{row}") } else { format!("T{}", random.below(40)) };
        writeln!(csv, "n {row},{town},{}", if random.below(2) == 0 { "yes" } else { "no" }).unwrap();
    }
    desk.write("t.csv", csv);
    desk.run(["init", "t.csv", "--target", "in"]).works();
    let text = desk.read("data/t.toml");
    assert!(text.contains("note = \"nearly every row") && text.contains(r#"{ name = "town", kind = "categorical" }"#), "{text}");
}

#[test]
fn a_few_codes_of_digits_among_many_codes_are_no_misplaced_numbers() {
    let desk = Desk::new();
    let csv = codes(3_000, 300).replace("K150,", "77,");
    desk.write("codes.csv", csv);
    assert_eq!(learn(&desk, "codes.csv", "in").json()["prepared"]["n_set_aside"], 0);
}

#[test]
fn a_column_with_a_direction_keeps_it() {
    let desk = Desk::described();
    desk.edit(
        "data/churn.toml",
        r#"{ name = "age", kind = "numeric" }"#,
        r#"{ name = "age", kind = "numeric", monotone = "rising" }"#,
    );
    desk.run(["run", "--family", "gradient-boosting"]).works();
    let rows: String = (18..78).map(|age| format!("{age},500,Oslo,plus\n")).collect();
    desk.write("new.csv", format!("age,balance,city,plan\n{rows}"));
    desk.run(["predict", "--input", "new.csv", "--output", "out.csv", "--only-predictions"]).works();
    let out = desk.read("out.csv");
    let yes: Vec<f64> = out.lines().skip(1).map(|line| line.rsplit(',').next().unwrap().parse().unwrap()).collect();
    assert!(yes.windows(2).all(|pair| pair[1] >= pair[0] - 1e-6), "young clients churn more, and yet: {yes:?}");
}
