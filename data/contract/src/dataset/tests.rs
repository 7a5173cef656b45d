//! What a dataset's TOML file may say, and what is refused.

use super::*;

const SMALL: &str = r#"
    format = 1
    name = "churn"
    missing = [""]
    columns = [{ name = "age", kind = "numeric" }, { name = "plan", kind = "categorical", also = ["tariff"] }]
    [source]
    path = "churn.csv"
    [target]
    column = "churn"
    classes = ["no", "yes"]
    positive = "yes"
"#;

#[track_caller]
fn check(edit: (&str, &str), message: &str) {
    assert!(SMALL.contains(edit.0));
    let error = Dataset::parse(&SMALL.replace(edit.0, edit.1)).unwrap_err().to_string();
    assert!(error.contains(message), "{error}");
}

#[test]
fn a_dataset_survives_writing_and_reading() {
    let dataset = Dataset::parse(SMALL).unwrap();
    assert_eq!(Dataset::parse(&dataset.to_toml()).unwrap(), dataset);
    assert_eq!(dataset.positive(), Some(1));
    let reversed = SMALL.replace(r#"["no", "yes"]"#, r#"["yes", "no"]"#);
    assert_eq!(Dataset::parse(&reversed).unwrap(), dataset);
}

#[test]
fn what_cannot_be_used_is_named() {
    check((r#"name = "churn""#, r#"name = "a/b""#), "`name` must consist");
    check(("format = 1", "format = 2"), "`format` must be 1");
    check(("format = 1", "fromat = 1"), "fromat");
    check((r#"name = "plan""#, r#"name = "age""#), "`columns.age` is named twice");
    check((r#"["no", "yes"]"#, r#"["yes"]"#), "two or more different classes");
    check((r#"["no", "yes"]"#, r#"["no", "yes", "No"]"#), "classes that differ in case only");
    check((r#"name = "plan""#, r#"name = "Age""#), "`columns.Age` differs from another column or the target in case only");
    check((r#"positive = "yes""#, r#"positive = "maybe""#), "`target.positive` is not one of");
    check(("[source]", "[split]\nkind = \"time\"\n[source]"), "does not say what dates the rows");
    check((r#"missing = [""]"#, "missing = [\"\"]\nweights = \"age\""), "`weights` names the target or a column");
    check((r#"also = ["tariff"]"#, "max_levels = 0"), "`columns.plan.max_levels` must lie between 1 and 10000");
    check((r#"kind = "numeric""#, "kind = \"numeric\", max_levels = 9"), "`columns.age.max_levels` is for categorical");
    check((r#"also = ["tariff"]"#, "monotone = \"rising\""), "`columns.plan.monotone` is for numeric columns");
    check((r#"kind = "numeric""#, "kind = \"numeric\", form = \"day-first\""), "`columns.age.form` is for columns of dates only");
    check(
        (r#"kind = "numeric""#, "kind = \"numeric\", monotone = \"up\""),
        "unknown variant `up`, expected `rising` or `falling`",
    );
    check(("[source]", "[split]\ngroup = \"churn\"\n[source]"), "`split.group` is the target");
    let by_time = "[time]\nkind = \"column\"\ncolumn = \"day\"\n[split]\nkind = \"time\"\ngroup = \"client\"\n[source]";
    check(("[source]", by_time), "`split.group` cannot be kept together");
    check(("[source]", "[source]\ndecimal = \"x\""), "`source.decimal` must be `.` or `,`");
    check(("[source]", "[source]\nseparator = \"→\""), "`source.separator` must be an ASCII character");
}

#[test]
fn a_direction_with_three_classes_is_refused_with_what_to_do() {
    let three = SMALL.replace(r#"["no", "yes"]"#, r#"["no", "perhaps", "yes"]"#).replace(r#"positive = "yes""#, "");
    assert!(Dataset::parse(&three).is_ok());
    let directed = three.replace(r#"kind = "numeric""#, r#"kind = "numeric", monotone = "falling""#);
    let error = Dataset::parse(&directed).unwrap_err().to_string();
    assert!(error.contains("`columns.age.monotone` is for two classes") && error.contains("remove it, or divide"), "{error}");
}
