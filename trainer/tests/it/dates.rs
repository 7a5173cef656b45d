//! Columns of dates: from the file to predictions on days that training never saw.

use std::fmt::Write;

use data_contract::{ColumnKind, Contract, Evaluation, Moment, SetAside};

use crate::churn::Random;
use crate::desk::{Desk, Ran};

/// A Saturday.
const FIRST_DAY: f64 = 18_993.0;

/// Rows whose class is whether their day is of a weekend, one in a hundred the other way; `date` writes a day, with its row's number.
fn weekends(n_rows: usize, date: impl Fn(f64, usize) -> String) -> String {
    let mut random = Random(3);
    let mut csv = String::from("day,size,in\n");
    for row in 0..n_rows {
        let (day, flipped) = (random.below(900), random.below(100) == 0);
        let is_in = (day % 7 < 2) != flipped;
        writeln!(csv, "{},{},{}", date(FIRST_DAY + day as f64, row), random.below(50), if is_in { "yes" } else { "no" }).unwrap();
    }
    csv
}

fn iso(day: f64, _: usize) -> String {
    Moment::from_days(day).to_string()
}

#[track_caller]
fn learn(desk: &Desk, csv: &str) -> Ran {
    desk.write("t.csv", csv);
    desk.run(["init", "t.csv", "--target", "in"]).works();
    desk.run(["run", "--json", "--family", "gradient-boosting"]).works()
}

fn area(ran: &Ran) -> f64 {
    ran.json()["test"]["roc_auc"].as_f64().unwrap()
}

fn contract(desk: &Desk) -> Contract {
    Contract::from_json_schema(&desk.read("data/production/contract.json")).unwrap()
}

fn labels(desk: &Desk, name: &str) -> Vec<String> {
    desk.read(name).lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned()).collect()
}

#[test]
fn the_day_of_the_week_is_learned_and_known_of_days_to_come() {
    let desk = Desk::new();
    let ran = learn(
        &desk,
        &weekends(1500, |day, row| match row {
            100 => "31.12.2022".into(),
            200 => "2022-02-30".into(),
            300 => "soon".into(),
            row if row % 30 == 7 => String::new(),
            _ => iso(day, row),
        }),
    );
    assert!(area(&ran) > 0.93, "{ran}");
    assert_eq!(ran.json()["prepared"]["n_set_aside"], 3, "{ran}");
    let toml = desk.read("data/t.toml");
    assert!(toml.contains("{ name = \"day\", kind = \"date\" }") && toml.contains("kind = \"none\""), "{toml}");
    let listed = desk.read("data/prepared/set-aside.ndjson");
    assert!(listed.contains("`31.12.2022` is not a date like 2024-05-31 or 2024-05-31T13:45:00"), "{listed}");
    let ColumnKind::Date { time, .. } = contract(&desk).columns[0].kind else { panic!("a date") };
    assert!(!time);

    desk.write("new.csv", "day,size\n2025-01-04,9\n2025-01-06,9\n,9\n05/01/2030,9\n2025-01-05T10:00:00Z,9\n2099-01-03,9\n");
    let outcome = desk.run(["predict", "--input", "new.csv", "--output", "out.csv", "--only-predictions", "--json"]).works();
    assert_eq!((&outcome.json()["n_set_aside"], &outcome.json()["n_flagged"]), (&1.into(), &1.into()), "{outcome}");
    assert_eq!(labels(&desk, "out.csv"), ["yes", "no", "no", "", "yes", "yes"]);
    let refused: SetAside = serde_json::from_str(desk.read("out.csv.set-aside.ndjson").trim()).unwrap();
    assert_eq!((refused.line, refused.column.as_deref()), (5, Some("day")));
    assert!(refused.reason.contains("expects a date like 2024-05-31 or 2024-05-31T13:45:00, found `05/01/2030`"));
}

#[test]
fn what_is_told_of_a_column_of_dates_reads_as_dates() {
    let desk = Desk::new();
    learn(&desk, &weekends(1500, iso));
    let evaluation: Evaluation = serde_json::from_str(&desk.read("data/production/evaluation.json")).unwrap();
    assert_eq!(evaluation.importance[0].column, "day");
    let points = &evaluation.dependence[0].points;
    assert!(points.len() > 5 && points.iter().all(|point| point.value.as_str().unwrap().parse::<Moment>().is_ok()), "{points:?}");
    let weekdays = &evaluation.dependence[1];
    assert_eq!((weekdays.part.as_deref(), weekdays.points.len()), (Some("weekday"), 7));
    let [friday, saturday] = [4, 5].map(|day: usize| weekdays.points[day].probabilities[1]);
    assert!(weekdays.points[5].value == "Saturday" && friday < 0.1 && saturday > 0.9, "{weekdays:?}");
    let slices: Vec<&str> = evaluation.slices.iter().map(|slice| slice.value.as_str()).collect();
    assert!(slices.contains(&"Saturdays") && slices.iter().any(|slice| slice.starts_with("up to 202")), "{slices:?}");
    let day =
        &serde_json::from_str::<serde_json::Value>(&desk.read("data/production/contract.json")).unwrap()["properties"]["day"];
    assert_eq!((&day["format"], &day["type"][0]), (&"date".into(), &"string".into()));
}

#[test]
fn a_date_in_every_row_dates_the_rows_and_is_learned_from() {
    let desk = Desk::new();
    desk.write("t.csv", weekends(1500, iso));
    desk.run(["init", "t.csv", "--target", "in"])
        .works()
        .says("`day` dates the rows")
        .says("1 numeric, 1 date and 0 categorical");
    desk.edit("data/t.toml", "kind = \"random\"", "kind = \"time\"");
    let ran = desk.run(["run", "--json", "--family", "gradient-boosting"]).works();
    assert!(area(&ran) > 0.93, "{ran}");
    let checks = desk.read("data/prepared/checks.json");
    assert!(!checks.contains("\"shift\": 0.9") && !checks.contains("\"check\": \"shift\""), "dates always move on: {checks}");
}

#[test]
fn the_hour_is_learned_where_there_are_times() {
    let desk = Desk::new();
    let mut random = Random(5);
    let mut csv = String::from("at,size,in\n");
    for _ in 0..1500 {
        let minutes = random.below(900 * 1440);
        let night = if minutes / 60 % 24 < 6 { "yes" } else { "no" };
        let at = Moment::from_days(FIRST_DAY + minutes as f64 / 1440.0).to_string().replace('T', " ");
        writeln!(csv, "{at},{},{night}", random.below(50)).unwrap();
    }
    let ran = learn(&desk, &csv);
    assert!(area(&ran) > 0.98, "{ran}");
    let at = contract(&desk).columns[0].clone();
    assert_eq!(at.format(), Some("date-time"));
    desk.write("new.csv", "at,size\n2031-03-01T05:59:59,1\n2031-03-01T06:00:00,1\n2031-03-01T08:00:00+05:00,1\n2031-03-01,1\n");
    desk.run(["predict", "--input", "new.csv", "--output", "out.csv", "--only-predictions"]).works();
    assert_eq!(labels(&desk, "out.csv"), ["yes", "no", "yes", "yes"]);
}

#[test]
fn dates_of_a_parquet_file_are_dates() {
    use polars::prelude::*;
    let desk = Desk::new();
    desk.write("t.csv", weekends(600, iso));
    let texts: Vec<String> = desk.read("t.csv").lines().skip(1).map(str::to_owned).collect();
    let field = |line: &str, at: usize| line.split(',').nth(at).unwrap().to_owned();
    let days: Vec<i32> = texts.iter().map(|line| field(line, 0).parse::<Moment>().unwrap().days() as i32).collect();
    let moments: Vec<i64> = days.iter().map(|day| i64::from(*day) * 86_400_000_000).collect();
    let classes: Vec<String> = texts.iter().map(|line| field(line, 2)).collect();
    let day = Column::new("day".into(), days).cast(&DataType::Date).unwrap();
    let at = Column::new("at".into(), moments).cast(&DataType::Datetime(TimeUnit::Microseconds, None)).unwrap();
    let mut frame = DataFrame::new(600, vec![day, at, Column::new("in".into(), classes)]).unwrap();
    ParquetWriter::new(std::fs::File::create(desk.path("t.parquet")).unwrap()).finish(&mut frame).unwrap();
    desk.run(["init", "t.parquet", "--target", "in"]).works();
    let ran = desk.run(["run", "--json", "--family", "gradient-boosting"]).works();
    assert!(area(&ran) > 0.9 && ran.json()["prepared"]["n_set_aside"] == 0, "{ran}");
    // Midnight is no time of day.
    assert_eq!(contract(&desk).columns.iter().map(|column| column.format()).collect::<Vec<_>>(), [Some("date"), Some("date")]);
}

#[test]
fn a_file_may_write_the_day_first_or_the_month_first() {
    let with = |separator: &'static str, day_first: bool, most: usize| {
        weekends(900, move |day, row| {
            let day = if most < 31 && row > 0 { FIRST_DAY + (day - FIRST_DAY) % 12.0 } else { day };
            let iso = iso(day, row);
            let (year, month, day) = (&iso[..4], &iso[5..7], &iso[8..10]);
            let (first, second) = if day_first { (day, month) } else { (month, day) };
            [first, second, year].join(separator)
        })
    };
    for (separator, day_first, form, saturday, refused) in [
        ("/", true, "day-first", "05/01/2030", "2030/01/05"),
        ("/", false, "month-first", "1/5/2030", "13/5/2030"),
        (".", true, "day-first", "5.1.2030", "1.13.2030"),
    ] {
        let desk = Desk::new();
        let ran = learn(&desk, &with(separator, day_first, 31));
        assert!(area(&ran) > 0.93, "{ran}");
        assert!(desk.read("data/t.toml").contains(&format!("kind = \"date\", form = \"{form}\"")));
        assert_eq!(contract(&desk).columns[0].format(), Some("date"));
        assert!(ran.json()["prepared"]["first_date"].as_str().unwrap().starts_with("2022-01-0"), "it dates the rows: {ran}");
        desk.write("new.csv", format!("day,size\n{saturday},9\n2030-01-07,9\n{refused},9\n"));
        let outcome = desk.run(["predict", "--input", "new.csv", "--output", "out.csv", "--only-predictions", "--json"]).works();
        assert_eq!(outcome.json()["n_set_aside"], 1, "{outcome}");
        assert_eq!(labels(&desk, "out.csv"), ["yes", "no", ""]);
    }
    let desk = Desk::new();
    desk.write("t.csv", with("/", true, 12));
    desk.run(["init", "t.csv", "--target", "in"]).works().says("day and month cannot be told apart");
}
