//! Dates as the parts of the calendar, inside the graph.
//!
//! A date is one feature: days since 1970-01-01, the time of day being their fraction. In front of a classifier the features of a row become
//! wider rows: the same columns (days kept within the training rows' range, as no model knows what comes after), then the parts of each date.
//!
//! The arithmetic is written once and done by whoever can add, multiply and round down: by float32 numbers in training, by operators in a
//! graph. Divisions are multiplications, as runtimes turn one into the other: of whole numbers below 2^22, `floor((a + 0.5) * (1 / b))` is
//! exactly `floor(a / b)` in float32, since a half of `1 / b` is more than what rounding can take.
//!
//! Source: Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`.

use crate::error::{self, Error};
use crate::graph::{FEATURES, Graph, axis};

/// How features become the wider rows that a classifier takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calendar {
    /// Width of a row of features.
    pub n_features: usize,
    /// The columns of dates.
    pub dates: Vec<DateColumn>,
}

/// A column of dates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DateColumn {
    /// Index of the feature.
    pub feature: usize,
    /// Whether the hour is one of its parts.
    pub has_time: bool,
    /// Days of the earliest training value: no model sees an earlier day.
    pub earliest: f32,
    /// Days of the latest training value.
    pub latest: f32,
}

/// The parts of a date; each NaN where the date is missing.
#[derive(Clone, Debug, PartialEq)]
pub struct DateParts<V = f32> {
    /// January is 0.
    pub month: V,
    /// The first is 1.
    pub day: V,
    /// Monday is 0.
    pub weekday: V,
    /// 0 to 23.
    pub hour: V,
}

impl Calendar {
    /// Refuses columns that rows of this width do not have.
    pub fn check(&self) -> Result<(), Error> {
        error::at_least("dates", 1, self.dates.len())?;
        self.dates.iter().try_for_each(|date| {
            error::feature(date.feature, self.n_features)?;
            error::finite("dates", &[date.earliest, date.latest])
        })
    }

    /// Width of the wider rows.
    pub fn width(&self) -> usize {
        self.n_features + 3 * self.dates.len() + self.with_time().count()
    }

    /// Appends the wider row to a batch: the features, then every date's month, every date's day of the month, every date's day of the week,
    /// and the hour of those that have one.
    pub fn unfold(&self, row: &[f32], batch: &mut Vec<f32>) {
        let first = batch.len();
        batch.extend_from_slice(row);
        for date in &self.dates {
            let days = &mut batch[first + date.feature];
            *days = kept_within(*days, date.earliest, date.latest);
        }
        let parts: Vec<DateParts> = self.dates.iter().map(|date| DateParts::of(row[date.feature])).collect();
        batch.extend(parts.iter().map(|parts| parts.month));
        batch.extend(parts.iter().map(|parts| parts.day));
        batch.extend(parts.iter().map(|parts| parts.weekday));
        batch.extend(parts.iter().zip(&self.dates).filter(|(_, date)| date.has_time).map(|(parts, _)| parts.hour));
    }

    /// Writes the wider rows of the features; gives back their name.
    pub(crate) fn write(&self, graph: &mut Graph) -> String {
        let kept = self.kept(graph);
        let days = graph.columns(self.dates.iter().map(|date| date.feature));
        let (first, last) = (graph.floats(&[1, 1], &[FIRST_DAY]), graph.floats(&[1, 1], &[LAST_DAY]));
        let days = between(graph, &days, &first, &last);
        let parts = take_apart(graph, &days);
        let mut all = vec![kept, parts.month, parts.day, parts.weekday];
        if self.with_time().next().is_some() {
            all.push(graph.columns_of(&parts.hour, self.with_time()));
        }
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        graph.op("Concat", &all, vec![axis(1)])
    }

    /// The features with every date's days kept within its range.
    fn kept(&self, graph: &mut Graph) -> String {
        let mut bounds = |other: f32, of: fn(&DateColumn) -> f32| {
            let mut row = vec![other; self.n_features];
            self.dates.iter().for_each(|date| row[date.feature] = of(date));
            graph.floats(&[1, row.len()], &row)
        };
        let (earliest, latest) = (bounds(f32::MIN, |date| date.earliest), bounds(f32::MAX, |date| date.latest));
        between(graph, FEATURES, &earliest, &latest)
    }

    /// The dates that have an hour, by their place among the dates.
    fn with_time(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.dates.len()).filter(|&at| self.dates[at].has_time)
    }
}

impl DateParts {
    /// Of days since 1970-01-01.
    pub fn of(days: f32) -> Self {
        take_apart(&mut Numbers, &kept_within(days, FIRST_DAY, LAST_DAY))
    }
}

/// Comparisons are false for what is missing, which stays so.
fn between(graph: &mut Graph, values: &str, least: &str, most: &str) -> String {
    let above = graph.op("Greater", &[values, most], vec![]);
    let capped = graph.op("Where", &[&above, most, values], vec![]);
    let below = graph.op("Less", &[&capped, least], vec![]);
    graph.op("Where", &[&below, least, &capped], vec![])
}

fn kept_within(days: f32, earliest: f32, latest: f32) -> f32 {
    let capped = if days > latest { latest } else { days };
    if capped < earliest { earliest } else { capped }
}

/// What can do the arithmetic.
trait Arithmetic {
    type Value;

    fn plus(&mut self, value: &Self::Value, number: f32) -> Self::Value;
    fn times(&mut self, value: &Self::Value, number: f32) -> Self::Value;
    fn floor(&mut self, value: &Self::Value) -> Self::Value;
    fn sum(&mut self, a: &Self::Value, b: &Self::Value) -> Self::Value;
    fn difference(&mut self, a: &Self::Value, b: &Self::Value) -> Self::Value;

    /// How often a whole number goes into another.
    fn quotient(&mut self, value: &Self::Value, divisor: f32) -> Self::Value {
        let above = self.plus(value, 0.5);
        let share = self.times(&above, 1.0 / divisor);
        self.floor(&share)
    }

    /// What is left of a whole number, given how often another goes into it.
    fn remainder(&mut self, value: &Self::Value, divisor: f32, quotient: &Self::Value) -> Self::Value {
        let multiple = self.times(quotient, divisor);
        self.difference(value, &multiple)
    }
}

/// 0001-01-01 and the last hour of 9999-12-31: the arithmetic is exact between them.
const FIRST_DAY: f32 = -719_162.0;
#[expect(clippy::excessive_precision, reason = "a quarter of a day is exact in float32")]
const LAST_DAY: f32 = 2_932_896.75;
/// Days from the first of March of the year 0 to 1970-01-01, a Thursday.
const DAYS_TO_EPOCH: f32 = 719_468.0;
const DAYS_PER_ERA: f32 = 146_097.0;
/// float32 holds a quarter of an hour of a day to less than this part of an hour from 1611 to 2328.
const HOUR_TOLERANCE: f32 = 0.125;

fn take_apart<A: Arithmetic>(a: &mut A, days: &A::Value) -> DateParts<A::Value> {
    let day = a.floor(days);
    let time = a.difference(days, &day);
    let hours = a.times(&time, 24.0);
    let hours = a.plus(&hours, HOUR_TOLERANCE);
    let hour = a.floor(&hours);
    let from_monday = a.plus(&day, 3.0);
    let weeks = a.quotient(&from_monday, 7.0);
    let weekday = a.remainder(&from_monday, 7.0, &weeks);
    let day_of_year = day_of_year(a, &day);
    // Months from March; 153 days are five of them, wherever they begin.
    let scaled = a.times(&day_of_year, 5.0);
    let scaled = a.plus(&scaled, 2.0);
    let from_march = a.quotient(&scaled, 153.0);
    let begin = a.times(&from_march, 153.0);
    let begin = a.plus(&begin, 2.0);
    let begin = a.quotient(&begin, 5.0);
    let day = a.difference(&day_of_year, &begin);
    let day = a.plus(&day, 1.0);
    let from_january = a.plus(&from_march, 2.0);
    let years = a.quotient(&from_january, 12.0);
    let month = a.remainder(&from_january, 12.0, &years);
    DateParts { month, day, weekday, hour }
}

/// Days since the first of March.
fn day_of_year<A: Arithmetic>(a: &mut A, day: &A::Value) -> A::Value {
    let shifted = a.plus(day, DAYS_TO_EPOCH);
    let era = a.quotient(&shifted, DAYS_PER_ERA);
    let day_of_era = a.remainder(&shifted, DAYS_PER_ERA, &era);
    let (fours, centuries) = (a.quotient(&day_of_era, 1460.0), a.quotient(&day_of_era, 36_524.0));
    let last = a.quotient(&day_of_era, 146_096.0);
    let in_years = a.difference(&day_of_era, &fours);
    let in_years = a.sum(&in_years, &centuries);
    let in_years = a.difference(&in_years, &last);
    let year = a.quotient(&in_years, 365.0);
    let (leaps, skipped) = (a.quotient(&year, 4.0), a.quotient(&year, 100.0));
    let before = a.times(&year, 365.0);
    let before = a.sum(&before, &leaps);
    let before = a.difference(&before, &skipped);
    a.difference(&day_of_era, &before)
}

/// Float32 numbers.
struct Numbers;

impl Arithmetic for Numbers {
    type Value = f32;

    fn plus(&mut self, value: &f32, number: f32) -> f32 {
        value + number
    }

    fn times(&mut self, value: &f32, number: f32) -> f32 {
        value * number
    }

    fn floor(&mut self, value: &f32) -> f32 {
        value.floor()
    }

    fn sum(&mut self, a: &f32, b: &f32) -> f32 {
        a + b
    }

    fn difference(&mut self, a: &f32, b: &f32) -> f32 {
        a - b
    }
}

impl Arithmetic for Graph {
    type Value = String;

    fn plus(&mut self, value: &String, number: f32) -> String {
        let number = self.floats(&[1, 1], &[number]);
        self.op("Add", &[value, &number], vec![])
    }

    fn times(&mut self, value: &String, number: f32) -> String {
        let number = self.floats(&[1, 1], &[number]);
        self.op("Mul", &[value, &number], vec![])
    }

    fn floor(&mut self, value: &String) -> String {
        self.op("Floor", &[value], vec![])
    }

    fn sum(&mut self, a: &String, b: &String) -> String {
        self.op("Add", &[a, b], vec![])
    }

    fn difference(&mut self, a: &String, b: &String) -> String {
        self.op("Sub", &[a, b], vec![])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(days: f32, month: f32, day: f32, weekday: f32, hour: f32) {
        assert_eq!(DateParts::of(days), DateParts { month, day, weekday, hour }, "{days}");
    }

    #[test]
    fn known_days_have_their_parts() {
        check(0.0, 0.0, 1.0, 3.0, 0.0);
        check(-25_568.0, 11.0, 31.0, 6.0, 0.0);
        check(11_016.0, 1.0, 29.0, 1.0, 0.0);
        check(47_541.0, 2.0, 1.0, 0.0, 0.0);
        check(19_860.75, 4.0, 17.0, 4.0, 18.0);
        check(-0.25, 11.0, 31.0, 2.0, 18.0);
        check(2_932_896.0, 11.0, 31.0, 4.0, 0.0);
        let missing = DateParts::of(f32::NAN);
        assert!([missing.month, missing.day, missing.weekday, missing.hour].iter().all(|part| part.is_nan()));
    }

    /// Walks the calendar a day at a time, from 0001-01-01, a Monday, to 9999-12-31.
    #[test]
    fn every_day_of_the_years_1_to_9999_has_its_parts() {
        let (mut year, mut month, mut day, mut weekday) = (1, 0, 1, 0);
        for days in -719_162..=2_932_896 {
            check(days as f32, month as f32, day as f32, weekday as f32, 0.0);
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let last = [31, 28 + i32::from(is_leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month];
            (day, weekday) = (day + 1, (weekday + 1) % 7);
            if day > last {
                (day, month) = (1, month + 1);
            }
            if month == 12 {
                (month, year) = (0, year + 1);
            }
        }
        assert_eq!((year, month, day), (10_000, 0, 1));
    }

    #[test]
    fn every_quarter_of_an_hour_has_its_hour() {
        for day in (-130_000..130_000).step_by(997) {
            for quarter in 0..96 {
                let days = (f64::from(day) + f64::from(quarter) / 96.0) as f32;
                assert_eq!(DateParts::of(days).hour, (quarter / 4) as f32, "{day} {quarter}");
            }
        }
    }

    #[test]
    fn rows_become_wider() {
        let date = |feature, has_time| DateColumn { feature, has_time, earliest: 0.0, latest: 100.0 };
        let calendar = Calendar { n_features: 3, dates: vec![date(0, false), date(2, true)] };
        assert_eq!((calendar.check(), calendar.width()), (Ok(()), 10));
        let mut rows = Vec::new();
        calendar.unfold(&[120.5, -3.0, 31.25], &mut rows);
        assert_eq!(rows, [100.0, -3.0, 31.25, 4.0, 1.0, 1.0, 1.0, 4.0, 6.0, 6.0]);
        calendar.unfold(&[-1.0, 0.0, f32::NAN], &mut rows);
        assert_eq!((rows[10], rows[11], rows[13]), (0.0, 0.0, 11.0));
        assert!([12, 14, 16, 18, 19].iter().all(|&at| rows[at].is_nan()), "{rows:?}");
    }

    #[test]
    fn columns_beyond_the_row_are_refused() {
        let date = DateColumn { feature: 1, has_time: false, earliest: 0.0, latest: 1.0 };
        let refused = |calendar: Calendar| calendar.check().unwrap_err().to_string();
        assert_eq!(refused(Calendar { n_features: 1, dates: vec![date] }), "feature 1 is beyond the 1 of a row");
        assert_eq!(refused(Calendar { n_features: 1, dates: vec![] }), "0 dates are too few");
    }
}
