//! The outcome in words. Pure.

use chrono::{DateTime, Utc};
use data_contract::{Rules, WindowRule};
use monitor_drift::DATASET_DRIFT_SHARE;

use crate::page::{count, distance, percent, plural};
use crate::report_compare::outcome::Outcome;
use crate::report_compare::side::{Side, common_class};
use crate::tally::NotCounted;

/// The outcome in a sentence.
pub(crate) fn verdict(outcome: &Outcome) -> String {
    let sides = format!("From {} to {}", outcome.reference.title, outcome.current.title);
    let (predictions, columns) = (predictions(outcome), columns(outcome));
    match predictions {
        Some(predictions) => format!("{sides}, {predictions}, and {columns}."),
        None => format!("{sides}, {columns}; predictions cannot be compared."),
    }
}

fn predictions(outcome: &Outcome) -> Option<String> {
    let figure = outcome.prediction_figure()?;
    Some(match (outcome.rules.rule, figure.drifted) {
        (WindowRule::Tidemark, true) => format!("predictions moved by {} standard deviations", distance(figure.value)),
        (WindowRule::Evidently, true) => format!("predictions drifted ({} {})", figure.name, distance(figure.value)),
        (_, false) => "predictions did not drift".into(),
    })
}

fn columns(outcome: &Outcome) -> String {
    let of = format!("of {}", plural(outcome.n_judged, "column"));
    let border = match outcome.rules.rule {
        WindowRule::Tidemark => String::new(),
        WindowRule::Evidently => format!(" ({} make a data set drift)", percent(DATASET_DRIFT_SHARE)),
    };
    match outcome.n_drifted {
        0 if outcome.n_judged == 0 => "no column could be judged".into(),
        0 => format!("none {of} drifted"),
        n => format!("{n} {of} drifted{border}"),
    }
}

/// What is to be known of the sides before their figures are read.
pub(crate) fn notes(sides: &[Side; 2], rules: &Rules, now: DateTime<Utc>) -> Vec<String> {
    let mut notes = Vec::new();
    for side in sides {
        notes.extend(several(side));
        notes.extend(few(side, rules));
        notes.extend(open(side, now));
        notes.extend(side.not_counted.iter().map(|rows| not_counted(side, rows)));
    }
    notes.extend(shared(sides));
    if common_class(sides).is_none() {
        notes.push("The versions follow different classes, so neither predictions nor performance can be compared.".into());
    } else if sides[0].versions() != sides[1].versions() {
        notes.push("Different versions predicted on the two sides, so predictions may have moved because the model did.".into());
    }
    notes
}

fn several(side: &Side) -> Option<String> {
    let versions: Vec<String> = side.versions().iter().map(u32::to_string).collect();
    let (last, rest) = versions.split_last()?;
    (!rest.is_empty()).then(|| {
        format!("{} holds predictions of versions {} and {last}, counted together.", side.asked.title(), rest.join(", "))
    })
}

fn few(side: &Side, rules: &Rules) -> Option<String> {
    let n_rows = side.whole().n_rows;
    let told = || {
        format!(
            "{} has {}, fewer than the {} from which on a window is judged.",
            side.asked.title(),
            plural(n_rows as usize, "prediction"),
            count(rules.minimum_rows)
        )
    };
    (n_rows < rules.minimum_rows).then(told)
}

fn open(side: &Side, now: DateTime<Utc>) -> Option<String> {
    let is_open = side.asked.window.is_some_and(|window| window.end_time() > now);
    is_open.then(|| format!("{} is still filling.", side.asked.title()))
}

fn not_counted(side: &Side, rows: &NotCounted) -> String {
    let (title, n_rows) = (side.asked.title(), count(rows.n_rows));
    format!("Of {title}, {n_rows} rows of version {} are not in all figures: {}.", rows.version, rows.reason)
}

/// Predictions that lie on both sides make them look alike.
fn shared(sides: &[Side; 2]) -> Option<String> {
    let [reference, current] = sides;
    let overlap = current.parts.iter().any(|part| {
        let (window, version) = part.served;
        reference.parts.iter().any(|other| {
            let (other, other_version) = other.served;
            other_version == version && other.start <= window.last_day() && window.start <= other.last_day()
        })
    });
    overlap.then(|| "Some predictions lie on both sides, which makes them look more alike than they are.".into())
}
