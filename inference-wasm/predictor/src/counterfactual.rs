//! What would have to be different for another decision: as few columns as possible, each changed as little as possible.
//!
//! First every column is tried alone with values that occur: its levels, or its numbers and dates in the background. As long as nothing
//! changes the decision, the most promising changes are kept and every other column is tried on top. Of all that change the decision with
//! the same number of columns the nearest is taken, and its numbers are moved back as far as the decision allows. With one column, nothing
//! tried is nearer; with several, it is the best that such a search finds.
//!
//! A level is as far from another as can be; a number by the share of background rows in between (after Wachter, Mittelstadt and Russell,
//! 2017, Counterfactual explanations without opening the black box, who scale by the spread).

mod choices;

use data_contract::{ColumnKind, Prediction, Record, Value};
use serde::Serialize;
use serde_json::Value as Json;

use crate::error::{ExplainError, PredictError};
use crate::predictor::Predictor;
use choices::{Choice, ascending};

/// Columns that are changed at most.
const MOST_CHANGES: usize = 5;
/// Rows that the model is asked for at each number of columns, about.
const N_ASKED: usize = 1 << 15;
/// Rows that are held at a time, as a contract may have a thousand columns.
const N_TOGETHER: usize = 2048;
/// Changes that are kept for another column on top, at most and at least.
const MOST_KEPT: usize = 64;
const FEWEST_KEPT: usize = 4;
/// How often the way back of a number is halved.
const N_HALVINGS: usize = 16;

/// Another record, and what the model says of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Counterfactual {
    /// What is different, in the contract's order.
    pub changes: Vec<Change>,
    /// Of the changed record; its label is another one.
    pub prediction: Prediction,
    /// The changed record.
    #[serde(skip)]
    pub record: Record,
}

/// One column's change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Its name.
    pub column: String,
    /// The record's value, as in JSON records.
    pub from: Json,
    /// The value that it would need.
    pub to: Json,
}

impl Predictor {
    /// Looks for the smallest change of a record that changes the predicted class. None where up to five columns do not, as far as the
    /// search sees. Columns that the contract calls fixed stay; so do those that `may_change`, which is given their numbers, refuses.
    ///
    /// # Errors
    /// A model that carries no background, a record of another contract, and a graph that fails.
    pub fn counterfactual(
        &self,
        record: &Record,
        may_change: impl Fn(usize) -> bool,
    ) -> Result<Option<Counterfactual>, ExplainError> {
        let background = self.background().filter(|background| background.n_rows() > 0).ok_or(ExplainError::NoBackground)?;
        let own = record.features(self.contract());
        let label = self.scores(&own, 1)?.labels[0];
        let mut choices = Vec::new();
        for column in (0..own.len()).filter(|&column| !self.contract().columns[column].fixed && may_change(column)) {
            choices::append(column, self.contract(), background, own[column], &mut choices);
        }
        let search = Search { predictor: self, own, label };
        match search.nearest(&choices)? {
            Some(found) => Ok(Some(self.changed(record, &search.moved_back(found)?)?)),
            None => Ok(None),
        }
    }

    fn changed(&self, record: &Record, choices: &[Choice]) -> Result<Counterfactual, PredictError> {
        let columns = &self.contract().columns;
        let mut changed = record.clone();
        let mut changes = Vec::with_capacity(choices.len());
        for choice in choices {
            let column = &columns[choice.column];
            let value = Value::of_feature(choice.value, &column.kind);
            let from = record.values()[choice.column].to_json(&column.kind);
            changes.push(Change { column: column.name.clone(), from, to: value.to_json(&column.kind) });
            changed = changed.with(choice.column, value);
        }
        Ok(Counterfactual { changes, prediction: self.predict(&changed)?, record: changed })
    }
}

struct Search<'a> {
    predictor: &'a Predictor,
    own: Vec<f32>,
    /// The decision that is to be another.
    label: i64,
}

/// Choices of several columns, in the contract's order.
type Changes = Vec<Choice>;

impl Search<'_> {
    fn nearest(&self, choices: &[Choice]) -> Result<Option<Changes>, PredictError> {
        let n_kept = (N_ASKED / choices.len().max(1)).clamp(FEWEST_KEPT, MOST_KEPT);
        let mut kept = vec![Changes::new()];
        for _ in 0..MOST_CHANGES {
            let tried = extended(&kept, choices);
            let (nearest, left) = self.ask(&tried)?;
            if nearest.is_some() {
                return Ok(nearest);
            }
            kept.clear();
            for at in ascending(&left) {
                // The same changes in another order say the same.
                if kept.len() < n_kept && kept.last() != Some(&tried[at as usize]) {
                    kept.push(tried[at as usize].clone());
                }
            }
        }
        Ok(None)
    }

    /// The nearest of some changes that change the decision, and the probability that each leaves to the record's label.
    fn ask(&self, tried: &[Changes]) -> Result<(Option<Changes>, Vec<f32>), PredictError> {
        let n_classes = self.predictor.contract().target.classes.len();
        let (mut nearest, mut least) = (None, f64::INFINITY);
        let mut left = Vec::with_capacity(tried.len());
        for tried in tried.chunks(N_TOGETHER) {
            let mut rows = Vec::with_capacity(tried.len() * self.own.len());
            tried.iter().for_each(|changes| rows.extend_from_slice(&self.row(changes)));
            let scores = self.predictor.scores(&rows, tried.len())?;
            for (changes, label) in tried.iter().zip(&scores.labels) {
                if *label != self.label && distance(changes) < least {
                    (nearest, least) = (Some(changes.clone()), distance(changes));
                }
            }
            left.extend(scores.probabilities.chunks_exact(n_classes).map(|row| row[self.label as usize]));
        }
        Ok((nearest, left))
    }

    fn row(&self, choices: &[Choice]) -> Vec<f32> {
        let mut row = self.own.clone();
        choices.iter().for_each(|choice| row[choice.column] = choice.value);
        row
    }

    /// Each number as near to the record's as the decision allows, one after the other.
    fn moved_back(&self, mut choices: Changes) -> Result<Changes, PredictError> {
        for at in 0..choices.len() {
            let Choice { column, value, .. } = choices[at];
            let (mut near, mut far) = (self.own[column], value);
            let step = match self.predictor.contract().columns[column].kind {
                ColumnKind::Numeric { integer: true, .. } => 1.0,
                ColumnKind::Date { time: false, .. } => 1.0,
                ColumnKind::Numeric { .. } | ColumnKind::Date { .. } => (far - near).abs() / 256.0,
                ColumnKind::Categorical { .. } => continue,
            };
            for _ in 0..N_HALVINGS {
                let middle = ((near + (far - near) / 2.0) / step).round() * step;
                if near.is_nan() || middle == near || middle == far || !middle.is_finite() {
                    break;
                }
                choices[at].value = middle;
                let is_other = self.predictor.scores(&self.row(&choices), 1)?.labels[0] != self.label;
                if is_other { far = middle } else { near = middle }
            }
            choices[at].value = far;
        }
        Ok(choices)
    }
}

/// Every list of changes with every choice of another column.
fn extended(lists: &[Changes], choices: &[Choice]) -> Vec<Changes> {
    let mut extended = Vec::with_capacity(lists.len() * choices.len());
    for list in lists {
        for choice in choices.iter().filter(|choice| list.iter().all(|other| other.column != choice.column)) {
            let mut longer = list.clone();
            longer.insert(list.iter().filter(|other| other.column < choice.column).count(), *choice);
            extended.push(longer);
        }
    }
    extended
}

fn distance(choices: &[Choice]) -> f64 {
    choices.iter().map(|choice| choice.distance).sum()
}

#[cfg(test)]
mod tests;
