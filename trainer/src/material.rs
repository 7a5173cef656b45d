//! What a version is made from.

use data_contract::{CalibrationKind, ClassWeights, Contract, DataOrigin, Training, prepared_column};
use polars::prelude::*;
use trainer_estimators::calibration::Method;
use trainer_estimators::cross_validation::Folds;

use crate::encode;

/// With fewer rows than this, and no number in the TOML file, every row is held out once.
const FOLDED_ROWS: usize = 5000;

const N_FOLDS: usize = 5;

/// What a version is made from.
#[derive(Debug)]
pub(crate) struct Material<'a> {
    /// What the rows look like.
    pub(crate) contract: &'a Contract,
    /// Rows to learn from.
    pub(crate) train: &'a DataFrame,
    /// Rows that stop, calibrate, rank and check a model that was fitted without them; the one that ships learns from them too.
    pub(crate) validation: &'a DataFrame,
    /// How much rows count.
    pub(crate) weighting: Weighting,
    /// What the monitor compares new rows with.
    pub(crate) reference: Reference<'a>,
    /// Where the rows came from.
    pub(crate) origin: DataOrigin,
    /// Where the decision is made, what it costs and earns, and what ranks versions.
    pub(crate) training: &'a Training,
    /// Whether to find out what the model looks at, which takes many predictions.
    pub(crate) explain: bool,
    /// Seed of the fit.
    pub(crate) seed: u64,
}

/// The rows whose counts the bundle carries, for the monitor to compare with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reference<'a> {
    /// Columns as in training, predictions as on rows held out.
    Training,
    /// Columns and predictions of these rows.
    Rows(&'a DataFrame),
}

/// How much rows count, given some of them; none when they count alike.
pub(crate) type Weighting = fn(&DataFrame) -> PolarsResult<Option<Vec<f32>>>;

/// All rows count alike.
pub(crate) fn alike(_: &DataFrame) -> PolarsResult<Option<Vec<f32>>> {
    Ok(None)
}

impl Material<'_> {
    /// Training rows, then validation rows.
    pub(crate) fn rows(&self) -> PolarsResult<DataFrame> {
        self.train.vstack(self.validation)
    }

    /// The weight of each row; none when they count alike.
    pub(crate) fn weights(&self, rows: &DataFrame) -> anyhow::Result<Option<Vec<f32>>> {
        let weights = (self.weighting)(rows)?;
        if self.training.class_weights == ClassWeights::Alike {
            return Ok(weights);
        }
        let classes = encode::classes(rows, self.contract)?;
        let balanced = balanced(&classes, self.contract.target.classes.len());
        let own = weights.unwrap_or_else(|| vec![1.0; classes.len()]);
        Ok(Some(own.into_iter().zip(balanced).map(|(own, balanced)| own * balanced).collect()))
    }

    /// In how many folds rows are held out; 1 holds out the validation part.
    pub(crate) fn n_folds(&self) -> usize {
        match self.training.folds {
            0 if self.train.height() + self.validation.height() < FOLDED_ROWS => N_FOLDS,
            0 => 1,
            folds => folds as usize,
        }
    }

    /// Folds over some rows: whole groups where the rows have groups, else each class in its share.
    pub(crate) fn folds(&self, rows: &DataFrame, n_folds: usize) -> anyhow::Result<Folds> {
        let n_folds = n_folds.clamp(2, rows.height().max(2));
        Ok(match groups(rows)? {
            Some(groups) => Folds::grouped(&groups, n_folds, self.seed),
            None => Folds::stratified(&encode::classes(rows, self.contract)?, n_folds, self.seed),
        })
    }

    /// The ways to calibrate that are tried.
    pub(crate) fn calibrations(&self) -> &'static [Method] {
        match self.training.calibration {
            CalibrationKind::Auto => &Method::ALL,
            CalibrationKind::None => &[Method::None],
            CalibrationKind::Sigmoid => &[Method::Sigmoid],
            CalibrationKind::Isotonic => &[Method::Isotonic],
        }
    }
}

/// Weights that let every class count alike, 1 on average.
fn balanced(classes: &[u32], n_classes: usize) -> Vec<f32> {
    let mut counts = vec![0_usize; n_classes];
    classes.iter().for_each(|&class| counts[class as usize] += 1);
    let n_present = counts.iter().filter(|count| **count > 0).count();
    let weight = |&class: &u32| classes.len() as f32 / (n_present * counts[class as usize]) as f32;
    classes.iter().map(weight).collect()
}

/// A number for each row's group, where the rows have groups; a row without one is a group of its own.
fn groups(rows: &DataFrame) -> anyhow::Result<Option<Vec<u64>>> {
    let Ok(column) = rows.column(prepared_column::GROUP) else { return Ok(None) };
    let mut numbers = std::collections::HashMap::new();
    let mut own = u64::MAX;
    let number = |name: Option<&str>| match name {
        Some(name) => {
            let next = numbers.len() as u64;
            *numbers.entry(name.to_owned()).or_insert(next)
        }
        None => {
            own -= 1;
            own
        }
    };
    Ok(Some(column.str()?.iter().map(number).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balanced_weights_give_every_class_the_same_sum() {
        assert_eq!(balanced(&[0, 0, 0, 1], 3), [2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0, 2.0]);
    }

    #[test]
    fn rows_of_one_group_share_its_number_and_a_row_without_one_stands_alone() {
        let column = Column::new(prepared_column::GROUP.into(), [Some("a"), None, Some("b"), Some("a"), None]);
        let groups = groups(&DataFrame::new(5, vec![column]).unwrap()).unwrap().unwrap();
        assert_eq!((groups[0], groups[2], groups[3]), (0, 1, 0));
        assert!(groups[1] != groups[4] && groups[1] > 1 && groups[4] > 1);
    }
}
