//! What people see on stderr while they wait: a bar with the time left, or a line now and then where stderr is no terminal.

use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle, TermLike};
use tracing_subscriber::EnvFilter;

/// Between two plain lines, and before the first: quick work says nothing.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

const BAR: &str = "{msg:24} {wide_bar} {pos}/{len}  {elapsed} gone, {left}";
const LINE: &str = "{msg}: {pos} of {len}, {elapsed} gone, {left}";

/// Sends tracing events to stderr; `RUST_LOG` chooses which.
pub(crate) fn start_logging(quiet: bool) {
    let level = if quiet { "error" } else { "trainer=info,warn" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let ansi = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(ansi)
        .without_time()
        .with_target(false)
        .init();
}

/// Steps done, time gone and time left; a line every ten seconds where stderr is no terminal, nothing where nobody wants to hear.
pub(crate) fn bar(title: &str, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let is_terminal = std::io::stderr().is_terminal();
    let (target, template) = if is_terminal {
        (ProgressDrawTarget::stderr(), BAR)
    } else {
        (ProgressDrawTarget::term_like(Box::new(PlainLines::new(|line| eprintln!("{line}")))), LINE)
    };
    let bar = ProgressBar::with_draw_target(Some(0), target).with_style(style(template)).with_message(title.to_owned());
    bar.enable_steady_tick(Duration::from_millis(if is_terminal { 200 } else { 1000 }));
    bar
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).expect("the templates above are valid");
    style.with_key("left", |state: &ProgressState, text: &mut dyn Write| {
        // A text that a bar cannot take is not worth stopping for.
        let _ = text.write_str(&left(state));
    })
}

/// How long it will take yet, once there is a step to judge by.
fn left(state: &ProgressState) -> String {
    if state.pos() == 0 || state.len().is_none_or(|len| len == 0) {
        return "time left not known yet".into();
    }
    format!("{} left", indicatif::HumanDuration(state.eta()))
}

/// A terminal that cannot move its cursor: of all that is drawn, a line now and then is kept.
#[derive(Debug)]
struct PlainLines {
    drawn: Mutex<Drawn>,
    print: fn(&str),
}

#[derive(Debug)]
struct Drawn {
    text: String,
    last: Instant,
}

impl PlainLines {
    fn new(print: fn(&str)) -> Self {
        Self { drawn: Mutex::new(Drawn { text: String::new(), last: Instant::now() }), print }
    }

    fn drawn(&self) -> std::sync::MutexGuard<'_, Drawn> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TermLike for PlainLines {
    fn width(&self) -> u16 {
        200
    }

    fn move_cursor_up(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> std::io::Result<()> {
        self.write_str(text)
    }

    fn write_str(&self, text: &str) -> std::io::Result<()> {
        self.drawn().text += text;
        Ok(())
    }

    fn clear_line(&self) -> std::io::Result<()> {
        Ok(())
    }

    fn flush(&self) -> std::io::Result<()> {
        let mut drawn = self.drawn();
        let text = std::mem::take(&mut drawn.text);
        if !text.trim().is_empty() && drawn.last.elapsed() >= BETWEEN_LINES {
            drawn.last = Instant::now();
            (self.print)(text.trim());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static PRINTED: Mutex<Vec<String>> = Mutex::new(Vec::new());

    #[test]
    fn a_plain_line_comes_after_ten_seconds_and_no_other_soon_after() {
        let lines = PlainLines::new(|line| PRINTED.lock().unwrap().push(line.to_owned()));
        let draw = |text: &str| {
            lines.write_str("\r").unwrap();
            lines.write_str(text).unwrap();
            lines.flush().unwrap();
        };
        draw("1 of 9   ");
        lines.drawn().last -= BETWEEN_LINES;
        draw("2 of 9   ");
        draw("3 of 9   ");
        lines.drawn().last -= BETWEEN_LINES;
        draw("");
        assert_eq!(*PRINTED.lock().unwrap(), ["2 of 9"]);
    }

    #[test]
    fn the_templates_are_valid() {
        [BAR, LINE].into_iter().for_each(|template| drop(style(template)));
    }
}
