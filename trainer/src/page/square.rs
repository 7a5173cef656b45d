//! A square chart of two shares, each from 0 to 1 or to less.

use maud::{Markup, html};

use super::axes::{Scale, px};

const SIZE: f64 = 360.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 22.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 42.0;

/// What a square chart shows.
pub(super) struct Square<'a> {
    /// What goes across.
    pub(super) across: &'a str,
    /// What goes up.
    pub(super) up: &'a str,
    /// The chart in words, for those who cannot see it.
    pub(super) label: &'a str,
    /// Where chance would be, if anywhere.
    pub(super) chance: Option<[[f64; 2]; 2]>,
    /// Where both scales end.
    pub(super) end: f64,
}

impl Square<'_> {
    /// The frame with marks in it; the marks are drawn with [`Square::path`] and [`Square::place`].
    pub(super) fn draw(&self, marks: &Markup) -> Markup {
        let (across, up) = scales(self.end);
        html! {
            svg viewBox=(format!("0 0 {SIZE} {SIZE}")) role="img" aria-label=(self.label) {
                @for tick in up.ticks() {
                    line class="grid" x1=(px(LEFT)) x2=(px(SIZE - RIGHT)) y1=(px(up.at(tick))) y2=(px(up.at(tick))) {}
                    text x=(px(LEFT - 7.0)) y=(px(up.at(tick) + 4.0)) text-anchor="end" { (up.percent(tick)) }
                    text x=(px(across.at(tick))) y=(px(SIZE - BOTTOM + 17.0)) text-anchor="middle" { (across.percent(tick)) }
                }
                text x=(px((LEFT + SIZE - RIGHT) / 2.0)) y=(px(SIZE - 7.0)) text-anchor="middle" { (self.across) }
                text transform=(format!("translate(11 {}) rotate(-90)", px((TOP + SIZE - BOTTOM) / 2.0))) text-anchor="middle" { (self.up) }
                @if let Some([from, to]) = self.chance { path.chance d=(self.path(&[from, to])) {} }
                (marks)
            }
        }
    }

    /// Where a point lies in the chart.
    pub(super) fn place(&self, [across, up]: [f64; 2]) -> (String, String) {
        let scales = scales(self.end);
        (px(scales.0.at(across)), px(scales.1.at(up)))
    }

    /// A line through points.
    pub(super) fn path(&self, points: &[[f64; 2]]) -> String {
        let steps = points.iter().enumerate().map(|(index, point)| {
            let (x, y) = self.place(*point);
            format!("{}{x} {y}", if index == 0 { 'M' } else { 'L' })
        });
        steps.collect()
    }
}

/// The least round end of a scale that holds all shares.
pub(super) fn end_of(shares: impl IntoIterator<Item = f64>) -> f64 {
    let most = shares.into_iter().fold(0.0, f64::max);
    [0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6].into_iter().find(|end| most <= *end).unwrap_or(1.0)
}

fn scales(end: f64) -> (Scale, Scale) {
    (Scale::to(end, LEFT, SIZE - RIGHT), Scale::to(end, SIZE - BOTTOM, TOP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_shares_get_a_scale_of_their_own() {
        assert_eq!([end_of([0.03, 0.22]), end_of([0.05]), end_of([0.9]), end_of([])], [0.4, 0.05, 1.0, 0.01]);
    }
}
