//! Small multiples: each column in the reference and in the newest window.

use maud::{Markup, html};
use monitor_drift::Kind;

use super::axes::px;
use super::figures::{distance, percent};
use crate::distributions::kind_word;
use crate::figure::Figure;
use crate::measure::{DATES_MOVE_ON, FOLLOWS_THE_CALENDAR};
use crate::report_model::{Bar, Distribution, Report};

const WIDTH: f64 = 260.0;
const NAMES: f64 = 86.0;
const ROW: f64 = 19.0;
const HEIGHT: f64 = 110.0;
/// More panels than this make a page no one reads; those that moved most are shown.
const MAX_PANELS: usize = 24;

/// All panels, those that moved most first.
pub(crate) fn panels(report: &Report, names: &[(String, f64)]) -> Markup {
    let mut shown: Vec<&Distribution> =
        report.distributions.iter().filter(|distribution| !distribution.bars.is_empty()).collect();
    shown.sort_by_key(|distribution| names.iter().position(|(name, _)| *name == distribution.name).unwrap_or(usize::MAX));
    shown.truncate(MAX_PANELS);
    html! {
        ul.key {
            li { svg width="12" height="12" aria-hidden="true" { rect.then width="12" height="12" {} } "reference" }
            li { svg width="12" height="12" aria-hidden="true" { rect.now y="3" width="12" height="6" {} } "newest window" }
        }
        div.panels { @for distribution in shown { (panel(report, distribution)) } }
    }
}

fn panel(report: &Report, distribution: &Distribution) -> Markup {
    let figure = Figure::of(report.rules.rule, distribution.drift.as_ref(), distribution.verdict.as_ref());
    html! {
        article.panel {
            header {
                h3 { (distribution.name) }
                @if let Some(figure) = figure {
                    span.hot[figure.drifted] { (distance(figure.value)) @if figure.drifted { " drifted" } }
                }
                @if report.by_tidemark() && figure.is_none() && !distribution.dates { span title=(FOLLOWS_THE_CALENDAR) { "not judged" } }
                @if distribution.dates { span title=(DATES_MOVE_ON) { "dates: not tested" } }
            }
            @match distribution.kind {
                Kind::Categorical => (level_bars(distribution)),
                Kind::Numeric => (histogram(distribution)),
            }
            details {
                summary { (distribution.bars.len()) " " @if distribution.kind == Kind::Numeric { "ranges of " } (kind_word(distribution)) }
                (table(&distribution.bars))
            }
        }
    }
}

fn level_bars(distribution: &Distribution) -> Markup {
    let height = ROW * distribution.bars.len() as f64;
    let most = most(&distribution.bars);
    let length = |share: f64| px((share / most * (WIDTH - NAMES - 52.0)).max(0.5));
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label={ (distribution.name) ": shares of each level" } {
            @for (row, bar) in distribution.bars.iter().enumerate() {
                @let y = ROW * row as f64;
                text x=(px(NAMES - 8.0)) y=(px(y + 13.0)) text-anchor="end" { (clipped(&bar.label)) }
                rect.then x=(px(NAMES)) y=(px(y + 2.0)) width=(length(bar.reference)) height=(px(ROW - 4.0)) {}
                rect.now x=(px(NAMES)) y=(px(y + 6.0)) width=(length(bar.current)) height=(px(ROW - 12.0)) { title { (sentence(bar)) } }
                text x=(px(WIDTH)) y=(px(y + 13.0)) text-anchor="end" { (percent(bar.current)) }
            }
        }
    }
}

fn histogram(distribution: &Distribution) -> Markup {
    let bars = &distribution.bars;
    let most = most(bars);
    let width = WIDTH / bars.len() as f64;
    let floor = HEIGHT - 18.0;
    let y = |share: f64| floor - share / most * (floor - 4.0);
    let steps: String = bars
        .iter()
        .enumerate()
        .map(|(index, bar)| {
            let (x, y) = (width * index as f64, px(y(bar.current)));
            format!("{}{} {y}L{} {y}", if index == 0 { "M" } else { "L" }, px(x), px(x + width))
        })
        .collect();
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label={ (distribution.name) ": shares of ranges" } {
            @for (index, bar) in bars.iter().enumerate() {
                rect.then x=(px(width * index as f64 + 0.5)) y=(px(y(bar.reference))) width=(px(width - 1.0)) height=(px(floor - y(bar.reference))) { title { (sentence(bar)) } }
            }
            path.now-line d=(steps) {}
            line.axis x1="0" x2=(px(WIDTH)) y1=(px(floor)) y2=(px(floor)) {}
            @if let (Some(first), Some(last)) = (bars.first(), bars.last()) {
                text x="0" y=(px(HEIGHT - 4.0)) { (first.label) }
                text x=(px(WIDTH)) y=(px(HEIGHT - 4.0)) text-anchor="end" { (last.label) }
            }
        }
    }
}

fn table(bars: &[Bar]) -> Markup {
    html! {
        table {
            thead { tr { th { "Value" } th { "Reference" } th { "Newest" } } }
            tbody { @for bar in bars { tr { td { (bar.label) } td { (percent(bar.reference)) } td { (percent(bar.current)) } } } }
        }
    }
}

fn most(bars: &[Bar]) -> f64 {
    bars.iter().flat_map(|bar| [bar.reference, bar.current]).fold(1e-9, f64::max)
}

fn sentence(bar: &Bar) -> String {
    format!("{}: {} in the reference, {} in the newest window", bar.label, percent(bar.reference), percent(bar.current))
}

fn clipped(label: &str) -> String {
    const MOST: usize = 13;
    if label.chars().count() <= MOST { label.to_owned() } else { label.chars().take(MOST - 1).chain(['…']).collect() }
}
