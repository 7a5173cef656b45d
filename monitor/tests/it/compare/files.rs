//! What files may be: kinds of columns, separators, sizes; and what is said to those that are no tables.

use super::*;

/// Columns with their kinds, and what was left out, of two small CSV files.
#[track_caller]
fn check_kinds(reference: &str, current: &str, expected: &[&str]) {
    let files = Files::new();
    let json = files.outcome(&files.write("a.csv", reference), &files.write("b.csv", current), &[]);
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let columns = json["columns"].as_array().unwrap().iter();
    let columns =
        columns.map(|column| format!("{} {} {}", text(&column["column"]), text(&column["kind"]), text(&column["statistic"])));
    let left_out = json["left_out"].as_array().unwrap().iter();
    let left_out = left_out.map(|column| format!("{}: {}", text(&column["column"]), text(&column["reason"])));
    assert_eq!(columns.chain(left_out).collect::<Vec<String>>(), expected);
}

#[test]
fn kinds_are_those_that_pandas_and_evidently_make_of_a_file() {
    let csv = |n: usize| {
        let row = |i: usize| {
            format!("{},{},{},{},{},{}", i % 3, i % 11, i.is_multiple_of(3), i as f64 / 2.0, i % 2, if i == 5 { "" } else { "1" })
        };
        format!("code,count,flag,real,two,gap\n{}", rows(n, row))
    };
    let expected = [
        "code categorical chi-square",
        "count numeric kolmogorov-smirnov",
        "flag categorical z-test",
        "real numeric kolmogorov-smirnov",
        "two categorical z-test",
        "gap numeric z-test",
    ];
    check_kinds(&csv(1000), &csv(40), &expected);
    let expected = [
        "code categorical jensen-shannon",
        "count numeric wasserstein",
        "flag categorical jensen-shannon",
        "real numeric wasserstein",
        "two categorical jensen-shannon",
        "gap numeric jensen-shannon",
    ];
    check_kinds(&csv(1002), &csv(40), &expected);
}

#[test]
fn what_cannot_be_compared_is_left_out_by_name() {
    let reference = format!("x,gone,empty,mixed,job\n{}", rows(30, |i| format!("{i},1,{i},a,j{}", i % 2)));
    let current = format!("x,new,empty,mixed,job\n{}", rows(30, |i| format!("{i},1,,{i}.5,j{}", i % 3)));
    let expected = [
        "x numeric kolmogorov-smirnov",
        "job categorical chi-square",
        "new: only the current file has it",
        "gone: only the reference has it",
        "empty: the current side holds no values",
        "mixed: one file holds numbers and the other does not; `--categorical` compares it",
    ];
    check_kinds(&reference, &current, &expected);
}

#[test]
fn truth_is_one_and_text_is_no_number() {
    let files = Files::new();
    let csv = |name: &str, row: fn(usize) -> String| files.write(name, format!("a,b\n{}", rows(200, row)));
    let numbers = csv("numbers.csv", |i| format!("{},{}", i % 2, i % 4));
    let truths = csv("truths.csv", |i| format!("{},{}", if i % 2 == 1 { "True" } else { "False" }, i % 4));
    let json = files.outcome(&numbers, &truths, &[]);
    assert_eq!((&json["columns"][0]["kind"], &json["columns"][0]["value"]), (&"categorical".into(), &1.0.into()));
    let texts = csv("texts.csv", |i| format!("{},{}x", i % 2, i % 4));
    let json = files.outcome(&numbers, &texts, &[]);
    assert_eq!((&json["columns"][1]["column"], &json["columns"][1]["value"]), (&"b".into(), &0.0.into()));
}

#[test]
fn categories_are_compared_with_a_reference_of_many_texts() {
    let reference = format!("job,x\n{}", rows(40, |i| format!("j{i},{i}")));
    let current = format!("job,x\n{}", rows(40, |i| format!("j{},{i}", i % 3)));
    check_kinds(&reference, &current, &["job categorical chi-square", "x numeric kolmogorov-smirnov"]);
}

#[test]
fn one_row_is_compared() {
    let files = Files::new();
    let json = files.outcome(&files.write("a.csv", "a,c\n1.5,3\n"), &files.write("b.csv", "a,c\n2.5,3\n"), &[]);
    assert_eq!((&json["columns"][0]["statistic"], &json["columns"][1]["value"]), (&"z-test".into(), &1.0.into()));
    assert!((json["columns"][0]["value"].as_f64().unwrap() - 0.157_299_207_050_285_22).abs() < 1e-12);
}

#[test]
fn a_thousand_columns_are_compared() {
    let files = Files::new();
    let columns: Vec<String> = (0..1000).map(|i| format!("(i * {i}) % {} AS c{i}", 2 + i % 40)).collect();
    let sql = format!("SELECT {} FROM range(2000) AS t(i)", columns.join(", "));
    let path = files.parquet("wide.parquet", &sql);
    let json = files.outcome(&path, &path, &[]);
    assert_eq!((&json["n_columns"], &json["n_drifted"]), (&1000.into(), &0.into()));
}

#[test]
fn a_gzipped_file_and_other_separators_are_read() {
    let files = Files::new();
    let text = format!("age;job\n{}", rows(50, |i| format!("{}.5;j{}", i, i % 3)));
    let plain = files.write("a.csv", &text);
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packer, text.as_bytes()).unwrap();
    let packed = files.write("b.csv.gz", packer.finish().unwrap());
    assert_eq!(files.outcome(&plain, &packed, &[])["n_columns"], 2);
}

#[test]
fn files_that_are_no_tables_are_refused_with_a_hint() {
    let files = Files::new();
    let good = files.parquet("good.parquet", "SELECT i AS x FROM range(10000) AS t(i)");
    let bytes = std::fs::read(&good).unwrap();
    let mut holed = bytes.clone();
    holed[100..2000].fill(0xa5);
    let bad = [
        files.path("absent.csv"),
        files.0.path().to_owned(),
        files.write("empty.csv", ""),
        files.write("header.csv", "age,job\n"),
        files.write("headless.csv", "41,services\n52,services\n"),
        files.write("other.csv", "y,z\n1,2\n2,5\n"),
        files.write("table.json", r#"[{"x": 1}]"#),
        files.write("table.xlsx", b"PK\x03\x04\0\0\0\0"),
        files.write("short.parquet", &bytes[..bytes.len() / 2]),
        files.write("holed.parquet", holed),
        files.write("text.parquet", "x\n1\n"),
        files.write("latin.csv", b"x,name\n1,J\xfcrgen\n2,Ute\n"),
    ];
    let folder = files.0.path().display().to_string();
    let all: Vec<String> = bad.iter().map(|path| files.complaint(&good, path, &[]).replace(&folder, "<folder>")).collect();
    for complaint in &all {
        assert!(complaint.contains("error: ") && complaint.contains("hint: "), "{complaint}");
    }
    insta::assert_snapshot!(all.join("\n"));
}
