//! A column that predicts the target alone is often a consequence of it, which nobody knows at the time of a prediction.

use data_contract::{CheckKind, Dataset, Finding};
use rayon::prelude::*;

use super::Sample;

/// From this area on a column is too good to be true.
const SUSPICIOUS: f64 = 0.99;

pub(super) fn check(sample: &Sample, dataset: &Dataset) -> Vec<Finding> {
    let rows = sample.rows(false);
    let n_classes = dataset.target.classes.len();
    let area = |column: usize| sample.binned(column).area(&rows, |row| sample.classes[row] as usize, n_classes);
    let areas: Vec<Option<f64>> = (0..sample.contract.n_features()).into_par_iter().map(area).collect();
    let names = sample.contract.columns.iter().map(|column| &column.name);
    let suspicious = names.zip(areas).filter_map(|(name, area)| area.filter(|area| *area > SUSPICIOUS).map(|area| (name, area)));
    suspicious.map(|(name, area)| finding(name, area, &dataset.target.column)).collect()
}

fn finding(column: &str, area: f64, target: &str) -> Finding {
    Finding {
        check: CheckKind::Leak,
        column: Some(column.to_owned()),
        figure: area,
        message: format!("column `{column}` predicts `{target}` alone: ROC AUC {area:.3} on rows held out"),
        advice: "is it known before the outcome is? if not, move it to `[left_out]` in the dataset's TOML file".into(),
    }
}
