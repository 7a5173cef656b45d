//! How the probability follows a date: over the years, by the day of the week, and by the hour.
//!
//! At single dates the days of the week would hide what comes with the years, so around each date a week is averaged, each day of it at
//! another time; and the days of the week (or the hours) are averaged over the weeks (or days) of the same dates.

use data_contract::{Dependence, DependencePoint, Moment};
use serde_json::Value as Json;
use trainer_estimators::explanation::{Predict, partial_dependence};
use trainer_estimators::metrics::mean;
use trainer_estimators::{Error, Matrix};
use trainer_onnx::DateParts;

/// Monday is the first.
pub(super) const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const HOURS: f32 = 24.0;
/// Of an hour: a time that is surely inside it.
const HALF_PAST: f32 = 0.5;

/// A column of dates of some rows, and who predicts them.
pub(super) struct DateDependence<'a> {
    pub(super) predict: Predict<'a>,
    pub(super) rows: &'a Matrix,
    pub(super) weights: Option<&'a [f32]>,
    pub(super) at: usize,
}

impl DateDependence<'_> {
    /// Over the given dates, each with the share of the rows that are nearest to it; by the day of the week; where there are times, by hour.
    pub(super) fn all(&self, dates: &[(f32, f64)], column: &str, has_time: bool) -> Result<Vec<Dependence>, Error> {
        let days: Vec<f32> = dates.iter().map(|(days, _)| *days).collect();
        if days.is_empty() {
            return Ok(vec![Dependence { column: column.to_owned(), part: None, points: vec![] }]);
        }
        let over_time = dates.iter().map(|&(days, share)| self.point(date(days).into(), share, &week_around(days, has_time)));
        let by_weekday = WEEKDAYS.iter().enumerate().map(|(weekday, name)| {
            let share = self.share(|parts| parts.weekday == weekday as f32);
            let of_week = |days: &f32| days - DateParts::of(*days).weekday + weekday as f32;
            self.point((*name).into(), share, &days.iter().map(of_week).collect::<Vec<_>>())
        });
        let by_hour = (0..HOURS as u32).filter(|_| has_time).map(|hour| {
            let share = self.share(|parts| parts.hour == hour as f32);
            let of_day = |days: &f32| days.floor() + (hour as f32 + HALF_PAST) / HOURS;
            self.point(hour.into(), share, &days.iter().map(of_day).collect::<Vec<_>>())
        });
        let of_part = |part: Option<&str>, points: Vec<DependencePoint>| Dependence {
            column: column.to_owned(),
            part: part.map(str::to_owned),
            points,
        };
        let mut all = vec![
            of_part(None, over_time.collect::<Result<_, _>>()?),
            of_part(Some("weekday"), by_weekday.collect::<Result<_, _>>()?),
        ];
        if has_time {
            all.push(of_part(Some("hour"), by_hour.collect::<Result<_, _>>()?));
        }
        Ok(all)
    }

    /// The mean probabilities over some dates that all rows are given.
    fn point(&self, value: Json, share: f64, days: &[f32]) -> Result<DependencePoint, Error> {
        let means = partial_dependence(self.predict, self.rows, self.weights, self.at, days)?;
        let mean = |class: usize| means.iter().map(|means| means[class]).sum::<f64>() / means.len() as f64;
        Ok(DependencePoint { value, share, probabilities: (0..means[0].len()).map(mean).collect() })
    }

    /// The share of the rows with a date that is so.
    fn share(&self, is: impl Fn(&DateParts) -> bool) -> f64 {
        let known: Vec<(usize, f32)> = self.rows.column(self.at).enumerate().filter(|(_, days)| !days.is_nan()).collect();
        let weights: Option<Vec<f32>> = self.weights.map(|weights| known.iter().map(|(row, _)| weights[*row]).collect());
        let such: Vec<f64> = known.iter().map(|(_, days)| if is(&DateParts::of(*days)) { 1.0 } else { 0.0 }).collect();
        if such.is_empty() { 0.0 } else { mean(&such, weights.as_deref()).value }
    }
}

/// Days since 1970-01-01 as a date, to the minute.
pub(super) fn date(days: f32) -> String {
    const MINUTES: f64 = 1440.0;
    Moment::from_days((f64::from(days) * MINUTES).round() / MINUTES).to_string()
}

/// Three days before and after; where there are times, each day at another.
fn week_around(days: f32, has_time: bool) -> Vec<f32> {
    (0..7).map(|day| days.floor() - 3.0 + day as f32 + if has_time { day as f32 / 7.0 } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of class 1 on Sundays and from noon on.
    fn predict(rows: &Matrix) -> Matrix {
        let is_one = |days: f32| DateParts::of(days).weekday == 6.0 || DateParts::of(days).hour >= 12.0;
        let values = rows.column(0).flat_map(|days| if is_one(days) { [0.0, 1.0] } else { [1.0, 0.0] }).collect();
        Matrix::new(rows.n_rows(), 2, values).unwrap()
    }

    #[test]
    fn days_of_the_week_and_hours_are_followed_apart_from_the_years() {
        let rows = Matrix::new(4, 1, vec![19_860.0, 19_861.0, f32::NAN, 19_900.5]).unwrap();
        let of = DateDependence { predict: &predict, rows: &rows, weights: None, at: 0 };
        let all = of.all(&[(19_860.0, 0.5), (19_900.0, 0.5)], "day", true).unwrap();
        let parts: Vec<_> = all.iter().map(|dependence| (dependence.part.as_deref(), dependence.points.len())).collect();
        assert_eq!(parts, [(None, 2), (Some("weekday"), 7), (Some("hour"), 24)]);
        let ones = |of: &Dependence| of.points.iter().map(|point| point.probabilities[1]).collect::<Vec<_>>();
        assert_eq!(ones(&all[1]), [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!((ones(&all[2])[11], ones(&all[2])[12]), (0.0, 1.0));
        assert_eq!(all[0].points[0].value, "2024-05-17");
        assert_eq!(all[1].points[4].share, 1.0 / 3.0);
        let dates_alone = of.all(&[], "day", false).unwrap();
        assert_eq!((dates_alone.len(), dates_alone[0].points.len()), (1, 0));
    }
}
