//! Which columns moved, and when: one row per column, one cell per window.

use maud::{Markup, html};

use super::axes::{WIDTH, px, short_name, year};
use super::figures::{distance, p_value, percent};
use crate::figure::Figure;
use crate::report_model::{ColumnReport, Report, WindowReport};

const NAMES: f64 = 132.0;
const ROW: f64 = 26.0;
const HEAD: f64 = 38.0;
const ROOM_OF_FIGURE: f64 = 32.0;
/// More rows than this do not fit a page; those that moved most are shown.
const MAX_ROWS: usize = 30;
/// A column counts as moved so many thresholds at most, so that one window does not decide alone.
const MAX_RATIO: f64 = 10.0;

/// All columns, those that moved most in the judged windows first, with how far they moved there on average.
pub(crate) fn ranked(report: &Report, windows: &[WindowReport], judged: &[&WindowReport]) -> Vec<(String, f64)> {
    let mut names: Vec<(String, f64)> = Vec::new();
    let none = windows.iter().flat_map(|window| &window.columns).map(|column| (column, 0.0));
    let moved = |column: &ColumnReport| {
        report.column_drift(column).map_or(0.0, |figure| figure.ratio.min(MAX_RATIO)) / judged.len() as f64
    };
    for (column, ratio) in judged.iter().flat_map(|window| &window.columns).map(|column| (column, moved(column))).chain(none) {
        match names.iter_mut().find(|(name, _)| *name == column.name) {
            Some((_, sum)) => *sum += ratio,
            None => names.push((column.name.clone(), ratio)),
        }
    }
    names.sort_by(|a, b| b.1.total_cmp(&a.1));
    names.truncate(MAX_ROWS);
    names
}

/// The map.
pub(crate) fn chart(report: &Report, windows: &[WindowReport], names: &[(String, f64)]) -> Markup {
    let height = HEAD + ROW * names.len() as f64 + 4.0;
    let cell = (WIDTH - NAMES) / windows.len().max(1) as f64;
    html! {
        (key())
        div.scroll {
            svg.wide viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label="Drift of each column by window" {
                (head(windows, cell))
                @for (row, (name, _)) in names.iter().enumerate() {
                    @let y = HEAD + ROW * row as f64;
                    text.name x=(px(NAMES - 12.0)) y=(px(y + 17.0)) text-anchor="end" { (name) }
                    @for (slot, window) in windows.iter().enumerate() {
                        (draw_cell(report, window, name, NAMES + cell * slot as f64, y, cell))
                    }
                }
            }
        }
    }
}

/// The numbers behind it: those of the rule in force, and under `tidemark` Evidently's below.
pub(crate) fn tables(report: &Report, windows: &[WindowReport], names: &[(String, f64)]) -> Markup {
    let evidently = |column: &ColumnReport| column.drift.as_ref().map(Figure::of_drift);
    html! {
        (table(windows, names, |column| report.column_drift(column)))
        @if report.by_tidemark() {
            p.note.next { "The same columns by Evidently’s default statistics and thresholds, which decide nothing here:" }
            (table(windows, names, evidently))
        }
    }
}

fn table(windows: &[WindowReport], names: &[(String, f64)], figure: impl Fn(&ColumnReport) -> Option<Figure>) -> Markup {
    html! {
        div.scroll {
            table {
                thead { tr { th { "Column" } @for window in windows { th { (window.name) } } } }
                tbody {
                    @for (name, _) in names {
                        tr {
                            td { (name) }
                            @for window in windows {
                                @match find(window, name).and_then(&figure) {
                                    Some(figure) => td.hot[figure.drifted] { (distance(figure.value)) },
                                    None => td { "–" },
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn head(windows: &[WindowReport], cell: f64) -> Markup {
    let every = (34.0 / cell).ceil().max(1.0) as usize;
    html! {
        @for (slot, window) in windows.iter().enumerate() {
            @let x = NAMES + cell * (slot as f64 + 0.5);
            @if slot == 0 || year(&windows[slot - 1]) != year(window) {
                text.year x=(px(x)) y="12" text-anchor="middle" { (year(window)) }
            }
            @if slot % every == 0 {
                text x=(px(x)) y="29" text-anchor="middle" { (short_name(window)) }
            }
        }
    }
}

fn draw_cell(report: &Report, window: &WindowReport, name: &str, x: f64, y: f64, width: f64) -> Markup {
    let column = find(window, name);
    let (w, h) = (px(width - 2.0), px(ROW - 2.0));
    let Some((column, figure)) = column.and_then(|column| Some((column, report.column_drift(column)?))) else {
        let problem = column.and_then(|column| column.problem.as_deref()).unwrap_or("not a column of this version");
        return html! { rect.none x=(px(x + 0.5)) y=(px(y)) width=(w) height=(h) { title { (window.window.title()) ": " (problem) } } };
    };
    let level = level(&figure);
    html! {
        rect class={ "h" (level) } x=(px(x)) y=(px(y)) width=(w) height=(h) rx="2" {
            title { (name) ", " (window.window.title()) ": " (figure.name) " " (distance(figure.value)) (evidence(report, column)) }
        }
        @if width >= ROOM_OF_FIGURE {
            text class=(if level >= 4 { "cell on" } else { "cell" }) x=(px(x + width / 2.0 - 1.0)) y=(px(y + 16.0)) text-anchor="middle" { (distance(figure.value)) }
        }
    }
}

/// How sure the rule `tidemark` is, and how much the model makes of the column.
fn evidence(report: &Report, column: &ColumnReport) -> String {
    let Some(verdict) = column.verdict.filter(|_| report.by_tidemark()) else { return String::new() };
    let weight = column.importance.map_or_else(String::new, |share| format!(", importance {}", percent(share)));
    format!(", p-value {}{weight}", p_value(verdict.p_value))
}

fn find<'a>(window: &'a WindowReport, name: &str) -> Option<&'a ColumnReport> {
    window.columns.iter().find(|column| column.name == name)
}

fn level(figure: &Figure) -> usize {
    match figure.ratio {
        ratio if !figure.drifted && ratio < 0.5 => 0,
        _ if !figure.drifted => 1,
        ratio if ratio < 1.6 => 2,
        ratio if ratio < 2.6 => 3,
        ratio if ratio < 4.5 => 4,
        _ => 5,
    }
}

fn key() -> Markup {
    let steps = ["under half the threshold", "near it", "over", "over 1.6 times", "2.6 times", "4.5 times the threshold"];
    html! {
        ul.key {
            @for (level, step) in steps.iter().enumerate() {
                li { svg width="14" height="12" aria-hidden="true" { rect class={ "h" (level) } width="14" height="12" rx="2" {} } (step) }
            }
        }
    }
}
