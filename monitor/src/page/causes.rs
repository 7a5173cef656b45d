//! What moved the predictions of the newest windows that drifted.

use maud::{Markup, html};

use super::axes::px;
use super::figures::percent;
use crate::report_model::{Cause, Report, WindowReport};

const WIDTH: f64 = 1000.0;
const NAMES: f64 = 170.0;
const FIGURES: f64 = 64.0;
const ROW: f64 = 22.0;
/// Columns that are shown as bars, and that a row of the table names.
const N_BARS: usize = 8;
const N_NAMED: usize = 3;

/// Nothing where no window has causes.
pub(crate) fn section(report: &Report, windows: &[WindowReport]) -> Markup {
    let told: Vec<&WindowReport> = windows.iter().rev().filter(|window| !window.causes.is_empty()).collect();
    let Some(newest) = told.first() else { return html! {} };
    html! {
        section {
            h2 { "What moved the predictions of " (newest.window.title()) ": “" (newest.causes[0].column) "” most" }
            p.lead {
                "By how much the mean probability of “" (report.followed_class) "” would have changed, in points, if each column alone had changed as it did since the reference. "
                @if let Some((before, now)) = newest.reference_mean.zip(newest.mean_probability) { "It went from " (percent(before)) " to " (percent(now)) "." }
            }
            p.note { "It is told by the model and the counts: columns that changed together share what is left, and that the same rows come true more or less often, it cannot see." }
            (bars(&newest.causes))
            details { summary { "The newest windows that drifted" } (table(&told)) }
        }
    }
}

fn bars(causes: &[Cause]) -> Markup {
    let shown = &causes[..causes.len().min(N_BARS)];
    let height = ROW * shown.len() as f64;
    let half = (WIDTH - NAMES - FIGURES) / 2.0;
    let most = shown.iter().map(|cause| cause.by.abs()).fold(f64::MIN_POSITIVE, f64::max);
    let length = |cause: &Cause| (cause.by.abs() / most * half).max(0.5);
    let middle = NAMES + half;
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label="Change of the mean probability by column" {
            line.axis x1=(px(middle)) x2=(px(middle)) y1="0" y2=(px(height)) {}
            @for (row, cause) in shown.iter().enumerate() {
                @let y = ROW * row as f64;
                @let x = if cause.by < 0.0 { middle - length(cause) } else { middle };
                text.name x=(px(NAMES - 10.0)) y=(px(y + 15.0)) text-anchor="end" { (cause.column) }
                rect.bar.hot[cause.by > 0.0] x=(px(x)) y=(px(y + 4.0)) width=(px(length(cause))) height=(px(ROW - 8.0)) {}
                text x=(px(WIDTH)) y=(px(y + 15.0)) text-anchor="end" { (points(cause.by)) }
            }
        }
    }
}

fn table(windows: &[&WindowReport]) -> Markup {
    let named = |causes: &[Cause]| {
        let texts: Vec<String> =
            causes.iter().take(N_NAMED).map(|cause| format!("{} {}", cause.column, points(cause.by))).collect();
        texts.join(", ")
    };
    html! {
        div.scroll { table {
            thead { tr { th { "Window" } th { "Version" } th.text { "Columns that moved the mean probability most, in points" } } }
            tbody { @for window in windows { tr { td { (window.window.title()) } td { (window.version) } td.text { (named(&window.causes)) } } } }
        } }
    }
}

/// A difference of probabilities in points of a hundred.
fn points(by: f64) -> String {
    format!("{}{:.1}", if by < 0.0 { "−" } else { "+" }, by.abs() * 100.0)
}
