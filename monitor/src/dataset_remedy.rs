//! What to write instead, where a dataset's file says what cannot be used.

use data_contract::DatasetError;

/// The line, and what to write there. `text` is the file's.
pub(crate) fn remedy(text: &str, error: &DatasetError) -> String {
    match error {
        DatasetError::Syntax(message) => of_syntax(message),
        DatasetError::Value { key, problem } => match line_of(text, key) {
            Some(line) => format!("on line {line}, change `{key}`: it {problem}"),
            None => format!("add or change `{key}`: it {problem}"),
        },
    }
}

/// The last line of TOML's message is the problem, and an earlier one says where it is.
fn of_syntax(message: &str) -> String {
    let problem = message.lines().last().unwrap_or_default();
    let line = message.split_once("at line ").map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    let place = line.map_or_else(String::new, |line| format!("on line {line}, "));
    let names = quoted(problem);
    match names.split_first() {
        Some((wrong, known)) if problem.starts_with("unknown ") => match nearest(wrong, known) {
            Some(meant) => format!("{place}write `{meant}` instead of `{wrong}`"),
            None if known.is_empty() => format!("{place}leave out `{wrong}`"),
            None => format!("{place}leave out `{wrong}`, or write one of {}", known.join(", ")),
        },
        Some((missing, _)) if problem.starts_with("missing field") => format!("add `{missing} = …`"),
        _ => match problem.split_once(", expected ") {
            Some((found, expected)) if problem.starts_with("invalid type") => {
                format!("{place}write {} instead of {}", in_words(expected), found.trim_start_matches("invalid type: "))
            }
            _ => format!("{place}mend what TOML cannot read: {problem}"),
        },
    }
}

/// What Rust calls a type, as people call it.
fn in_words(expected: &str) -> &str {
    match expected {
        "u32" | "u64" | "usize" => "a whole number, such as 200",
        "f64" => "a number, such as 0.1",
        "a boolean" => "true or false",
        "a string" => "a text in quotes",
        "a sequence" => "a list, such as [\"a\", \"b\"]",
        other => other,
    }
}

/// The texts between backquotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The known name that was probably meant; none where nothing is like it.
fn nearest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    let likeness = |name: &str| strsim::normalized_damerau_levenshtein(wrong, name);
    known.iter().copied().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|name| likeness(name) > 0.5)
}

/// The line on which a key such as `rules.false_alarms` is set.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let mut section = String::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = format!("{}.", name.trim());
        }
        let set = line.split_once('=').map(|(name, _)| format!("{section}{}", name.trim()));
        if set.as_deref() == Some(key) {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_contract::Dataset;

    /// A dataset's file with these lines under `[rules]`, which stands on line 9.
    #[track_caller]
    fn check(rules: &str, expect: &str) {
        let text = format!(
            "format = 1\nname = \"churn\"\nmissing = []\ncolumns = [{{ name = \"age\", kind = \"numeric\" }}]\n[source]\n[target]\ncolumn = \"churn\"\nclasses = [\"a\", \"b\"]\npositive = \"b\"\n[rules]\n{rules}\n"
        );
        let error = Dataset::parse(&text).unwrap_err();
        assert_eq!(remedy(&text, &error), expect, "{error}");
    }

    #[test]
    fn a_typo_is_answered_with_what_was_meant() {
        check("minimum_row = 100", "on line 11, write `minimum_rows` instead of `minimum_row`");
        check("\nrule = \"evidentely\"", "on line 12, write `evidently` instead of `evidentely`");
        check("calender = []", "on line 11, write `calendar` instead of `calender`");
    }

    #[test]
    fn a_key_that_is_like_no_other_is_answered_with_those_there_are() {
        let keys = "rule, prediction_drift, column_drift, usual_drift, false_discovery_rate, false_alarms, minimum_rows, calendar, windows_to_fire, windows_to_clear";
        check("x = 1", &format!("on line 11, leave out `x`, or write one of {keys}"));
    }

    #[test]
    fn a_value_of_another_type_is_answered_with_the_right_one() {
        check("minimum_rows = \"200\"", "on line 11, write a whole number, such as 200 instead of string \"200\"");
        check("calendar = \"month\"", "on line 11, write a list, such as [\"a\", \"b\"] instead of string \"month\"");
    }

    #[test]
    fn a_value_beyond_its_limits_is_answered_with_its_line() {
        check("false_alarms = 2.0", "on line 11, change `rules.false_alarms`: it must lie between 0 and 1");
    }

    #[test]
    fn what_is_no_toml_is_answered_with_its_line() {
        check("minimum_rows 200", "on line 11, mend what TOML cannot read: key with no value, expected `=`");
    }
}
