//! Dates as the parts of the calendar: what every family learns from in their place.
//!
//! A column of dates becomes several: the days themselves, kept within the training rows' range, so that nothing is made of what comes after
//! them; the month and the day of the week as levels; the day of the month and, where there are times, the hour as numbers. The arithmetic
//! is the exported graph's own ([`trainer_onnx::DateParts`]).

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use trainer_onnx::{Calendar, DateColumn};

use crate::family::{Classifier, Exported, Family, Fitted, OnStep, ValidParams};
use crate::link::Scaling;
use crate::{Data, Error, FeatureKind, Matrix, gradient_boosting};

const MONTH: FeatureKind = FeatureKind::Categorical { n_levels: 12 };
const WEEKDAY: FeatureKind = FeatureKind::Categorical { n_levels: 7 };

/// A classifier of rows with dates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dated {
    n_features: usize,
    dates: Vec<Date>,
    /// Of the wider rows.
    fitted: Fitted,
}

/// See [`DateColumn`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Date {
    feature: usize,
    has_time: bool,
    earliest: f32,
    latest: f32,
}

impl Dated {
    /// Fits on the wider rows; none where no column is one of dates.
    pub(crate) fn fit(
        params: &ValidParams,
        train: &Data,
        validation: Option<&Data>,
        seed: u64,
        on_step: OnStep,
    ) -> Option<Result<Self, Error>> {
        let dates = dates(train);
        if dates.is_empty() {
            return None;
        }
        if validation.is_some_and(|validation| !train.matches(validation)) {
            return Some(Err(Error::ValidationMismatch));
        }
        let calendar = calendar(train.kinds().len(), &dates);
        let params = match params.clone() {
            ValidParams::GradientBoosting(params) => {
                ValidParams::GradientBoosting(params.widened(calendar.n_features, calendar.width()))
            }
            others => others,
        };
        let validation = validation.map(|validation| wider(&calendar, validation));
        let fitted = params.fit_columns(&wider(&calendar, train), validation.as_ref(), seed, on_step);
        Some(fitted.map(|fitted| Self { n_features: calendar.n_features, dates, fitted }))
    }

    /// The settings of gradient boosting with what is open in them found on the wider rows.
    pub(crate) fn settled(
        params: gradient_boosting::Params,
        train: &Data,
        seed: u64,
        on_step: OnStep,
    ) -> Result<gradient_boosting::Params, Error> {
        let calendar = calendar(train.kinds().len(), &dates(train));
        if calendar.dates.is_empty() {
            return params.settled(train, seed, on_step);
        }
        let wide = params.clone().widened(calendar.n_features, calendar.width());
        let settled = wide.settled(&wider(&calendar, train), seed, on_step)?;
        Ok(gradient_boosting::Params { combinations: settled.combinations, ..params })
    }

    /// The family.
    pub(crate) fn family(&self) -> Family {
        self.fitted.family()
    }

    /// The same with its log-odds scaled; none where it has none.
    pub(crate) fn scaled(&self, scaling: &Scaling) -> Option<Self> {
        let fitted = self.fitted.scaled(scaling)?;
        Some(Self { fitted, dates: self.dates.clone(), n_features: self.n_features })
    }

    fn calendar(&self) -> Calendar {
        calendar(self.n_features, &self.dates)
    }
}

impl Classifier for Dated {
    fn probabilities(&self, features: &Matrix) -> Matrix {
        self.fitted.probabilities(&unfold(&self.calendar(), features))
    }

    fn n_steps(&self) -> usize {
        self.fitted.n_steps()
    }

    fn converged(&self) -> bool {
        self.fitted.converged()
    }

    fn to_onnx(&self) -> Exported {
        Exported { calendar: Some(self.calendar()), ..self.fitted.to_onnx() }
    }
}

/// The columns of dates with the range of their days; a column without a value has the range of one day.
fn dates(data: &Data) -> Vec<Date> {
    let of_column = |(feature, kind): (usize, &FeatureKind)| {
        let FeatureKind::Date { has_time } = *kind else { return None };
        let known = || data.features().column(feature).filter(|days| !days.is_nan());
        let range = known().reduce(f32::min).zip(known().reduce(f32::max));
        let (earliest, latest) = range.unwrap_or((0.0, 0.0));
        Some(Date { feature, has_time, earliest, latest })
    };
    data.kinds().iter().enumerate().filter_map(of_column).collect()
}

fn calendar(n_features: usize, dates: &[Date]) -> Calendar {
    let column =
        |date: &Date| DateColumn { feature: date.feature, has_time: date.has_time, earliest: date.earliest, latest: date.latest };
    Calendar { n_features, dates: dates.iter().map(column).collect() }
}

/// The same rows with the parts of their dates, in the order of [`Calendar::unfold`].
fn wider(calendar: &Calendar, data: &Data) -> Data {
    let days = |kind: &FeatureKind| match kind {
        FeatureKind::Date { .. } => FeatureKind::Numeric,
        other => *other,
    };
    let mut kinds: Vec<FeatureKind> = data.kinds().iter().map(days).collect();
    let n_dates = calendar.dates.len();
    for kind in [MONTH, FeatureKind::Numeric, WEEKDAY] {
        kinds.extend(std::iter::repeat_n(kind, n_dates));
    }
    kinds.resize(calendar.width(), FeatureKind::Numeric);
    data.with_columns(unfold(calendar, data.features()), kinds)
}

/// # Panics
/// When the rows have another width than the training rows.
fn unfold(calendar: &Calendar, features: &Matrix) -> Matrix {
    const CHUNK: usize = 4096;
    assert_eq!(features.n_features(), calendar.n_features, "the rows are as wide as the training rows");
    let chunks = features.values().par_chunks(CHUNK * calendar.n_features);
    let wider = |rows: &[f32]| {
        let mut batch = Vec::with_capacity(rows.len() / calendar.n_features * calendar.width());
        rows.chunks_exact(calendar.n_features).for_each(|row| calendar.unfold(row, &mut batch));
        batch
    };
    let values = chunks.map(wider).collect::<Vec<_>>().concat();
    Matrix::new(features.n_rows(), calendar.width(), values).expect("parts of dates are finite or missing")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Params, to_the_end};

    /// 400 rows, a day after the other from 2020-01-01, every tenth date missing; weekends are of class 1.
    fn weekends() -> Data {
        let days = |row: usize| if row % 10 == 3 { f32::NAN } else { 18_262.0 + row as f32 };
        let values = (0..400).flat_map(|row| [days(row), (row % 3) as f32]).collect();
        let classes = (0..400).map(|row| u32::from((row + 2) % 7 >= 5)).collect();
        let kinds = vec![FeatureKind::Date { has_time: false }, FeatureKind::Numeric];
        Data::new(Matrix::new(400, 2, values).unwrap(), kinds, classes, 2, None).unwrap()
    }

    fn fit(params: Params) -> Result<Fitted, Error> {
        params.check()?.fit(&weekends(), None, 7, &mut to_the_end)
    }

    #[test]
    fn every_family_learns_the_days_of_the_week_and_goes_on_after_the_training_rows() {
        for family in Family::ALL {
            let fitted = fit(Params::default_for(family)).unwrap();
            assert_eq!(fitted.family(), family);
            // A Friday and a Saturday of the year 2030.
            let later = Matrix::new(2, 2, vec![22_002.0, 1.0, 22_003.0, 1.0]).unwrap();
            let probabilities = fitted.probabilities(&later);
            assert!(probabilities.row(0)[1] < 0.35 && probabilities.row(1)[1] > 0.65, "{family}: {probabilities:?}");
        }
    }

    #[test]
    fn a_column_without_any_date_is_no_error() {
        let data = weekends();
        let values = data.features().values().chunks(2).flat_map(|row| [f32::NAN, row[1]]).collect();
        let data = data.with_columns(Matrix::new(400, 2, values).unwrap(), data.kinds().to_vec());
        for family in Family::ALL {
            let fitted = Params::default_for(family).check().unwrap().fit(&data, None, 7, &mut to_the_end).unwrap();
            let probabilities = fitted.probabilities(&Matrix::new(1, 2, vec![22_000.0, 1.0]).unwrap());
            assert!(probabilities.values().iter().all(|probability| probability.is_finite()), "{family}");
        }
    }

    #[test]
    fn directions_are_of_the_columns_as_they_came() {
        let params = |monotone| Params::GradientBoosting(gradient_boosting::Params { monotone, ..Default::default() });
        assert!(fit(params(vec![0, 1])).is_ok());
        assert!(matches!(fit(params(vec![1])), Err(Error::Length { .. })), "one direction is too few");
    }

    #[test]
    fn what_was_fitted_survives_writing_and_reading() {
        let fitted = fit(Params::default_for(Family::LogisticRegression)).unwrap();
        let again: Fitted = serde_json::from_str(&serde_json::to_string(&fitted).unwrap()).unwrap();
        assert_eq!(again, fitted);
    }
}
