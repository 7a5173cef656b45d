//! What the file gives here, beside what it gives elsewhere.
//!
//! Our own models are compared with what was fitted. A model of another tool brings no such thing: it is compared with a scored file
//! where one is given; else only with itself, rows one at a time beside rows in a batch, which tells that the graph treats rows alike.

use std::path::Path;

use data_contract::{Contract, Parity, log_column};
use inference_predictor::Predictor;
use polars::prelude::StringChunked;
use trainer_estimators::Matrix;

use crate::args::Place;
use crate::dialect::Dialect;
use crate::failure::failure;
use crate::frame::{self, Table, texts};
use crate::{golden, predict};

/// Rows that are predicted one at a time.
const SINGLE_ROWS: usize = 500;

/// What was compared, and how far it is apart.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Compared {
    /// Name of the scored file, or what stands in for one.
    pub(crate) with: String,
    #[serde(flatten)]
    pub(crate) parity: Parity,
}

/// Compares with a scored file.
///
/// # Errors
/// A file without the classes' columns, with rows that cannot be told, or with other probabilities.
pub(crate) fn compare(path: &Path, place: &Place, predictor: &Predictor, validation: &Matrix) -> anyhow::Result<Compared> {
    let table = frame::read_table(path, Dialect::default())?;
    let contract = predictor.contract();
    let expected = expected(&table, contract)?;
    let features = features(&table, place, contract, validation)?;
    let found = super::predict(predictor, &features)?;
    let threshold = predictor.threshold().map_or(0.5, |threshold| threshold as f32);
    let parity = parity(&expected, &found, threshold);
    if parity.holds() {
        return Ok(Compared { with: table.file, parity });
    }
    let far = |row: &usize| difference(expected.row(*row), found.row(*row)) > Parity::TOLERANCE;
    let first = (0..expected.n_rows()).find(far).map_or(0, |row| table.lines[row]);
    let n_far = (0..expected.n_rows()).filter(far).count();
    Err(failure(
        format!(
            "the model gives other probabilities here than in {}: {:.1e} apart at most (allowed {:.0e}), {n_far} of {} rows, first at line {first}",
            table.file,
            parity.largest_difference,
            Parity::TOLERANCE,
            parity.n_rows
        ),
        "compute the file with onnxruntime on the same rows: columns in the contract's order, a level as its index, -1 when missing or unseen",
    ))
}

/// Compares rows one at a time with rows in a batch.
///
/// # Errors
/// A model that gives a row other probabilities when others come with it.
pub(crate) fn compare_single_rows(predictor: &Predictor, features: &Matrix) -> anyhow::Result<Compared> {
    let step = features.n_rows().div_ceil(SINGLE_ROWS).max(1);
    let rows = features.select(&(0..features.n_rows()).step_by(step).collect::<Vec<_>>());
    let together = super::predict(predictor, &rows)?;
    let mut alone = Vec::with_capacity(together.values().len());
    for row in rows.rows() {
        alone.extend(super::predict(predictor, &Matrix::new(1, row.len(), row.to_vec())?)?.values());
    }
    let alone = Matrix::new(together.n_rows(), together.n_features(), alone)?;
    let parity = parity(&alone, &together, predictor.threshold().map_or(0.5, |threshold| threshold as f32));
    if parity.holds() {
        return Ok(Compared { with: "its own answers to one row at a time".into(), parity });
    }
    Err(failure(
        format!("the model gives a row other probabilities when others come with it: {:.1e} apart", parity.largest_difference),
        "convert it with a first dimension of any size: FloatTensorType([None, n])",
    ))
}

/// The probabilities that the file holds `[N, C]`.
fn expected(table: &Table, contract: &Contract) -> anyhow::Result<Matrix> {
    let classes = &contract.target.classes;
    let n_rows = table.lines.len();
    let mut values = vec![f32::NAN; n_rows * classes.len()];
    for (index, class) in classes.iter().enumerate() {
        let column = column(table, &log_column::probability(class))?;
        for (row, text) in column.iter().enumerate() {
            let number = text.and_then(|text| text.trim().parse::<f32>().ok()).filter(|number| number.is_finite());
            values[row * classes.len() + index] = number.ok_or_else(|| unreadable(table, row, text))?;
        }
    }
    Ok(Matrix::new(n_rows, classes.len(), values)?)
}

fn column(table: &Table, name: &str) -> anyhow::Result<StringChunked> {
    let found = table.frame.column(name).map_err(|_| {
        failure(
            format!("column `{name}` is missing from {}", table.file),
            "a scored file has a column `probability_<class>` for each class, as `trainer predict` writes it",
        )
    })?;
    Ok(texts(found)?)
}

fn unreadable(table: &Table, row: usize, text: Option<&str>) -> anyhow::Error {
    let found = text.map_or("nothing".to_owned(), |text| format!("`{text}`"));
    failure(
        format!("{}:{}: expected a probability, found {found}", table.file, table.lines[row]),
        "give a probability for every row",
    )
}

/// The rows that the file's probabilities are about: its own, or the validation rows.
fn features(table: &Table, place: &Place, contract: &Contract, validation: &Matrix) -> anyhow::Result<Matrix> {
    let has_rows = contract.columns.iter().any(|column| table.frame.column(&column.name).is_ok());
    if !has_rows && table.lines.len() == validation.n_rows() {
        return Ok(validation.clone());
    }
    if !has_rows {
        return Err(failure(
            format!("{} holds {} rows, the validation part {}", table.file, table.lines.len(), validation.n_rows()),
            "give the contract's columns beside the probabilities, or a line for each validation row in order",
        ));
    }
    let (records, set_aside) = predict::records(table, predict::dataset_of(place, contract).as_ref(), contract)?;
    if let Some(first) = set_aside.first() {
        return Err(failure(format!("{}:{}: {}", first.file, first.line, first.reason), "every row must fit the contract"));
    }
    let mut values = Vec::with_capacity(records.len() * contract.n_features());
    records.iter().flatten().for_each(|record| record.features_into(contract, &mut values));
    Ok(Matrix::new(records.len(), contract.n_features(), values)?)
}

fn parity(expected: &Matrix, found: &Matrix, threshold: f32) -> Parity {
    let pairs = || expected.rows().zip(found.rows());
    Parity {
        n_rows: expected.n_rows() as u64,
        largest_difference: pairs().map(|(a, b)| difference(a, b)).fold(0.0, f64::max),
        labels_differ: pairs()
            .filter(|(a, b)| golden::label(a, threshold) != golden::label(b, threshold) && !is_tie(a, threshold))
            .count() as u64,
    }
}

fn difference(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max)
}

/// Whether the label hangs on less than the tolerance.
fn is_tie(probabilities: &[f32], threshold: f32) -> bool {
    let close = |a: f32, b: f32| f64::from((a - b).abs()) <= Parity::TOLERANCE;
    if let [_, second] = probabilities {
        return close(*second, threshold);
    }
    let mut sorted = probabilities.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    close(sorted[0], sorted[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expected: [f32; 2], found: [f32; 2], threshold: f32, holds: bool) {
        let matrix = |row: [f32; 2]| Matrix::new(1, 2, row.to_vec()).unwrap();
        assert_eq!(parity(&matrix(expected), &matrix(found), threshold).holds(), holds);
    }

    #[test]
    fn probabilities_apart_do_not_hold_and_a_tie_is_no_other_label() {
        check([0.4, 0.6], [0.4, 0.6], 0.5, true);
        check([0.4, 0.6], [0.41, 0.59], 0.5, false);
        check([0.4, 0.6], [0.400_001, 0.599_999], 0.6, true);
    }
}
