//! A date, perhaps with a time of day, as records write it (ISO 8601) and as models count it (days since 1970-01-01).
//!
//! A moment with an offset is told in UTC; one without is taken as it stands. A moment at midnight is written as its date alone.
//!
//! Source of the calendar arithmetic: Howard Hinnant, "chrono-compatible low-level date algorithms".

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const SECONDS_PER_DAY: i64 = 86_400;
/// Days from the first of March of the year 0 to 1970-01-01.
const DAYS_TO_EPOCH: i64 = 719_468;
const DAYS_PER_ERA: i64 = 146_097;
/// A model sees the time of day in quarters of an hour.
const SECONDS_PER_STEP: i64 = 900;
const STEPS_PER_DAY: f64 = 96.0;

/// A date of the years 1 to 9999, perhaps with a time of day to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    /// Since 1970-01-01T00:00:00.
    seconds: i64,
}

/// How files write dates, beside ISO 8601.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateForm {
    /// `31/5/2024`, `31.05.2024` or `31-05-2024`, perhaps with a time.
    DayFirst,
    /// `5/31/2024` or `05-31-2024`, perhaps with a time.
    MonthFirst,
}

/// A text that is no [`Moment`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a date like 2024-05-31 or 2024-05-31T13:45:00")]
pub struct NotAMoment;

impl Moment {
    /// The moment this many days after 1970-01-01, to the second; the nearest one of the years 1 to 9999.
    pub fn from_days(days: f64) -> Self {
        let first = days_from_civil(1, 1, 1) * SECONDS_PER_DAY;
        let last = days_from_civil(10_000, 1, 1) * SECONDS_PER_DAY - 1;
        Self { seconds: ((days * SECONDS_PER_DAY as f64).round() as i64).clamp(first, last) }
    }

    /// Reads a date in ISO 8601 or, where a file has one, in its own form.
    pub fn read(text: &str, form: Option<DateForm>) -> Result<Self, NotAMoment> {
        text.parse().or_else(|error| form.and_then(|form| form.to_iso(text)).ok_or(error)?.parse())
    }

    /// Days since 1970-01-01, the time of day being their fraction.
    pub fn days(self) -> f64 {
        self.seconds as f64 / SECONDS_PER_DAY as f64
    }

    /// What a model sees: days since 1970-01-01, the time of day in quarters of an hour that have passed.
    ///
    /// A time between two quarters is that of the first, as rounding would carry the last minute of a day into the next.
    pub fn feature(self) -> f32 {
        (self.seconds.div_euclid(SECONDS_PER_STEP) as f64 / STEPS_PER_DAY) as f32
    }

    /// Whether it is another time of day than midnight.
    pub fn has_time(self) -> bool {
        self.seconds.rem_euclid(SECONDS_PER_DAY) != 0
    }
}

impl DateForm {
    /// A date like that, for those who have to write another.
    pub fn example(form: Option<Self>) -> &'static str {
        match form {
            None => "2024-05-31 or 2024-05-31T13:45:00",
            Some(Self::DayFirst) => "31/05/2024, 31/05/2024 13:45 or 2024-05-31",
            Some(Self::MonthFirst) => "05/31/2024, 05/31/2024 13:45 or 2024-05-31",
        }
    }

    /// The same text in ISO 8601, if it has this form; the date may still be none. Points stand in dates that begin with the day alone.
    fn to_iso(self, text: &str) -> Option<String> {
        let (date, time) = text.split_at(text.find(['T', ' ']).unwrap_or(text.len()));
        let mark = date.chars().find(|sign| !sign.is_ascii_digit())?;
        let parts: Vec<&str> = date.split(mark).collect();
        let [first, second, year] = parts[..] else { return None };
        let (month, day) = match (self, mark) {
            (Self::DayFirst, '/' | '.' | '-') => (second, first),
            (Self::MonthFirst, '/' | '-') => (first, second),
            _ => return None,
        };
        let fits = year.len() == 4 && [month, day].iter().all(|part| matches!(part.len(), 1 | 2));
        fits.then(|| format!("{year}-{month:0>2}-{day:0>2}{time}"))
    }
}

impl FromStr for Moment {
    type Err = NotAMoment;

    fn from_str(text: &str) -> Result<Self, NotAMoment> {
        parse(text.as_bytes()).ok_or(NotAMoment)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.seconds.div_euclid(SECONDS_PER_DAY));
        write!(formatter, "{year:04}-{month:02}-{day:02}")?;
        match self.seconds.rem_euclid(SECONDS_PER_DAY) {
            0 => Ok(()),
            time => write!(formatter, "T{:02}:{:02}:{:02}", time / 3600, time / 60 % 60, time % 60),
        }
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error| serde::de::Error::custom(format!("`{text}` is {error}")))
    }
}

/// `YYYY-MM-DD`, perhaps followed by `T` or a space, `HH:MM`, perhaps `:SS` and a fraction of it, perhaps `Z` or an offset.
fn parse(text: &[u8]) -> Option<Moment> {
    let (date, time) = text.split_at_checked(10)?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *date else { return None };
    let (year, month, day) = (digits(&[y1, y2, y3, y4])?, digits(&[m1, m2])?, digits(&[d1, d2])?);
    if year == 0 || !(1..=12).contains(&month) || !(1..=days_of(year, month)).contains(&day) {
        return None;
    }
    let seconds = days_from_civil(year, month, day) * SECONDS_PER_DAY;
    match time {
        [] => Some(Moment { seconds }),
        [b'T' | b't' | b' ', time @ ..] => Moment { seconds: seconds + parse_time(time)? }.in_range(),
        _ => None,
    }
}

impl Moment {
    /// An offset may lead beyond the years that have four digits.
    fn in_range(self) -> Option<Self> {
        let days = self.seconds.div_euclid(SECONDS_PER_DAY);
        (days_from_civil(1, 1, 1)..days_from_civil(10_000, 1, 1)).contains(&days).then_some(self)
    }
}

/// Seconds since midnight, in UTC where there is an offset.
fn parse_time(time: &[u8]) -> Option<i64> {
    let end = time.iter().position(|byte| matches!(byte, b'Z' | b'z' | b'+' | b'-' | b' ')).unwrap_or(time.len());
    let (clock, zone) = time.split_at(end);
    let [h1, h2, b':', m1, m2, seconds @ ..] = clock else { return None };
    let (hours, minutes) = (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?);
    let seconds = match seconds {
        [] => 0,
        [b':', s1, s2] => digits(&[*s1, *s2])?,
        [b':', s1, s2, b'.' | b',', fraction @ ..] => digits(fraction).and(digits(&[*s1, *s2]))?,
        _ => return None,
    };
    let in_range = hours < 24 && minutes < 60 && seconds < 60;
    in_range.then_some(hours * 3600 + minutes * 60 + seconds - parse_offset(zone)?)
}

/// Seconds east of UTC.
fn parse_offset(zone: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match *zone.strip_prefix(b" ").unwrap_or(zone) {
        [] if zone.is_empty() => return Some(0),
        [b'Z' | b'z'] | [b'U', b'T', b'C'] => return Some(0),
        [sign, h1, h2] => (sign, digits(&[h1, h2])?, 0),
        [sign, h1, h2, b':', m1, m2] | [sign, h1, h2, m1, m2] => (sign, digits(&[h1, h2])?, digits(&[m1, m2])?),
        _ => return None,
    };
    let offset = (hours < 24 && minutes < 60).then_some(hours * 3600 + minutes * 60)?;
    match sign {
        b'+' => Some(offset),
        b'-' => Some(-offset),
        _ => None,
    }
}

/// The number that one to eighteen digits name.
fn digits(bytes: &[u8]) -> Option<i64> {
    let all = !bytes.is_empty() && bytes.len() <= 18 && bytes.iter().all(u8::is_ascii_digit);
    all.then(|| bytes.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
}

fn days_of(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Years begin in March, so that the day that is sometimes there is the last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * DAYS_PER_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - DAYS_TO_EPOCH
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + DAYS_TO_EPOCH;
    let (era, day_of_era) = (shifted.div_euclid(DAYS_PER_ERA), shifted.rem_euclid(DAYS_PER_ERA));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, Days, NaiveDate, NaiveDateTime};

    use super::*;

    #[track_caller]
    fn check(text: &str, days: f64, written: &str) {
        let moment: Moment = text.parse().unwrap();
        assert_eq!((moment.days(), moment.to_string().as_str()), (days, written), "{text}");
        assert_eq!(written.parse(), Ok(moment));
        assert_eq!(Moment::from_days(days), moment);
    }

    #[test]
    fn iso_8601_is_read() {
        check("1970-01-01", 0.0, "1970-01-01");
        check("1899-12-31", -25_568.0, "1899-12-31");
        check("2000-02-29", 11_016.0, "2000-02-29");
        check("2100-03-01", 47_541.0, "2100-03-01");
        check("0001-01-01", -719_162.0, "0001-01-01");
        check("9999-12-31T23:59:59", 2_932_896.0 + 86_399.0 / 86_400.0, "9999-12-31T23:59:59");
        check("1970-01-02T06:00", 1.25, "1970-01-02T06:00:00");
        check("1970-01-02 06:00:00.999", 1.25, "1970-01-02T06:00:00");
        check("1969-12-31T18:00:00Z", -0.25, "1969-12-31T18:00:00");
        check("1970-01-02T00:00:00", 1.0, "1970-01-02");
    }

    #[test]
    fn an_offset_is_told_in_utc() {
        check("1970-01-01T00:30:00+02:00", -0.0625, "1969-12-31T22:30:00");
        check("1969-12-31T18:00:00-0600", 0.0, "1970-01-01");
        check("1970-01-01 12:00:00+00", 0.5, "1970-01-01T12:00:00");
        check("1970-01-01 12:00:00 UTC", 0.5, "1970-01-01T12:00:00");
    }

    #[test]
    fn anything_else_is_no_date() {
        let texts = [
            "",
            "2024",
            "2024-5-17",
            "17.05.2024",
            "05/17/2024",
            "2024-02-30",
            "2023-02-29",
            "2024-13-01",
            "2024-00-10",
            "0000-01-01",
            "2024-05-17T",
            "2024-05-17T25:00",
            "2024-05-17T12:60",
            "2024-05-17T12:00:60",
            "2024-05-17T12",
            "2024-05-17x12:00",
            "2024-05-17T12:00:00.",
            "2024-05-17T12:00Q",
            "2024-05-17T12:00+1",
            "2024-05-17T12:00 ",
            "20240517",
            "２０２４-05-17",
            "0001-01-01T00:00+01:00",
            "9999-12-31T23:00-02:00",
        ];
        texts.iter().for_each(|text| assert_eq!(text.parse::<Moment>(), Err(NotAMoment), "{text}"));
    }

    #[track_caller]
    fn check_form(form: DateForm, text: &str, expect: Option<&str>) {
        assert_eq!(Moment::read(text, Some(form)).ok().map(|moment| moment.to_string()).as_deref(), expect, "{text}");
    }

    #[test]
    fn a_file_may_have_a_form_of_its_own() {
        use DateForm::{DayFirst, MonthFirst};
        check_form(DayFirst, "31/05/2024", Some("2024-05-31"));
        check_form(DayFirst, "1.2.2024", Some("2024-02-01"));
        check_form(DayFirst, "01-02-2024 13:45", Some("2024-02-01T13:45:00"));
        check_form(MonthFirst, "5/31/2024", Some("2024-05-31"));
        check_form(MonthFirst, "01/02/2024T13:45:00Z", Some("2024-01-02T13:45:00"));
        check_form(MonthFirst, "2024-05-31", Some("2024-05-31"));
        check_form(DayFirst, "05/31/2024", None);
        check_form(MonthFirst, "31/05/2024", None);
        check_form(MonthFirst, "5.31.2024", None);
        for text in ["", "31/05/24", "31/05-2024", "31/05", "1/2/3/2024", "x/y/2024", "001/02/2024", "31/05/2024 later"] {
            check_form(DayFirst, text, None);
        }
        assert!(Moment::read("31/05/2024", None).is_err());
    }

    #[test]
    fn the_calendar_is_chrono_s() {
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        let mut date = NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
        while date.year() < 10_000 {
            let days = (date - epoch).num_days();
            let (year, month, day) = civil_from_days(days);
            assert_eq!((year, month, day), (i64::from(date.year()), i64::from(date.month()), i64::from(date.day())));
            assert_eq!(days_from_civil(year, month, day), days);
            date = date.checked_add_days(Days::new(1)).unwrap();
        }
    }

    #[test]
    fn a_model_sees_the_quarter_of_the_hour_and_never_another_day() {
        let feature = |text: &str| text.parse::<Moment>().unwrap().feature();
        assert_eq!(feature("2024-05-17"), 19_860.0);
        assert_eq!(feature("2024-05-17T13:14:59"), feature("2024-05-17T13:00"));
        for text in ["2024-05-17T23:59:59", "1900-01-01T23:59:59", "2200-01-01T23:59:59"] {
            let (whole, day) = (text.parse::<Moment>().unwrap(), text[..10].parse::<Moment>().unwrap());
            assert_eq!(f64::from(whole.feature().floor()), day.days());
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_moment_or_none(text in ".*") {
            let _ = text.parse::<Moment>();
        }

        #[test]
        fn a_moment_is_read_as_it_is_written(seconds in -62_135_596_800i64..253_402_300_800) {
            let moment = Moment { seconds };
            proptest::prop_assert_eq!(moment.to_string().parse(), Ok(moment));
            let told = NaiveDateTime::parse_from_str(&format!("{}T00:00:00", &moment.to_string()[..10]), "%Y-%m-%dT%H:%M:%S");
            proptest::prop_assert!(told.is_ok());
        }
    }
}
