//! What a person asks for as a side: a window, a version, or a version in a window.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use crate::counting::Served;
use crate::failure::Failure;
use crate::page::plural;
use crate::window::{By, Window};

/// Names that a hint lists; of more, the first and the last.
const MAX_NAMED: usize = 24;

/// A side by name: `2010-03`, `2010-W10`, `2010-03-04`, `v3`, or both, as `2010-03/v3`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    /// As it was typed.
    pub(crate) name: String,
    /// The window; all of them where none is named.
    pub(crate) window: Option<Window>,
    /// The version; all that served where none is named.
    pub(crate) version: Option<u32>,
}

impl Asked {
    /// Reads a side's name; none where it is no such name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (window, version) = match name.split_once('/') {
            Some((window, version)) => (Some(parse_window(window)?), Some(parse_version(version)?)),
            None => match parse_version(name) {
                Some(version) => (None, Some(version)),
                None => (Some(parse_window(name)?), None),
            },
        };
        Some(Self { name: name.to_owned(), window, version })
    }

    /// Whether a window of a version is part of the side.
    pub(crate) fn takes(&self, (window, version): &Served) -> bool {
        self.window.is_none_or(|own| own == *window) && self.version.is_none_or(|own| own == *version)
    }

    /// `Mar 2010`, `version 3` or `version 3 in Mar 2010`.
    pub(crate) fn title(&self) -> String {
        match (self.window, self.version) {
            (Some(window), Some(version)) => format!("version {version} in {}", window.title()),
            (Some(window), None) => window.title(),
            (None, version) => format!("version {}", version.expect("a side names a window or a version")),
        }
    }
}

/// The error for a side that does not exist, with those that do.
pub(crate) fn unknown(name: &str, served: &BTreeSet<Served>) -> Failure {
    let windows: BTreeSet<Window> = served.iter().map(|(window, _)| *window).collect();
    let versions: BTreeSet<u32> = served.iter().map(|(_, version)| *version).collect();
    let example = served.last().map(|(window, version)| format!("; or both, such as {}/v{version}", window.name()));
    let there_are = format!(
        "there are {}, and {}{}",
        listed(&windows.iter().map(|window| window.name()).collect::<Vec<_>>(), "window"),
        listed(&versions.iter().map(|version| format!("v{version}")).collect::<Vec<_>>(), "version"),
        example.unwrap_or_default()
    );
    Failure::NoSide { name: name.to_owned(), there_are }
}

fn listed(names: &[String], noun: &str) -> String {
    match names {
        [] => format!("no {noun}s"),
        [only] => format!("the {noun} {only}"),
        [first, .., last] if names.len() > MAX_NAMED => format!("{} from {first} to {last}", plural(names.len(), noun)),
        [rest @ .., last] => format!("the {noun}s {} and {last}", rest.join(", ")),
    }
}

fn parse_version(text: &str) -> Option<u32> {
    text.strip_prefix('v')?.parse().ok()
}

/// A window whose name is exactly this.
fn parse_window(text: &str) -> Option<Window> {
    let forms = [(By::Month, "-01", "%Y-%m-%d"), (By::Week, "-1", "%G-W%V-%u"), (By::Day, "", "%Y-%m-%d")];
    forms.into_iter().find_map(|(by, first_day, format)| {
        let date = NaiveDate::parse_from_str(&format!("{text}{first_day}"), format).ok()?;
        Some(Window::of(date, by)).filter(|window| window.name() == text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, title: Option<&str>) {
        assert_eq!(Asked::parse(name).map(|asked| asked.title()).as_deref(), title);
    }

    #[test]
    fn a_side_is_a_window_or_a_version_or_both() {
        check("2010-03", Some("Mar 2010"));
        check("2010-W10", Some("week of 8 Mar 2010"));
        check("2010-03-04", Some("4 Mar 2010"));
        check("v3", Some("version 3"));
        check("2010-03/v3", Some("version 3 in Mar 2010"));
        for wrong in ["", "3", "v", "2010", "2010-3", "2010-13", "2010-W60", "2010-02-30", "2010-03/3", "/v3", "v3/2010-03"] {
            check(wrong, None);
        }
    }

    #[test]
    fn a_side_that_does_not_exist_is_answered_with_those_that_do() {
        let served = |months: u32| {
            let month =
                |month: u32| Window::of(NaiveDate::from_ymd_opt(2000 + month as i32 / 12, 1 + month % 12, 1).unwrap(), By::Month);
            (0..months).map(|at| (month(at), 3 + at % 2)).collect::<BTreeSet<Served>>()
        };
        let hint = |months: u32| unknown("v9", &served(months)).hint();
        assert_eq!(hint(1), "there are the window 2000-01, and the version v3; or both, such as 2000-01/v3");
        assert_eq!(
            hint(3),
            "there are the windows 2000-01, 2000-02 and 2000-03, and the versions v3 and v4; or both, such as 2000-03/v3"
        );
        assert!(hint(30).starts_with("there are 30 windows from 2000-01 to 2002-06, and the versions v3 and v4"), "{}", hint(30));
    }
}
