//! The frame that charts over time share: slots across, a scale up, and marks where the production version changed.

use maud::{Markup, html};

use crate::report_model::WindowReport;
use crate::window::By;

/// Width of a chart in its own units; on a wide screen one unit is about one pixel.
pub(crate) const WIDTH: f64 = 1072.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 62.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 40.0;
const ROOM_OF_LABEL: f64 = 34.0;

/// The frame of one chart.
pub(crate) struct Frame<'a> {
    windows: &'a [WindowReport],
    /// Height of the whole chart.
    pub(crate) height: f64,
    low: f64,
    high: f64,
    step: f64,
}

impl<'a> Frame<'a> {
    /// A frame whose scale holds all values and, if asked for, zero.
    pub(crate) fn new(windows: &'a [WindowReport], height: f64, values: impl IntoIterator<Item = f64>, from_zero: bool) -> Self {
        let (low, high) =
            values.into_iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let low = if from_zero || !low.is_finite() { 0.0 } else { low };
        let high = if high > low { high } else { low + 0.1 };
        let step = nice_step((high - low) / 4.0);
        Self { windows, height, low: (low / step).floor() * step, high: (high / step).ceil() * step, step }
    }

    /// Middle of a window's slot.
    pub(crate) fn x(&self, slot: usize) -> f64 {
        LEFT + self.slot_width() * (slot as f64 + 0.5)
    }

    /// Width of a slot.
    pub(crate) fn slot_width(&self) -> f64 {
        (WIDTH - LEFT - RIGHT) / self.windows.len().max(1) as f64
    }

    /// Height of a value.
    pub(crate) fn y(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        self.height - BOTTOM - share * (self.height - BOTTOM - TOP)
    }

    /// Right end of the drawing.
    pub(crate) fn right(&self) -> f64 {
        WIDTH - RIGHT
    }

    /// Lower end of the drawing.
    pub(crate) fn floor(&self) -> f64 {
        self.height - BOTTOM
    }

    /// Grid, scale, window names and version marks.
    pub(crate) fn draw(&self, format: impl Fn(f64) -> String) -> Markup {
        let n_steps = ((self.high - self.low) / self.step).round() as usize;
        let ticks = (0..=n_steps).map(|index| self.low + self.step * index as f64);
        html! {
            @for tick in ticks {
                line class="grid" x1=(px(LEFT)) x2=(px(self.right())) y1=(px(self.y(tick))) y2=(px(self.y(tick))) {}
                text x=(px(LEFT - 8.0)) y=(px(self.y(tick) + 4.0)) text-anchor="end" { (format(tick)) }
            }
            line class="axis" x1=(px(LEFT)) x2=(px(self.right())) y1=(px(self.floor())) y2=(px(self.floor())) {}
            (self.names())
            (self.versions())
        }
    }

    fn names(&self) -> Markup {
        let every = (ROOM_OF_LABEL / self.slot_width()).ceil().max(1.0) as usize;
        html! {
            @for (slot, window) in self.windows.iter().enumerate() {
                @if slot % every == 0 {
                    text x=(px(self.x(slot))) y=(px(self.floor() + 17.0)) text-anchor="middle" { (short_name(window)) }
                }
                @if slot == 0 || year(&self.windows[slot - 1]) != year(window) {
                    text class="year" x=(px(self.x(slot))) y=(px(self.floor() + 33.0)) text-anchor="middle" { (year(window)) }
                }
            }
        }
    }

    fn versions(&self) -> Markup {
        html! {
            @for (slot, window) in self.windows.iter().enumerate() {
                @let x = LEFT + self.slot_width() * slot as f64;
                @if slot > 0 && self.windows[slot - 1].version != window.version {
                    line class="change" x1=(px(x)) x2=(px(x)) y1=(px(TOP - 12.0)) y2=(px(self.floor())) {}
                }
                @if slot == 0 || self.windows[slot - 1].version != window.version {
                    text class="mark" x=(px(x + 4.0)) y=(px(TOP - 10.0)) { "v" (window.version) }
                }
            }
        }
    }
}

/// A coordinate with one decimal, which keeps the page small.
pub(crate) fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// A window's name under its slot; the year stands below.
pub(crate) fn short_name(window: &WindowReport) -> String {
    let format = if window.window.by == By::Month { "%b" } else { "%-d %b" };
    window.window.start.format(format).to_string()
}

/// The year of a window's first day.
pub(crate) fn year(window: &WindowReport) -> String {
    window.window.start.format("%Y").to_string()
}

fn nice_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let nice = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|nice| nice * power >= rough);
    nice.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_numbers() {
        assert_eq!([nice_step(0.03), nice_step(0.21), nice_step(1.0), nice_step(7.0)], [0.05, 0.25, 1.0, 10.0]);
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!([px(12.0), px(12.34)], ["12", "12.3"]);
    }
}
