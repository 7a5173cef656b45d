//! What a person reads.

use crate::home::Fixture;

#[track_caller]
fn stdout_of(fixture: &Fixture, args: &[&str]) -> String {
    let output = fixture.monitor(args).output().unwrap();
    String::from_utf8_lossy(&output.stdout).replace(&fixture.home.root().display().to_string(), "<home>")
}

#[test]
fn the_help_names_commands_and_exit_codes() {
    insta::assert_snapshot!(stdout_of(&Fixture::empty(), &["--help"]));
    insta::assert_snapshot!(stdout_of(&Fixture::empty(), &["report", "--help"]));
    insta::assert_snapshot!(stdout_of(&Fixture::empty(), &["replay", "--help"]));
    insta::assert_snapshot!(stdout_of(&Fixture::empty(), &["serve", "--help"]));
    insta::assert_snapshot!(stdout_of(&Fixture::empty(), &["compare", "--help"]));
    insta::assert_snapshot!(stdout_of(&Fixture::empty(), &["watch", "--help"]));
}

#[test]
fn the_report_is_a_table_and_a_sentence() {
    let fixture = Fixture::with_production();
    let mut records = fixture.steady_month("2009-03", 396);
    records.extend(fixture.month("2009-04", 300, 0.9));
    let known: Vec<_> =
        records.iter().step_by(3).map(|record| crate::home::label(&record.id, &record.label, "2009-05-02")).collect();
    fixture.collect(&records, &known);
    fixture.monitor(&["ingest"]).assert().success();
    insta::assert_snapshot!(stdout_of(&fixture, &["report"]));
}
