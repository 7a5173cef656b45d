//! What acting on the predictions earns, by how many rows are acted on.

use data_contract::Evaluation;
use maud::{Markup, html};

use super::axes::{Scale, px};
use super::figures::{percent, short};

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 88.0;
const BOTTOM: f64 = 42.0;

/// The profit curve, where the dataset says what counts.
pub(super) fn section(evaluation: &Evaluation) -> Markup {
    let points = &evaluation.profit;
    let Some(best) = points.iter().max_by(|a, b| a.profit.total_cmp(&b.profit)) else { return html! {} };
    let all = points.iter().max_by(|a, b| a.share.total_cmp(&b.share)).unwrap_or(best);
    let across = Scale::unit(LEFT, WIDTH - 20.0);
    let up = Scale::around(points.iter().map(|point| point.profit).chain([0.0]), HEIGHT - BOTTOM, 12.0);
    let line: String = points
        .iter()
        .enumerate()
        .map(|(index, point)| {
            format!("{}{} {}", if index == 0 { 'M' } else { 'L' }, px(across.at(point.share)), px(up.at(point.profit)))
        })
        .collect();
    html! {
        section {
            h2 { "Acting on the likeliest " (percent(best.share)) " earns most: " (short(best.profit)) }
            p.lead { "Profit on the judged rows by the share of them that is acted on, the likeliest first. Acting on all of them earns " (short(all.profit)) "." }
            div.scroll tabindex="0" {
                svg.wide viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label="profit by share acted on" {
                    @for tick in up.ticks() {
                        line class="grid" x1=(px(LEFT)) x2=(px(WIDTH - 20.0)) y1=(px(up.at(tick))) y2=(px(up.at(tick))) {}
                        text x=(px(LEFT - 8.0)) y=(px(up.at(tick) + 4.0)) text-anchor="end" { (short(tick)) }
                    }
                    @for tick in across.ticks() { text x=(px(across.at(tick))) y=(px(HEIGHT - BOTTOM + 18.0)) text-anchor="middle" { (percent(tick)) } }
                    text x=(px((LEFT + WIDTH) / 2.0)) y=(px(HEIGHT - 6.0)) text-anchor="middle" { "share acted on" }
                    text transform=(format!("translate(12 {}) rotate(-90)", px((12.0 + HEIGHT - BOTTOM) / 2.0))) text-anchor="middle" { "profit" }
                    path class="line v0" d=(line) {}
                    @if let Some(choice) = &evaluation.threshold {
                        @let x = px(across.at(choice.share));
                        line.limit x1=(x) x2=(x) y1="12" y2=(px(HEIGHT - BOTTOM)) {}
                        text class="limit-text" x=(x) y="11" text-anchor="middle" { "threshold " (format!("{:.3}", choice.threshold)) }
                    }
                    circle class="dot v0" cx=(px(across.at(best.share))) cy=(px(up.at(best.profit))) r="5" { title { "most: " (short(best.profit)) " above " (format!("{:.3}", best.threshold)) } }
                }
            }
            details { summary { "Profit in numbers" } div.scroll tabindex="0" { table {
                thead { tr { th { "Threshold" } th { "Acted on" } th { "Profit" } } }
                tbody { @for point in points.iter().step_by(5) { tr { td { (format!("{:.3}", point.threshold)) } td { (percent(point.share)) } td { (short(point.profit)) } } } }
            } } }
        }
    }
}
