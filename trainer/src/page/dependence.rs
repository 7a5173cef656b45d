//! How the probability follows each of the most important columns.

use data_contract::{Dependence, DependencePoint, Moment};
use maud::{Markup, html};
use serde_json::Value as Json;

use super::Report;
use super::axes::{Scale, px};
use super::figures::{percent, short};
use super::importance::shorten;

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 150.0;
const LEFT: f64 = 48.0;
const BOTTOM: f64 = 22.0;
const MAX_PANELS: usize = 12;
const MAX_LEVELS: usize = 12;

/// One small chart per column.
pub(super) fn section(report: &Report) -> Markup {
    let evaluation = &report.entries[0].evaluation;
    let rank = |column: &str| evaluation.importance.iter().position(|importance| importance.column == column);
    let mut columns: Vec<&Dependence> = evaluation.dependence.iter().filter(|dependence| !dependence.points.is_empty()).collect();
    columns.sort_by_key(|dependence| rank(&dependence.column).unwrap_or(usize::MAX));
    columns.truncate(MAX_PANELS);
    if columns.is_empty() {
        return html! {};
    }
    let class = report.classes.len() - 1;
    html! {
        section {
            h2 { "How the probability of “" (report.classes[class]) "” follows a column" }
            p.lead { "Its mean when every judged row is given the same value of one column and keeps the rest of its own. The sand-coloured ground shows how many rows really have that value." }
            div.panels {
                @for dependence in columns {
                    figure {
                        figcaption { (shorten(&dependence.column)) (part(dependence)) " " small { (range(&dependence.points, class)) } }
                        @if has_order(dependence) { (line(dependence, class)) } @else { (levels(dependence, class)) }
                        (numbers(dependence, class))
                    }
                }
            }
        }
    }
}

fn range(points: &[DependencePoint], class: usize) -> String {
    let values = || points.iter().map(|point| point.probabilities[class]);
    format!("{} to {}", percent(values().fold(1.0, f64::min)), percent(values().fold(0.0, f64::max)))
}

/// What of a date is followed.
fn part(dependence: &Dependence) -> String {
    match dependence.part.as_deref() {
        None => String::new(),
        Some("weekday") => " by day of the week".into(),
        Some(other) => format!(" by {other}"),
    }
}

/// Whether all values are numbers or dates, which have places on a line.
fn has_order(dependence: &Dependence) -> bool {
    dependence.points.iter().filter(|point| !point.value.is_null()).all(|point| place(&point.value).is_some())
}

/// A number, or the days of a date.
fn place(value: &Json) -> Option<f64> {
    match value {
        Json::String(text) => text.parse().ok().map(Moment::days),
        other => other.as_f64(),
    }
}

fn line(dependence: &Dependence, class: usize) -> Markup {
    let known: Vec<(f64, &DependencePoint)> =
        dependence.points.iter().filter_map(|point| Some((place(&point.value)?, point))).collect();
    let of_dates = known.iter().any(|(_, point)| point.value.is_string());
    let across = Scale::around(known.iter().map(|(value, _)| *value), LEFT, WIDTH - 26.0);
    let up = scale(&dependence.points, class, HEIGHT - BOTTOM, 8.0);
    let path: String = known
        .iter()
        .enumerate()
        .map(|(index, (value, point))| {
            format!("{}{} {}", if index == 0 { 'M' } else { 'L' }, px(across.at(*value)), px(up.at(point.probabilities[class])))
        })
        .collect();
    let most = known.iter().map(|(_, point)| point.share).fold(1e-9, f64::max);
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(format!("probability by {}", dependence.column)) {
            @for (value, point) in &known {
                @let height = point.share / most * 34.0;
                rect.share x=(px(across.at(*value) - 3.0)) y=(px(HEIGHT - BOTTOM - height)) width="6" height=(px(height)) {}
            }
            (grid(&up))
            @for tick in across.ticks().step_by(2) { text x=(px(across.at(tick))) y=(px(HEIGHT - 6.0)) text-anchor="middle" { (written(&across, tick, of_dates)) } }
            path class="line v0" d=(path) {}
            @for (value, point) in &known {
                circle class="dot v0" cx=(px(across.at(*value))) cy=(px(up.at(point.probabilities[class]))) r="3" { title { (text(&point.value)) ": " (percent(point.probabilities[class])) } }
            }
        }
    }
}

fn levels(dependence: &Dependence, class: usize) -> Markup {
    let mut points: Vec<&DependencePoint> = dependence.points.iter().take(MAX_LEVELS).collect();
    // The days of the week have an order of their own.
    if dependence.part.is_none() {
        points.sort_by(|a, b| b.probabilities[class].total_cmp(&a.probabilities[class]));
    }
    let row = 22.0;
    let height = row * points.len() as f64 + 4.0;
    let across = Scale::around(points.iter().map(|point| point.probabilities[class]).chain([0.0]), 128.0, WIDTH - 46.0);
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {}", px(height))) role="img" aria-label=(format!("probability by {}", dependence.column)) {
            @for (index, point) in points.iter().enumerate() {
                @let y = row * index as f64 + 3.0;
                @let probability = point.probabilities[class];
                rect.share x="128" y=(px(y + 13.0)) width=(px(point.share * (WIDTH - 174.0))) height="4" { title { (percent(point.share)) " of the rows" } }
                text x="122" y=(px(y + 12.0)) text-anchor="end" { (shorten(&text(&point.value))) }
                line class="span" x1="128" x2=(px(across.at(probability))) y1=(px(y + 6.0)) y2=(px(y + 6.0)) {}
                circle class="dot v0" cx=(px(across.at(probability))) cy=(px(y + 6.0)) r="4" {}
                text x=(px(across.at(probability) + 8.0)) y=(px(y + 10.0)) { (percent(probability)) }
            }
        }
    }
}

fn numbers(dependence: &Dependence, class: usize) -> Markup {
    html! {
        details { summary { "In numbers" } table {
            thead { tr { th { "Value" } th { "Rows" } th { "Probability" } } }
            tbody { @for point in &dependence.points {
                tr { td.wrap { (text(&point.value)) } td { (percent(point.share)) } td { (percent(point.probabilities[class])) } }
            } }
        } }
    }
}

fn scale(points: &[DependencePoint], class: usize, from: f64, to: f64) -> Scale {
    Scale::around(points.iter().map(|point| point.probabilities[class]).chain([0.0]), from, to)
}

fn grid(up: &Scale) -> Markup {
    html! {
        @for tick in up.ticks() {
            line class="grid" x1=(px(LEFT)) x2=(px(WIDTH - 26.0)) y1=(px(up.at(tick))) y2=(px(up.at(tick))) {}
            text x=(px(LEFT - 6.0)) y=(px(up.at(tick) + 4.0)) text-anchor="end" { (up.percent(tick)) }
        }
    }
}

/// A tick of a column's own numbers or dates.
fn written(across: &Scale, tick: f64, of_dates: bool) -> String {
    match of_dates {
        true => Moment::from_days(tick.round()).to_string(),
        false if tick.abs() < 1e4 => across.label(tick),
        false => short(tick),
    }
}

fn text(value: &Json) -> String {
    match value {
        Json::Null => "missing".into(),
        Json::String(text) => text.clone(),
        Json::Number(number) => short(number.as_f64().unwrap_or(f64::NAN)),
        other => other.to_string(),
    }
}
