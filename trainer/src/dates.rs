//! Dating rows as the dataset's `[time]` says.

use chrono::{Datelike, NaiveDate, TimeDelta};
use data_contract::{Clock, Dataset, DateForm};
use polars::prelude::*;

use crate::frame::texts;
use crate::rows;

/// Months in English; three letters tell them apart.
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Rows in which more years than this pass are not in the order of time.
const MOST_YEARS: i32 = 100;

/// Where the rows of a file without years are in time; the next file goes on from there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Calendar {
    year: i32,
    last_month: u32,
}

impl Calendar {
    /// Before the first row.
    pub(crate) fn new(clock: &Clock) -> Self {
        match clock {
            Clock::DayAndMonth { first_year, .. } => Self { year: *first_year, last_month: 0 },
            Clock::None | Clock::Column { .. } => Self::default(),
        }
    }
}

/// The date of each row, or why it has none; `None` for a dataset without time, and for rows whose order cannot tell the year.
pub(crate) type Dates = Option<Vec<Result<NaiveDate, String>>>;

/// Dates every row of a frame; `column` finds a column by its name in the TOML file.
pub(crate) fn date_rows<'a>(
    dataset: &Dataset,
    calendar: &mut Calendar,
    column: impl Fn(&str) -> anyhow::Result<&'a Column>,
) -> anyhow::Result<Dates> {
    match &dataset.time {
        Clock::None => Ok(None),
        Clock::Column { column: name } => {
            let dates = texts(column(name)?)?;
            let form = dataset.rule(name).and_then(|rule| rule.form);
            Ok(Some(dates.iter().map(|text| parse_date(text.unwrap_or_default(), form)).collect()))
        }
        Clock::DayAndMonth { day, month, .. } => {
            let (days, months) = (texts(column(day)?)?, texts(column(month)?)?);
            let pairs = days.iter().zip(months.iter()).map(|(d, m)| (d.unwrap_or_default(), m.unwrap_or_default()));
            Ok(years_if_ordered(pairs, calendar))
        }
    }
}

/// The dates, unless the rows are in no order of time; then the calendar stays where it was.
fn years_if_ordered<'a>(rows: impl Iterator<Item = (&'a str, &'a str)>, calendar: &mut Calendar) -> Dates {
    let before = *calendar;
    let dates = years_from_order(rows, calendar);
    if calendar.year - before.year > MOST_YEARS {
        *calendar = before;
        return None;
    }
    Some(dates)
}

/// Rows in date order: a month smaller than the one before begins a new year.
fn years_from_order<'a>(
    rows: impl Iterator<Item = (&'a str, &'a str)>,
    calendar: &mut Calendar,
) -> Vec<Result<NaiveDate, String>> {
    let date = |(day, month): (&str, &str)| {
        let month = parse_month(month)?;
        let day_number = parse_number(day).ok_or_else(|| format!("`{day}` is not a day of the month"))?;
        let next = if month < calendar.last_month { calendar.year + 1 } else { calendar.year };
        let date = NaiveDate::from_ymd_opt(next, month, day_number)
            .ok_or_else(|| format!("{next}-{month}-{day_number} is not a date"))?;
        *calendar = Calendar { year: date.year(), last_month: month };
        Ok(date)
    };
    rows.map(date).collect()
}

fn parse_month(text: &str) -> Result<u32, String> {
    let lower = text.trim().to_lowercase();
    let named = MONTHS.iter().position(|month| lower.starts_with(month)).map(|index| index as u32 + 1);
    let month = named.or_else(|| parse_number(&lower)).filter(|month| (1..=12).contains(month));
    month.ok_or_else(|| format!("`{text}` is not a month"))
}

fn parse_number(text: &str) -> Option<u32> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.parse::<f64>().ok().filter(|number| number.fract() == 0.0).map(|number| number as u32))
}

fn parse_date(text: &str, form: Option<DateForm>) -> Result<NaiveDate, String> {
    if text.trim().is_empty() {
        return Err("the date is missing".into());
    }
    let days = rows::parse_moment(text.trim(), form)?.days().floor() as i64;
    Ok(NaiveDate::default() + TimeDelta::days(days))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_year_follows_from_the_order() {
        let rows = [("5", "may"), ("31", "dec"), ("2", "Jan"), ("30", "feb"), ("x", "mar"), ("1", "7"), ("3", "jan")];
        let mut calendar = Calendar { year: 2008, last_month: 0 };
        let dates = years_from_order(rows.into_iter(), &mut calendar);
        let dates: Vec<_> = dates.into_iter().map(|d| d.map(|d| d.to_string())).collect();
        let expected = [
            Ok("2008-05-05"),
            Ok("2008-12-31"),
            Ok("2009-01-02"),
            Err("2009-2-30 is not a date"),
            Err("`x` is not a day of the month"),
            Ok("2009-07-01"),
            Ok("2010-01-03"),
        ];
        assert_eq!(dates, expected.map(|d| d.map(str::to_owned).map_err(str::to_owned)));
        let second_file = years_from_order([("9", "feb"), ("9", "jan")].into_iter(), &mut calendar);
        assert_eq!(second_file.into_iter().map(|d| d.unwrap().year()).collect::<Vec<_>>(), [2010, 2011]);
    }

    #[test]
    fn rows_in_no_order_get_no_dates_and_leave_the_calendar_alone() {
        let shuffled = [("1", "dec"), ("1", "jan")].into_iter().cycle();
        let mut calendar = Calendar { year: 2008, last_month: 0 };
        assert!(years_if_ordered(shuffled.clone().take(300), &mut calendar).is_none());
        assert_eq!(calendar.year, 2008);
        assert_eq!(years_if_ordered(shuffled.take(180), &mut calendar).unwrap().len(), 180);
    }

    #[test]
    fn a_date_column_may_carry_a_time() {
        assert_eq!(parse_date("2024-05-31T10:00:00", None).unwrap().to_string(), "2024-05-31");
        assert!(parse_date("31.5.2024", None).is_err());
        assert_eq!(parse_date("31.5.2024 10:00", Some(DateForm::DayFirst)).unwrap().to_string(), "2024-05-31");
    }
}
