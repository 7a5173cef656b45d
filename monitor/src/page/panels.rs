//! Small multiples: each column in the reference and in the newest window.

use maud::{Markup, html};
use monitor_drift::Kind;

use super::axes::px;
use super::figures::{distance, percent};
use super::titles::capital;
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

/// What the two sides of a panel are called.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a> {
    /// The reference.
    pub(crate) then: &'a str,
    /// The other side.
    pub(crate) now: &'a str,
}

/// The sides of a report.
const OF_REPORT: Names = Names { then: "reference", now: "newest window" };

/// All panels, those that moved most first.
pub(crate) fn panels(report: &Report, names: &[(String, f64)]) -> Markup {
    let mut shown: Vec<&Distribution> =
        report.distributions.iter().filter(|distribution| !distribution.bars.is_empty()).collect();
    shown.sort_by_key(|distribution| names.iter().position(|(name, _)| *name == distribution.name).unwrap_or(usize::MAX));
    shown.truncate(MAX_PANELS);
    let figure =
        |distribution: &Distribution| Figure::of(report.rules.rule, distribution.drift.as_ref(), distribution.verdict.as_ref());
    let not_judged = |distribution: &Distribution| match distribution.dates {
        true => Some(DATES_MOVE_ON),
        false => (report.by_tidemark() && figure(distribution).is_none()).then_some(FOLLOWS_THE_CALENDAR),
    };
    html! {
        (key(&OF_REPORT))
        div.panels { @for shown in shown { (panel(shown, figure(shown), not_judged(shown), &OF_REPORT)) } }
    }
}

/// Which side is drawn how.
pub(crate) fn key(names: &Names) -> Markup {
    html! {
        ul.key {
            li { svg width="12" height="12" aria-hidden="true" { rect.then width="12" height="12" {} } (names.then) }
            li { svg width="12" height="12" aria-hidden="true" { rect.now y="3" width="12" height="6" {} } (names.now) }
        }
    }
}

/// One panel, with the figure of the rule in force, or else the reason why there is none.
pub(crate) fn panel(distribution: &Distribution, figure: Option<Figure>, problem: Option<&str>, names: &Names) -> Markup {
    html! {
        article.panel {
            header {
                h3 { (distribution.name) }
                @if let Some(figure) = figure {
                    span.hot[figure.drifted] { (distance(figure.value)) @if figure.drifted { " drifted" } }
                }
                @if let (None, Some(problem)) = (figure, problem) {
                    span title=(problem) { @if distribution.dates { "dates: not tested" } @else { "not judged" } }
                }
            }
            @match distribution.kind {
                Kind::Categorical => (level_bars(distribution, names)),
                Kind::Numeric => (histogram(distribution, names)),
            }
            details {
                summary { (distribution.bars.len()) " " @if distribution.kind == Kind::Numeric { "ranges of " } (kind_word(distribution)) }
                (table(&distribution.bars, names))
            }
        }
    }
}

fn level_bars(distribution: &Distribution, names: &Names) -> Markup {
    let height = ROW * distribution.bars.len() as f64;
    let most = most(&distribution.bars);
    let length = |share: f64| px((share / most * (WIDTH - NAMES - 52.0)).max(0.5));
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label={ (distribution.name) ": shares of each level" } {
            @for (row, bar) in distribution.bars.iter().enumerate() {
                @let y = ROW * row as f64;
                text x=(px(NAMES - 8.0)) y=(px(y + 13.0)) text-anchor="end" { (clipped(&bar.label)) }
                rect.then x=(px(NAMES)) y=(px(y + 2.0)) width=(length(bar.reference)) height=(px(ROW - 4.0)) {}
                rect.now x=(px(NAMES)) y=(px(y + 6.0)) width=(length(bar.current)) height=(px(ROW - 12.0)) { title { (sentence(bar, names)) } }
                text x=(px(WIDTH)) y=(px(y + 13.0)) text-anchor="end" { (percent(bar.current)) }
            }
        }
    }
}

fn histogram(distribution: &Distribution, names: &Names) -> Markup {
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
                rect.then x=(px(width * index as f64 + 0.5)) y=(px(y(bar.reference))) width=(px(width - 1.0)) height=(px(floor - y(bar.reference))) { title { (sentence(bar, names)) } }
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

fn table(bars: &[Bar], names: &Names) -> Markup {
    html! {
        table {
            thead { tr { th { "Value" } th { (capital(names.then)) } th { (capital(names.now)) } } }
            tbody { @for bar in bars { tr { td { (bar.label) } td { (percent(bar.reference)) } td { (percent(bar.current)) } } } }
        }
    }
}

fn most(bars: &[Bar]) -> f64 {
    bars.iter().flat_map(|bar| [bar.reference, bar.current]).fold(1e-9, f64::max)
}

fn sentence(bar: &Bar, names: &Names) -> String {
    format!("{}: {} {}, {} {}", bar.label, names.then, percent(bar.reference), names.now, percent(bar.current))
}

fn clipped(label: &str) -> String {
    const MOST: usize = 13;
    if label.chars().count() <= MOST { label.to_owned() } else { label.chars().take(MOST - 1).chain(['…']).collect() }
}
