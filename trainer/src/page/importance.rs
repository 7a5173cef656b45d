//! What each column is worth to the model.

use data_contract::Evaluation;
use maud::{Markup, html};

use super::axes::{Scale, px};
use super::figures::short;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 200.0;
const ROW: f64 = 24.0;
const MAX_ROWS: usize = 25;

/// Bars of the most important columns.
pub(super) fn section(evaluation: &Evaluation) -> Markup {
    let columns = &evaluation.importance[..evaluation.importance.len().min(MAX_ROWS)];
    let Some(first) = columns.first() else { return html! {} };
    let ends = columns.iter().flat_map(|column| [column.mean - column.deviation, column.mean + column.deviation]);
    let scale = Scale::around(ends.chain([0.0]), LEFT, WIDTH - 20.0);
    let floor = ROW * columns.len() as f64 + 6.0;
    html! {
        section {
            h2 { "“" (first.column) "” matters most" }
            p.lead { "How much the log loss grows when a column's values are shuffled among the rows, so that the model cannot use it; the thin line is one standard deviation over repeats. Columns that say the same share their worth." }
            div.scroll tabindex="0" {
                svg.wide viewBox=(format!("0 0 {WIDTH} {}", px(floor + 42.0))) role="img" aria-label="importance of columns" {
                    text x=(px((LEFT + WIDTH) / 2.0)) y=(px(floor + 37.0)) text-anchor="middle" { "log loss grows by" }
                    @for tick in scale.ticks() {
                        line class="grid" x1=(px(scale.at(tick))) x2=(px(scale.at(tick))) y1="0" y2=(px(floor)) {}
                        text x=(px(scale.at(tick))) y=(px(floor + 17.0)) text-anchor="middle" { (scale.label(tick)) }
                    }
                    @for (row, column) in columns.iter().enumerate() {
                        @let y = ROW * row as f64 + 4.0;
                        @let (zero, end) = (scale.at(0.0), scale.at(column.mean));
                        text.name x=(px(LEFT - 10.0)) y=(px(y + 14.0)) text-anchor="end" { (shorten(&column.column)) title { (column.column) } }
                        rect class="bar" x=(px(zero.min(end))) y=(px(y + 2.0)) width=(px((end - zero).abs().max(0.5))) height=(px(ROW - 8.0)) rx="2" { title { (column.column) ": " (short(column.mean)) " ± " (short(column.deviation)) } }
                        line class="span" x1=(px(scale.at(column.mean - column.deviation))) x2=(px(scale.at(column.mean + column.deviation))) y1=(px(y + ROW / 2.0 - 2.0)) y2=(px(y + ROW / 2.0 - 2.0)) {}
                    }
                }
            }
            details { summary { "Importance in numbers" } div.scroll tabindex="0" { table {
                thead { tr { th { "Column" } th { "Log loss grows by" } th { "±" } } }
                tbody { @for column in &evaluation.importance { tr { td { (column.column) } td { (format!("{:.5}", column.mean)) } td { (format!("{:.5}", column.deviation)) } } } }
            } } }
        }
    }
}

/// A name that fits beside a chart.
pub(super) fn shorten(name: &str) -> String {
    const MAX: usize = 24;
    if name.chars().count() <= MAX { name.to_owned() } else { name.chars().take(MAX - 1).chain(['…']).collect() }
}
