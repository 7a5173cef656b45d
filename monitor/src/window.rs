//! Windows: the calendar months, weeks or days by which predictions are watched.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long a window is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum By {
    /// A calendar month.
    #[default]
    Month,
    /// An ISO week, Monday to Sunday.
    Week,
    /// A day.
    Day,
}

/// One calendar window, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Window {
    /// Its first day.
    pub(crate) start: NaiveDate,
    /// Its length.
    pub(crate) by: By,
}

impl By {
    /// The `strftime` format of a window's name; it means the same to chrono and DuckDB.
    pub(crate) fn format(self) -> &'static str {
        match self {
            Self::Month => "%Y-%m",
            Self::Week => "%G-W%V",
            Self::Day => "%Y-%m-%d",
        }
    }

    /// The word for one window.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Week => "week",
            Self::Day => "day",
        }
    }
}

impl Window {
    /// The window in which a day lies.
    pub(crate) fn of(date: NaiveDate, by: By) -> Self {
        let back = match by {
            By::Month => date.day0(),
            By::Week => date.weekday().num_days_from_monday(),
            By::Day => 0,
        };
        Self { start: date - Days::new(back.into()), by }
    }

    /// `2009-03`, `2009-W10` or `2009-03-04`.
    pub(crate) fn name(self) -> String {
        self.start.format(self.by.format()).to_string()
    }

    /// `Mar 2009`, `week of 2 Mar 2009` or `4 Mar 2009`.
    pub(crate) fn title(self) -> String {
        let format = match self.by {
            By::Month => "%b %Y",
            By::Week => "week of %-d %b %Y",
            By::Day => "%-d %b %Y",
        };
        self.start.format(format).to_string()
    }

    /// The first day after it.
    pub(crate) fn end(self) -> NaiveDate {
        match self.by {
            By::Month => self.start + Months::new(1),
            By::Week => self.start + Days::new(7),
            By::Day => self.start + Days::new(1),
        }
    }

    /// Its last day.
    pub(crate) fn last_day(self) -> NaiveDate {
        self.end() - Days::new(1)
    }

    /// The moment at which it is over.
    pub(crate) fn end_time(self) -> DateTime<Utc> {
        self.end().and_time(chrono::NaiveTime::MIN).and_utc()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(date: &str, by: By, name: &str, last_day: &str) {
        let window = Window::of(date.parse().unwrap(), by);
        assert_eq!((window.name().as_str(), window.last_day().to_string().as_str()), (name, last_day));
    }

    #[test]
    fn a_day_lies_in_its_month_week_and_day() {
        check("2009-02-14", By::Month, "2009-02", "2009-02-28");
        check("2008-12-31", By::Month, "2008-12", "2008-12-31");
        check("2008-12-31", By::Week, "2009-W01", "2009-01-04");
        check("2009-02-14", By::Day, "2009-02-14", "2009-02-14");
    }
}
