//! Lines over time.

use maud::{Markup, html};

use super::axes::{Frame, WIDTH, px};
use crate::report_model::WindowReport;

/// One line.
pub(crate) struct Series {
    /// What it shows.
    pub(crate) name: String,
    /// Its class in the style sheet.
    pub(crate) class: &'static str,
    /// A value per window; the line is broken where there is none.
    pub(crate) values: Vec<Option<f64>>,
    /// An interval around each value, drawn as a band; empty where there is none.
    pub(crate) band: Vec<Option<(f64, f64)>>,
}

impl Series {
    /// A line without a band.
    pub(crate) fn new(name: impl Into<String>, class: &'static str, values: Vec<Option<f64>>) -> Self {
        Self { name: name.into(), class, values, band: Vec::new() }
    }

    /// Everything that the scale must hold.
    fn extent(&self) -> impl Iterator<Item = f64> {
        let ends = self.band.iter().flatten().flat_map(|&(low, high)| [low, high]);
        self.values.iter().flatten().copied().chain(ends)
    }
}

/// A chart of lines, with a key above when there are several.
pub(crate) fn lines(
    windows: &[WindowReport],
    series: &[Series],
    label: &str,
    from_zero: bool,
    format: fn(f64) -> String,
) -> Markup {
    let height = 230.0;
    let frame = Frame::new(windows, height, series.iter().flat_map(Series::extent), from_zero);
    html! {
        @if series.len() > 1 { (key(series)) }
        div.scroll {
            svg.wide viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label=(label) {
                (frame.draw(format))
                @for series in series { (band(&frame, &series.band)) }
                @for series in series.iter().rev() { (draw(&frame, windows, series, format)) }
                (ends(&frame, series, format))
            }
        }
    }
}

fn draw(frame: &Frame, windows: &[WindowReport], series: &Series, format: fn(f64) -> String) -> Markup {
    html! {
        path class={ "line " (series.class) } d=(path(frame, &series.values)) {}
        @for (slot, value) in series.values.iter().enumerate() {
            @if let Some(value) = value {
                circle class={ "dot " (series.class) } cx=(px(frame.x(slot))) cy=(px(frame.y(*value))) r="3.5" {
                    title { (windows[slot].window.title()) ": " (series.name) " " (format(*value)) }
                }
            }
        }
    }
}

/// The band of each unbroken run of windows; one window alone has a bar as wide as half a slot.
fn band(frame: &Frame, band: &[Option<(f64, f64)>]) -> Markup {
    let points: Vec<(usize, (f64, f64))> = band.iter().enumerate().filter_map(|(slot, ends)| Some((slot, (*ends)?))).collect();
    let runs = points.chunk_by(|a, b| a.0 + 1 == b.0);
    let reach = frame.slot_width() / 4.0;
    let outline = |run: &[(usize, (f64, f64))]| {
        let wide =
            |slot: usize| if run.len() == 1 { vec![frame.x(slot) - reach, frame.x(slot) + reach] } else { vec![frame.x(slot)] };
        let corner = |x: f64, value: f64| format!("{} {}", px(x), px(frame.y(value)));
        let upper = run.iter().flat_map(|&(slot, (_, high))| wide(slot).into_iter().map(move |x| corner(x, high)));
        let lower = run.iter().rev().flat_map(|&(slot, (low, _))| wide(slot).into_iter().rev().map(move |x| corner(x, low)));
        format!("M{}z", upper.chain(lower).collect::<Vec<_>>().join("L"))
    };
    html! { @for run in runs { path.band d=(outline(run)) {} } }
}

/// The last value of each line, written beside it and kept apart.
fn ends(frame: &Frame, series: &[Series], format: fn(f64) -> String) -> Markup {
    let last =
        |series: &Series| series.values.iter().rposition(Option::is_some).and_then(|slot| Some((slot, series.values[slot]?)));
    let mut marks: Vec<(f64, f64, String)> =
        series.iter().filter_map(last).map(|(slot, value)| (frame.x(slot), frame.y(value), format(value))).collect();
    marks.sort_by(|a, b| a.1.total_cmp(&b.1));
    for index in 1..marks.len() {
        marks[index].1 = marks[index].1.max(marks[index - 1].1 + 14.0);
    }
    html! {
        @for (x, y, text) in marks {
            text.mark x=(px(x + 9.0)) y=(px(y + 4.0)) { (text) }
        }
    }
}

fn path(frame: &Frame, values: &[Option<f64>]) -> String {
    let mut path = String::new();
    let mut pen_down = false;
    for (slot, value) in values.iter().enumerate() {
        if let Some(value) = value {
            let command = if pen_down { 'L' } else { 'M' };
            path += &format!("{command}{} {}", px(frame.x(slot)), px(frame.y(*value)));
        }
        pen_down = value.is_some();
    }
    path
}

fn key(series: &[Series]) -> Markup {
    html! {
        ul.key {
            @for series in series {
                li {
                    svg width="26" height="10" aria-hidden="true" { path class={ "line " (series.class) } d="M1 5L25 5" {} }
                    (series.name)
                }
            }
        }
    }
}
