//! How good a model is on rows it did not learn from, and what it looks at.

use std::collections::BTreeMap;

use data_contract::{
    Column, ColumnKind, Contract, Dependence, DependencePoint, EVALUATION_FORMAT, Estimate, Evaluation, Importance, Profit, Slice,
};
use serde_json::Value as Json;
use trainer_estimators::explanation::{Predict, partial_dependence, permutation_importance};
use trainer_estimators::metrics::{Truth, confusion, curves, estimates, mean, roc_auc_estimate, row_losses};
use trainer_estimators::{Error, Matrix, threshold};
use trainer_onnx::DateParts;

use crate::candidate::Judgement;
use dates::{DateDependence, WEEKDAYS, date};

mod dates;

/// Rows that are shuffled and asked about, evenly spaced, at most.
const EXPLAINED_ROWS: usize = 1000;
const DEPENDENCE_ROWS: usize = 200;
const REPEATS: usize = 2;

/// Predictions that an explanation of all columns takes; the more columns there are, the fewer rows are asked about, down to [`FEWEST_ROWS`].
const PREDICTIONS: usize = 40_000;
const FEWEST_ROWS: usize = 50;

/// Multiplications that they take at most: a model of many trees is asked about fewer rows yet.
const PRODUCTS: usize = 10_000_000_000;

/// Points of a partial dependence and slices of a column, at most.
const MAX_POINTS: usize = 10;
const MAX_SLICES: usize = 8;

/// Columns that are looked at one by one, at most.
const MAX_COLUMNS: usize = 60;

/// Fewer rows than this are no slice.
const MIN_SLICE_ROWS: usize = 30;

/// Losses that a bundle carries, at most.
const MAX_LOSSES: usize = 20_000;

/// Rows that judge, with what is said about them.
pub(crate) struct Judged<'a> {
    pub(crate) contract: &'a Contract,
    pub(crate) judgement: &'a Judgement,
    pub(crate) profit: Option<Profit>,
    /// Name of the metric that ranks versions.
    pub(crate) selected_by: &'a str,
    pub(crate) seed: u64,
}

/// A model that is asked about changed rows.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) predict: Predict<'a>,
    /// About how many multiplications a row takes it.
    pub(crate) n_products: usize,
}

impl Asked<'_> {
    /// How many rows are asked about when each takes so many predictions.
    fn n_rows(&self, most: usize, n_predictions: usize) -> usize {
        let able = PREDICTIONS.min(PRODUCTS / self.n_products.max(1));
        (able / n_predictions.max(1)).clamp(FEWEST_ROWS, most)
    }
}

impl Judged<'_> {
    /// Evaluates; where no model is asked, nothing is explained.
    pub(crate) fn evaluate(&self, asked: Option<Asked>) -> Result<Evaluation, Error> {
        let Judgement { probabilities, repeats, choice, .. } = self.judgement;
        let truth = self.judgement.truth();
        let threshold = choice.as_ref().map_or(0.5, |choice| choice.threshold as f32);
        let two_classes = self.contract.target.classes.len() == 2;
        let profit = self.profit.filter(|_| two_classes);
        let (importance, dependence) = match asked {
            Some(asked) => (self.importance(asked)?, self.dependence(asked)?),
            None => (vec![], vec![]),
        };
        Ok(Evaluation {
            format: EVALUATION_FORMAT,
            n_rows: self.classes().len() as u64,
            n_folds: self.judgement.n_folds as u32,
            n_repeats: repeats.len() as u32 + 1,
            selected_by: self.selected_by.to_owned(),
            metrics: self.metrics(threshold)?,
            calibration: self.judgement.calibration.name().to_owned(),
            calibrations: self.judgement.calibrations.clone(),
            threshold: choice.clone(),
            confusion: confusion(probabilities, truth, threshold)?,
            curves: curves(probabilities, truth)?,
            profit: profit.map_or(vec![], |profit| threshold::profit_curve(profit, probabilities, truth)),
            importance,
            dependence,
            slices: self.slices(),
            losses: self.losses(),
            weights: self.weights_of(&spaced(self.classes().len(), MAX_LOSSES)).unwrap_or_default(),
        })
    }

    /// About how many times a model is asked about rows.
    pub(crate) fn n_questions(&self) -> usize {
        1 + self.n_shuffles() + self.n_points()
    }

    /// How many times importance shuffles a column.
    fn n_shuffles(&self) -> usize {
        self.contract.columns.len() * REPEATS
    }

    /// At how many values dependence is asked, at most but for dates.
    fn n_points(&self) -> usize {
        self.contract.columns.len().min(MAX_COLUMNS) * MAX_POINTS
    }

    /// Means over the times that rows were held out: an interval is about the rows, and does not shrink with the times.
    fn metrics(&self, threshold: f32) -> Result<BTreeMap<String, Estimate>, Error> {
        let of = |probabilities| estimates(probabilities, self.judgement.truth(), threshold, self.seed);
        let times: Vec<BTreeMap<String, Estimate>> = self.times().map(of).collect::<Result<_, _>>()?;
        let mean = |name: &String| {
            let all: Option<Vec<&Estimate>> = times.iter().map(|time| time.get(name)).collect();
            Some((name.clone(), mean_estimate(&all?)))
        };
        Ok(times[0].keys().filter_map(mean).collect())
    }

    /// The probabilities of each time that rows were held out.
    fn times(&self) -> impl Iterator<Item = &Matrix> {
        std::iter::once(&self.judgement.probabilities).chain(&self.judgement.repeats)
    }

    fn features(&self) -> &Matrix {
        &self.judgement.features
    }

    fn classes(&self) -> &[u32] {
        &self.judgement.classes
    }

    fn classes_of(&self, rows: &[usize]) -> Vec<u32> {
        rows.iter().map(|&row| self.classes()[row]).collect()
    }

    fn weights_of(&self, rows: &[usize]) -> Option<Vec<f32>> {
        self.judgement.weights.as_ref().map(|weights| rows.iter().map(|&row| weights[row]).collect())
    }

    fn importance(&self, asked: Asked) -> Result<Vec<Importance>, Error> {
        let rows = self.explained(asked.n_rows(EXPLAINED_ROWS, self.n_shuffles()));
        let (classes, weights) = (self.classes_of(&rows), self.weights_of(&rows));
        let truth = Truth::new(&classes, weights.as_deref());
        let worth = permutation_importance(asked.predict, &self.features().select(&rows), truth, REPEATS, self.seed)?;
        let named = self.contract.columns.iter().zip(worth);
        let mut importance: Vec<Importance> = named
            .map(|(column, worth)| Importance { column: column.name.clone(), mean: worth.mean, deviation: worth.deviation })
            .collect();
        importance.sort_by(|a, b| b.mean.total_cmp(&a.mean));
        Ok(importance)
    }

    fn dependence(&self, asked: Asked) -> Result<Vec<Dependence>, Error> {
        let rows = self.explained(asked.n_rows(DEPENDENCE_ROWS, self.n_points()));
        let (rows, weights) = (self.features().select(&rows), self.weights_of(&rows));
        let (predict, weights) = (asked.predict, weights.as_deref());
        let of_column = |(at, column): (usize, &Column)| match column.kind {
            ColumnKind::Date { time, .. } => {
                DateDependence { predict, rows: &rows, weights, at }.all(&self.spread(at), &column.name, time)
            }
            _ => Ok(vec![self.dependence_on(at, column, predict, &rows, weights)?]),
        };
        let columns = self.contract.columns.iter().enumerate().take(MAX_COLUMNS);
        Ok(columns.map(of_column).collect::<Result<Vec<_>, Error>>()?.concat())
    }

    fn dependence_on(
        &self,
        at: usize,
        column: &Column,
        predict: Predict,
        rows: &Matrix,
        weights: Option<&[f32]>,
    ) -> Result<Dependence, Error> {
        let values = self.values(at, column);
        let asked: Vec<f32> = values.iter().map(|(value, _)| *value).collect();
        let means = partial_dependence(predict, rows, weights, at, &asked)?;
        let point = |((value, share), probabilities): ((f32, f64), Vec<f64>)| DependencePoint {
            value: as_json(value, &column.kind),
            share,
            probabilities,
        };
        let points = values.into_iter().zip(means).map(point).collect();
        Ok(Dependence { column: column.name.clone(), part: None, points })
    }

    /// Values of a column that a dependence is drawn at, with the share of the rows that are nearest to each.
    fn values(&self, at: usize, column: &Column) -> Vec<(f32, f64)> {
        match &column.kind {
            ColumnKind::Categorical { .. } => self.frequent(at).into_iter().take(MAX_POINTS).collect(),
            ColumnKind::Numeric { .. } | ColumnKind::Date { .. } => self.spread(at),
        }
    }

    /// Levels and what is missing, the most frequent first.
    fn frequent(&self, at: usize) -> Vec<(f32, f64)> {
        let values = self.weighed(at);
        let total = weight(&values);
        let share = |run: &[(f32, f64)]| (run[0].0, weight(run) / total);
        let mut shares: Vec<(f32, f64)> = values.chunk_by(|a, b| a.0 == b.0).map(share).collect();
        shares.sort_by(|a, b| b.1.total_cmp(&a.1));
        shares
    }

    /// Quantiles of a column of numbers.
    fn spread(&self, at: usize) -> Vec<(f32, f64)> {
        let known: Vec<(f32, f64)> = self.weighed(at).into_iter().filter(|(value, _)| !value.is_nan()).collect();
        let Some(last) = known.len().checked_sub(1) else { return vec![] };
        let mut points: Vec<f32> = (0..MAX_POINTS).map(|point| known[point * last / (MAX_POINTS - 1)].0).collect();
        points.dedup();
        let below = |value: f32| weight(&known[..known.partition_point(|&(other, _)| other <= value)]) / weight(&known);
        let middle = |pair: &[f32]| pair[0] + (pair[1] - pair[0]) / 2.0;
        let mut ends: Vec<f64> = points.windows(2).map(|pair| below(middle(pair))).collect();
        ends.push(1.0);
        let starts = std::iter::once(0.0).chain(ends.clone());
        points.into_iter().zip(starts.zip(ends).map(|(start, end)| end - start)).collect()
    }

    /// The values of a column with the weights of their rows, ascending.
    fn weighed(&self, at: usize) -> Vec<(f32, f64)> {
        let rows = self.counted_rows();
        let weights = self.weights_of(&rows).unwrap_or_else(|| vec![1.0; rows.len()]);
        let values = rows.into_iter().map(|row| self.features().row(row)[at]);
        let mut values: Vec<(f32, f64)> = values.zip(weights.into_iter().map(f64::from)).collect();
        values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        values
    }

    /// The numbers of a column that are not missing, ascending.
    fn known(&self, at: usize) -> Vec<f32> {
        let mut known: Vec<f32> = self.features().column(at).filter(|value| !value.is_nan()).collect();
        known.sort_unstable_by(f32::total_cmp);
        known
    }

    fn slices(&self) -> Vec<Slice> {
        let losses = row_losses(&self.judgement.probabilities, self.classes());
        let columns = self.contract.columns.iter().enumerate().take(MAX_COLUMNS);
        let of_column = |(at, column): (usize, &Column)| {
            let groups = match &column.kind {
                ColumnKind::Categorical { levels } => self.level_groups(at, levels),
                ColumnKind::Numeric { .. } => self.number_groups(at, &|number| number.to_string()),
                ColumnKind::Date { .. } => [self.number_groups(at, &date), self.weekday_groups(at)].concat(),
            };
            let slice = |(value, rows): (String, Vec<usize>)| self.slice(&column.name, value, &rows, &losses);
            let counted = |(value, rows): (String, Vec<usize>)| (value, self.counted(rows));
            groups.into_iter().map(counted).filter(|(_, rows)| rows.len() >= MIN_SLICE_ROWS).map(slice).collect::<Vec<_>>()
        };
        columns.flat_map(of_column).collect()
    }

    fn level_groups(&self, at: usize, levels: &[String]) -> Vec<(String, Vec<usize>)> {
        let name =
            |value: f32| levels.get(value as usize).filter(|_| value >= 0.0).cloned().unwrap_or_else(|| "missing or rare".into());
        let group = |(value, _): (f32, f64)| (name(value), self.rows_where(at, |other| other == value));
        self.frequent(at).into_iter().take(MAX_SLICES).map(group).collect()
    }

    /// Rows of a date by its day of the week.
    fn weekday_groups(&self, at: usize) -> Vec<(String, Vec<usize>)> {
        let of_day = |(day, name): (usize, &&str)| {
            (format!("{name}s"), self.rows_where(at, |days| DateParts::of(days).weekday == day as f32))
        };
        WEEKDAYS.iter().enumerate().map(of_day).collect()
    }

    /// Quarters of the rows by a number or a date, and the rows where it is missing.
    fn number_groups(&self, at: usize, name: &dyn Fn(f32) -> String) -> Vec<(String, Vec<usize>)> {
        let known = self.known(at);
        let mut cuts: Vec<f32> = [1, 2, 3].iter().filter_map(|quarter| known.get(known.len() * quarter / 4)).copied().collect();
        cuts.dedup();
        cuts.retain(|cut| known.last().is_some_and(|last| cut < last));
        let mut groups = vec![("missing".to_owned(), self.rows_where(at, f32::is_nan))];
        let mut low = f32::NEG_INFINITY;
        for high in cuts {
            let value = match low.is_finite() {
                true => format!("above {} up to {}", name(low), name(high)),
                false => format!("up to {}", name(high)),
            };
            groups.push((value, self.rows_where(at, |value| value > low && value <= high)));
            low = high;
        }
        let value = if low.is_finite() { format!("above {}", name(low)) } else { "any value".into() };
        groups.push((value, self.rows_where(at, |value| value > low)));
        groups
    }

    fn rows_where(&self, at: usize, holds: impl Fn(f32) -> bool) -> Vec<usize> {
        self.features().column(at).enumerate().filter(|(_, value)| holds(*value)).map(|(row, _)| row).collect()
    }

    /// Some rows to ask about, evenly spaced among those that count.
    fn explained(&self, n_wanted: usize) -> Vec<usize> {
        let counted = self.counted_rows();
        spaced(counted.len(), n_wanted).into_iter().map(|place| counted[place]).collect()
    }

    /// All rows but those of weight 0.
    fn counted_rows(&self) -> Vec<usize> {
        self.counted((0..self.classes().len()).collect())
    }

    /// Without the rows of weight 0.
    fn counted(&self, rows: Vec<usize>) -> Vec<usize> {
        rows.into_iter().filter(|&row| self.judgement.weights.as_ref().is_none_or(|weights| weights[row] > 0.0)).collect()
    }

    fn slice(&self, column: &str, value: String, rows: &[usize], losses: &[f64]) -> Slice {
        let followed = self.contract.target.followed();
        let probabilities = self.judgement.probabilities.select(rows);
        let (classes, weights) = (self.classes_of(rows), self.weights_of(rows));
        let mean = |values: Vec<f64>| mean(&values, weights.as_deref());
        let is_followed = classes.iter().map(|class| if *class as usize == followed { 1.0 } else { 0.0 });
        Slice {
            column: column.to_owned(),
            value,
            n_rows: rows.len() as u64,
            share: mean(is_followed.collect()).value,
            probability: mean(probabilities.column(followed).map(f64::from).collect()).value,
            log_loss: mean(rows.iter().map(|&row| losses[row]).collect()),
            roc_auc: (probabilities.n_features() == 2)
                .then(|| roc_auc_estimate(&probabilities, Truth::new(&classes, weights.as_deref())))
                .flatten(),
        }
    }

    /// Of each row, the mean over the times it was held out.
    fn losses(&self) -> Vec<f32> {
        let times: Vec<Vec<f64>> = self.times().map(|probabilities| row_losses(probabilities, self.classes())).collect();
        let mean = |row: usize| times.iter().map(|losses| losses[row]).sum::<f64>() / times.len() as f64;
        let round = |loss: f64| ((loss * 1e5).round() / 1e5) as f32;
        spaced(self.classes().len(), MAX_LOSSES).into_iter().map(|row| round(mean(row))).collect()
    }
}

/// The weight of some rows together.
fn weight(rows: &[(f32, f64)]) -> f64 {
    rows.iter().map(|(_, weight)| weight).sum()
}

fn mean_estimate(estimates: &[&Estimate]) -> Estimate {
    let mean = |of: fn(&Estimate) -> f64| estimates.iter().map(|estimate| of(estimate)).sum::<f64>() / estimates.len() as f64;
    Estimate { value: mean(|estimate| estimate.value), low: mean(|estimate| estimate.low), high: mean(|estimate| estimate.high) }
}

/// Row numbers, evenly spaced.
fn spaced(n_rows: usize, n_wanted: usize) -> Vec<usize> {
    (0..n_rows).step_by(n_rows.div_ceil(n_wanted).max(1)).collect()
}

/// A feature value as a record holds it.
fn as_json(value: f32, kind: &ColumnKind) -> Json {
    match kind {
        ColumnKind::Numeric { .. } => {
            serde_json::Number::from_f64(data_contract::shortest(value)).map_or(Json::Null, Json::Number)
        }
        ColumnKind::Date { .. } if value.is_nan() => Json::Null,
        ColumnKind::Date { .. } => date(value).into(),
        ColumnKind::Categorical { levels } if value >= 0.0 => {
            levels.get(value as usize).map_or(Json::Null, |level| level.as_str().into())
        }
        ColumnKind::Categorical { .. } => Json::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_a_row_takes_the_fewer_are_asked_about() {
        let n_rows = |n_products| Asked { predict: &|features| features.clone(), n_products }.n_rows(EXPLAINED_ROWS, 32);
        assert_eq!([1, 32_000, 832_000, 1_000_000_000].map(n_rows), [1000, 1000, 375, FEWEST_ROWS]);
        let of_many_columns = Asked { predict: &|features| features.clone(), n_products: 1 }.n_rows(EXPLAINED_ROWS, 400);
        assert_eq!(of_many_columns, 100);
    }
}
