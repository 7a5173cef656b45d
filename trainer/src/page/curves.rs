//! ROC, precision-recall and reliability curves.

use data_contract::ClassCurves;
use maud::{Markup, html};

use super::curve_table::{self, Named};
use super::figures::{count, learner, percent};
use super::square::{Square, end_of};
use super::{Entry, Report};

/// Lines at most; more could not be told apart.
const MAX_LINES: usize = 5;

/// How well versions put rows in order.
pub(super) fn ranking(report: &Report) -> Markup {
    let lines = lines(report);
    let two_classes = report.classes.len() == 2;
    let share = report.entries[0].evaluation.metrics.get("positive_share").map(|share| share.value);
    let roc = Square {
        across: "share of the others above",
        up: "share of the class found",
        label: "ROC curves",
        chance: Some([[0.0, 0.0], [1.0, 1.0]]),
        end: 1.0,
    };
    let precision_recall = Square {
        across: "recall",
        up: "precision",
        label: "precision-recall curves",
        chance: share.map(|share| [[0.0, share], [1.0, share]]),
        end: 1.0,
    };
    html! {
        section {
            h2 { "How well rows are put in order" }
            p.lead {
                @if two_classes { "Left: of a list sorted by probability, how much of “" (report.classes[1]) "” is found for how many of the others. Right: what share of the top of the list is “" (report.classes[1]) "”. " }
                @else { "Each class of version " (report.entries[0].manifest.version) " against the rest. " }
                "The dashed line is chance."
            }
            (key(&lines))
            div.pair {
                figure { (roc.draw(&draw(&roc, &lines, |curves| &curves.roc))) }
                figure { (precision_recall.draw(&draw(&precision_recall, &lines, |curves| &curves.precision_recall))) }
            }
            details { summary { "Curves in numbers" }
                (curve_table::roc(&named(&lines, |curves| &curves.roc)))
                (curve_table::precision_recall(&named(&lines, |curves| &curves.precision_recall)))
            }
        }
    }
}

/// Whether probabilities mean what they say.
pub(super) fn reliability(report: &Report) -> Markup {
    let evaluation = &report.entries[0].evaluation;
    let lines: Vec<Line> = lines(report).into_iter().take(if report.classes.len() == 2 { 1 } else { MAX_LINES }).collect();
    let bins = lines.iter().flat_map(|line| &line.curves.reliability);
    let end = end_of(bins.flat_map(|bin| [bin.probability, bin.share]));
    let square = Square {
        across: "probability said",
        up: "share that came true",
        label: "reliability: probability said against the share that came true",
        chance: Some([[0.0, 0.0], [end, end]]),
        end,
    };
    html! {
        section {
            h2 { (reliability_title(report)) }
            p.lead {
                "Rows of version " (report.entries[0].manifest.version) " in groups of about equal size, by their probability. On the dashed line, of rows with 30 % three in ten come true. Calibration: "
                (evaluation.calibration) "."
            }
            @if lines.len() > 1 { (key(&lines)) }
            div.pair {
                figure { (square.draw(&dots(&square, &lines))) }
                (calibrations(report, &lines))
            }
        }
    }
}

fn reliability_title(report: &Report) -> String {
    match report.entries[0].evaluation.metrics.get("expected_calibration_error") {
        Some(error) => format!("Probabilities are off by {} on average", percent(error.value)),
        None => "Whether probabilities mean what they say".into(),
    }
}

fn calibrations(report: &Report, lines: &[Line]) -> Markup {
    let evaluation = &report.entries[0].evaluation;
    html! {
        div {
            @if !evaluation.calibrations.is_empty() {
                table {
                    thead { tr { th { "Calibration" } th { "Log loss on rows held out" } } }
                    tbody { @for (name, loss) in &evaluation.calibrations { tr { td { (name) @if *name == evaluation.calibration { " (chosen)" } } td { (format!("{loss:.5}")) } } } }
                }
            }
            details { summary { "Reliability in numbers" }
                @for line in lines {
                    table {
                        @if lines.len() > 1 { caption { (line.name) } }
                        thead { tr { th { "Probability said" } th { "Came true" } th { "Rows" } } }
                        tbody { @for bin in &line.curves.reliability { tr { td { (percent(bin.probability)) } td { (percent(bin.share)) } td { (count(bin.n_rows)) } } } }
                    }
                }
            }
        }
    }
}

/// One line with its name.
struct Line<'a> {
    name: String,
    class: usize,
    curves: &'a ClassCurves,
}

/// Versions for two classes; classes of the best version for more.
fn lines(report: &Report) -> Vec<Line<'_>> {
    let best = &report.entries[0].evaluation;
    if report.classes.len() == 2 {
        let line = |(class, entry): (usize, &'_ Entry)| -> Option<(String, usize)> {
            entry.evaluation.curves.first()?;
            Some((format!("v{} {}", entry.manifest.version, learner(&entry.manifest)), class))
        };
        let named = report.entries.iter().take(MAX_LINES).enumerate().filter_map(line);
        return named.map(|(name, class)| Line { name, class, curves: &report.entries[class].evaluation.curves[0] }).collect();
    }
    let curves = best.curves.iter().take(MAX_LINES).enumerate();
    curves.map(|(class, curves)| Line { name: report.classes[curves.class as usize].clone(), class, curves }).collect()
}

fn named<'a>(lines: &'a [Line], points: impl Fn(&'a ClassCurves) -> &'a Vec<[f64; 2]>) -> Vec<Named<'a>> {
    lines.iter().map(|line| Named { name: &line.name, points: points(line.curves) }).collect()
}

fn draw(square: &Square, lines: &[Line], points: impl Fn(&ClassCurves) -> &Vec<[f64; 2]>) -> Markup {
    html! {
        @for line in lines.iter().rev() {
            path class={ "line v" (line.class) } d=(square.path(points(line.curves))) { title { (line.name) } }
        }
    }
}

fn dots(square: &Square, lines: &[Line]) -> Markup {
    html! {
        @for line in lines {
            @let points: Vec<[f64; 2]> = line.curves.reliability.iter().map(|bin| [bin.probability, bin.share]).collect();
            path class={ "line v" (line.class) } d=(square.path(&points)) {}
            @for bin in &line.curves.reliability {
                @let (x, y) = square.place([bin.probability, bin.share]);
                circle class={ "dot v" (line.class) } cx=(x) cy=(y) r="4" {
                    title { (percent(bin.probability)) " said, " (percent(bin.share)) " came true (" (count(bin.n_rows)) " rows)" }
                }
            }
        }
    }
}

fn key(lines: &[Line]) -> Markup {
    html! {
        ul.key {
            @for line in lines {
                li {
                    svg width="26" height="10" aria-hidden="true" { path class={ "line v" (line.class) } d="M1 5L25 5" {} }
                    (line.name)
                }
            }
        }
    }
}
