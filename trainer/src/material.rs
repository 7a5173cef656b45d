//! What a version is made from.

use data_contract::{CalibrationKind, ClassWeights, Contract, DataOrigin, Training};
use polars::prelude::*;
use trainer_estimators::Data;
use trainer_estimators::calibration::Method;
use trainer_estimators::cross_validation::Folds;

use crate::{encode, prepare};

/// With fewer rows than this, and no number in the TOML file, every row is held out once.
const FOLDED_ROWS: usize = 5000;

const N_FOLDS: usize = 5;

/// Keeps the seeds of repeats apart from those of folds, which follow one another.
const REPEAT_STEP: u64 = 0x2000_0003;

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
    /// Whether nobody wants to see how far the work is.
    pub(crate) quiet: bool,
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

    /// Some rows as learners take them, weighted as the dataset asks.
    pub(crate) fn data(&self, rows: &DataFrame) -> anyhow::Result<Data> {
        let data = encode::data(rows, self.contract, (self.weighting)(rows)?)?;
        Ok(match self.training.class_weights {
            ClassWeights::Alike => data,
            ClassWeights::Balanced => data.balanced(),
        })
    }

    /// In how many folds rows are held out; 1 holds out the validation part.
    pub(crate) fn n_folds(&self) -> usize {
        match self.training.folds {
            0 if self.n_repeats() > 1 || self.train.height() + self.validation.height() < FOLDED_ROWS => N_FOLDS,
            0 => 1,
            folds => folds as usize,
        }
    }

    /// How often rows are held out in folds.
    pub(crate) fn n_repeats(&self) -> usize {
        self.training.repeats as usize
    }

    /// Folds over some rows: whole groups where the rows have groups, else each class in its share. Every repeat has others.
    pub(crate) fn folds(&self, rows: &DataFrame, n_folds: usize, repeat: usize) -> anyhow::Result<Folds> {
        let n_folds = n_folds.clamp(2, rows.height().max(2));
        let seed = self.seed.wrapping_add(REPEAT_STEP.wrapping_mul(repeat as u64));
        Ok(match prepare::group_numbers(rows)? {
            Some(groups) => Folds::grouped(&groups, n_folds, seed),
            None => Folds::stratified(&encode::classes(rows, self.contract)?, n_folds, seed),
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
