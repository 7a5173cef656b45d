//! What a fit of gradient boosting can be told, and what follows from the number of rows where it is not.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{ValidParams, combinations};
use crate::family::Family;
use crate::matrix::check_length;
use crate::tree::binning::N_BINS;
use crate::tree::grow::GrowParams;
use crate::tree::split::SplitParams;
use crate::{Data, Error, FeatureKind};

/// From this many rows on, what depends on the number of rows has its full size.
const MANY_ROWS: f64 = 30_000.0;

/// Up to this many rows, what many rows make needless has its full size.
const FEW_ROWS: f64 = 3_000.0;

/// Ensembles that are averaged, at most, where nothing else is said.
const MAX_AVERAGED: usize = 4;

/// Up to this many rows as many are averaged.
const MAX_AVERAGED_ROWS: usize = 2_500;

/// Up to this many rows two are, one of each kind.
const TWO_AVERAGED_ROWS: usize = 20_000;

/// Up to this many rows the version of a search averages two, of one kind. Over four splits of 36,000 rows the AUC rises by .0004 and the log loss
/// falls by .0001.
const TWO_SEARCHED_ROWS: usize = 200_000;

/// Ensembles are averaged until they have so many classes together: each class beyond two is a tree more in every round, and what the mean
/// adds is the least where there are many.
const AVERAGED_CLASSES: usize = 9;

/// Combinations of columns where they are found to help; more are as good, and make larger models.
const COMBINATIONS: usize = 4;

/// Each so many rows add 1 to the penalty on squared leaf values.
const ROWS_PER_L2: f64 = 3_000.0;

/// The penalty of many rows: what they tell may not hold tomorrow.
const MAX_L2: f64 = 6.0;

/// Settings of gradient boosting. The defaults lean towards small steps and strong regularisation, which also helps when rows drift.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Rounds at most. Without validation rows, a fit finds out on rows held out how many are best, and takes as many on all: on five folds
    /// of fewer than 5000 rows, on one of more. Up to 400 rounds on 5000 rows or more are taken as they are given.
    pub rounds: usize,
    /// Rounds without a better log loss on rows held out after which fitting stops.
    pub patience: usize,
    /// Ensembles from different seeds whose log-odds are averaged: samples of rows and columns then weigh less. When absent, 4 up to 2500 rows,
    /// 2 up to 20000, and no more than make 9 classes; unless all are `symmetric`, every second one then is, as trees of two kinds err in
    /// different places.
    pub n_models: Option<usize>,
    /// What a leaf's step is multiplied by, in `(0, 1]`.
    pub learning_rate: f64,
    /// Leaves of a tree at most.
    pub max_leaves: usize,
    /// Questions from root to leaf at most.
    pub max_depth: usize,
    /// Rows of a leaf at least; when absent, up to 40, by the square root of the number of rows.
    pub min_leaf_rows: Option<usize>,
    /// Penalty on squared leaf values; when absent, a 3000th of the number of rows, up to 6.
    pub l2: Option<f64>,
    /// Share of the rows that each round sees, in `(0, 1]`.
    pub row_share: f64,
    /// Share of the columns that each tree sees, in `(0, 1]`; two at least.
    pub column_share: f64,
    /// Standard deviation of the noise on the gain of each column's best question, in units of what a question about nothing gains on average:
    /// columns that only chance sets apart take turns. When absent, 4 up to 3000 rows, and less by the square root of the number of rows.
    /// It fades once the steps of all rounds so far come near the logarithm of the number of rows, as in CatBoost: what few rows tell is then
    /// left to be learned.
    pub random_strength: Option<f64>,
    /// Bins of a numeric column at most, beside the one for missing values; 2 to 255.
    pub max_bins: usize,
    /// Rows of average gradient given to each level before levels are compared; rarer levels are left out of sets. When absent, up to 50, by
    /// the square root of the number of rows.
    pub category_smoothing: Option<f64>,
    /// Further penalty on leaf values below a question about levels.
    pub category_l2: f64,
    /// Levels of a set at most; 1 asks about one level against all others.
    pub max_set_levels: usize,
    /// Rows by which a set of several levels grows at least from one candidate to the next; when absent, up to 100, by the square root of the
    /// number of rows.
    pub category_group_rows: Option<usize>,
    /// Whether all leaves of a level are asked the same question, as in CatBoost, which makes sums of trees smoother. A tree then has
    /// `log2(max_leaves)` levels at most, rounded down.
    pub symmetric: bool,
    /// Whether questions are sought as if all rows had the same curvature, as CatBoost seeks them: rows that the trees so far are sure about
    /// then count as much as the others. Leaf values are Newton steps either way.
    pub even_curvature: bool,
    /// Combinations of columns at most, up to 64, whose rates of each class the rounds start from: they tell of rows that are about one thing.
    /// When absent, 4 of fewer than 5000 rows where these lower the log loss on folds by a hundredth, else none; none, too, in a fit that is
    /// given validation rows or its number of rounds, so that it is settled before.
    pub combinations: Option<usize>,
    /// For each column, whether the probability of class 1 must not fall (1) or not rise (-1) as the column's value rises, or may do either
    /// (0); empty when no column has a direction. Only numeric columns have one, and only with two classes. A missing value is neither
    /// low nor high.
    pub monotone: Vec<i8>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            rounds: 1000,
            patience: 50,
            n_models: None,
            learning_rate: 0.04,
            max_leaves: 15,
            max_depth: 64,
            min_leaf_rows: None,
            l2: None,
            row_share: 0.8,
            column_share: 0.5,
            random_strength: None,
            max_bins: 255,
            category_smoothing: None,
            category_l2: 5.0,
            max_set_levels: 32,
            category_group_rows: None,
            symmetric: false,
            even_curvature: false,
            combinations: None,
            monotone: vec![],
        }
    }
}

impl Params {
    /// Refuses what is out of range.
    pub fn check(self) -> Result<ValidParams, Error> {
        let whole = |name, value: usize, lowest, highest, expected| in_range(name, value as f64, lowest, highest, expected);
        let share = |name, value| in_range(name, value, f64::MIN_POSITIVE, 1.0, "above 0 and at most 1");
        let penalty = |name, value| in_range(name, value, 0.0, f64::MAX, "a number of at least 0");
        whole("rounds", self.rounds, 1.0, 1e6, "1 to 1000000")?;
        whole("patience", self.patience, 1.0, f64::MAX, "at least 1")?;
        whole("n_models", self.n_models.unwrap_or(1), 1.0, 32.0, "1 to 32")?;
        whole("max_leaves", self.max_leaves, 2.0, 65536.0, "2 to 65536")?;
        whole("max_depth", self.max_depth, 1.0, f64::MAX, "at least 1")?;
        whole("min_leaf_rows", self.min_leaf_rows.unwrap_or(1), 1.0, 1e9, "1 to 1000000000")?;
        whole("max_bins", self.max_bins, 2.0, (N_BINS - 1) as f64, "2 to 255")?;
        whole("max_set_levels", self.max_set_levels, 1.0, (N_BINS - 1) as f64, "1 to 255")?;
        whole("combinations", self.combinations.unwrap_or(0), 0.0, 64.0, "0 to 64")?;
        share("learning_rate", self.learning_rate)?;
        share("row_share", self.row_share)?;
        share("column_share", self.column_share)?;
        penalty("l2", self.l2.unwrap_or(0.0))?;
        penalty("random_strength", self.random_strength.unwrap_or(0.0))?;
        penalty("category_smoothing", self.category_smoothing.unwrap_or(0.0))?;
        penalty("category_l2", self.category_l2)?;
        let directions = self.monotone.iter().map(|&direction| f64::from(direction));
        directions.into_iter().try_for_each(|direction| in_range("monotone", direction, -1.0, 1.0, "1, -1 or 0"))?;
        Ok(ValidParams { params: self, exact_rounds: false })
    }

    /// The same with no combinations and with some, where nothing says how many.
    pub(super) fn with_and_without_combinations(&self, train: &Data) -> Vec<Self> {
        let with = |combinations| Self { combinations: Some(combinations), ..self.clone() };
        match self.combinations {
            Some(_) => vec![self.clone()],
            None if combinations::can_be_fitted(self, train) => vec![with(0), with(COMBINATIONS)],
            None => vec![with(0)],
        }
    }

    /// The same with what is absent put as these many rows of two classes have it, but for `category_group_rows`.
    pub(crate) fn resolved(self, n_rows: usize) -> Self {
        Self {
            n_models: Some(self.n_models(n_rows, 2)),
            min_leaf_rows: Some(self.min_leaf_rows(n_rows)),
            l2: Some(self.l2(n_rows)),
            random_strength: Some(self.random_strength(n_rows)),
            category_smoothing: Some(self.category_smoothing(n_rows)),
            combinations: Some(self.combinations.unwrap_or(0)),
            ..self
        }
    }

    /// See [`crate::Params::for_version`].
    pub(crate) fn for_version(self, n_rows: usize) -> Self {
        match n_rows > TWO_AVERAGED_ROWS && n_rows <= TWO_SEARCHED_ROWS {
            true => Self { n_models: self.n_models.or(Some(2)), ..self },
            false => self,
        }
    }

    /// The settings of one of several ensembles. Where their number is not given, every second one grows symmetric trees, of about twice as
    /// many leaves (64 at most), from more of the columns, with a penalty on leaves however few the rows are; as such trees learn less in a
    /// round, its steps are larger, so that as many rounds suit both kinds.
    pub(super) fn of_ensemble(&self, number: usize, n_rows: usize) -> Cow<'_, Self> {
        if self.n_models.is_some() || self.symmetric || number.is_multiple_of(2) {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self {
            symmetric: true,
            learning_rate: (1.5 * self.learning_rate).min(1.0),
            max_leaves: (2 * self.max_leaves).next_power_of_two().min(64),
            min_leaf_rows: self.min_leaf_rows.or(Some(2)),
            l2: Some(self.l2(n_rows).max(2.0)),
            column_share: self.column_share.max(0.8),
            ..self.clone()
        })
    }

    /// What limits the trees of a round after so many.
    pub(super) fn grow_params(&self, n_rows: usize, n_before: usize) -> GrowParams<'_> {
        GrowParams {
            max_leaves: self.max_leaves,
            max_depth: self.max_depth,
            symmetric: self.symmetric,
            random_strength: self.random_strength(n_rows) * self.noise_left(n_rows, n_before),
            split: SplitParams {
                l2: self.l2(n_rows),
                min_leaf_rows: self.min_leaf_rows(n_rows),
                category_smoothing: self.category_smoothing(n_rows),
                category_l2: self.category_l2,
                max_set_levels: self.max_set_levels,
                min_group_rows: match self.max_set_levels {
                    1 => 1,
                    _ => self.category_group_rows.unwrap_or_else(|| rows(100.0, n_rows)),
                },
                monotone: if self.has_directions() { &self.monotone } else { &[] },
            },
        }
    }

    pub(crate) fn n_models(&self, n_rows: usize, n_classes: usize) -> usize {
        let of_rows = || match n_rows {
            few if few <= MAX_AVERAGED_ROWS => MAX_AVERAGED,
            more if more <= TWO_AVERAGED_ROWS => 2,
            _ => 1,
        };
        self.n_models.unwrap_or_else(|| of_rows().min(AVERAGED_CLASSES / n_classes).max(1))
    }

    fn min_leaf_rows(&self, n_rows: usize) -> usize {
        self.min_leaf_rows.unwrap_or_else(|| rows(40.0, n_rows))
    }

    fn category_smoothing(&self, n_rows: usize) -> f64 {
        self.category_smoothing.unwrap_or_else(|| 50.0 * by_rows(n_rows))
    }

    pub(super) fn random_strength(&self, n_rows: usize) -> f64 {
        self.random_strength.unwrap_or_else(|| 4.0 * (FEW_ROWS / n_rows as f64).sqrt().min(1.0))
    }

    /// How much of the noise is left after so many rounds: of n rows and steps of s in all, x / (1 + x) where x = n exp(-s). That is
    /// CatBoost's (`CalcDerivativesStDevFromZeroMultiplier`).
    fn noise_left(&self, n_rows: usize, n_before: usize) -> f64 {
        let left = n_rows as f64 * (-self.learning_rate * n_before as f64).exp();
        left / (1.0 + left)
    }

    pub(super) fn l2(&self, n_rows: usize) -> f64 {
        self.l2.unwrap_or_else(|| (n_rows as f64 / ROWS_PER_L2).min(MAX_L2))
    }

    pub(super) fn has_directions(&self) -> bool {
        self.monotone.iter().any(|&direction| direction != 0)
    }

    /// Refuses directions that these rows do not allow.
    pub(super) fn check_monotone(&self, data: &Data) -> Result<(), Error> {
        if !self.has_directions() {
            return Ok(());
        }
        check_length("monotone directions", data.kinds().len(), self.monotone.len())?;
        for (column, _) in self.monotone.iter().enumerate().filter(|(_, direction)| **direction != 0) {
            if matches!(data.kinds()[column], FeatureKind::Categorical { .. }) {
                return Err(Error::Monotone { column, reason: "its levels have no order" });
            }
            if data.n_classes() != 2 {
                return Err(Error::Monotone { column, reason: "there are more than two classes" });
            }
        }
        Ok(())
    }
}

/// The share of what many rows call for.
fn by_rows(n_rows: usize) -> f64 {
    (n_rows as f64 / MANY_ROWS).sqrt().min(1.0)
}

/// So many rows where there are many.
fn rows(most: f64, n_rows: usize) -> usize {
    (most * by_rows(n_rows)).round().max(2.0) as usize
}

fn in_range(name: &'static str, value: f64, lowest: f64, highest: f64, expected: &'static str) -> Result<(), Error> {
    if (lowest..=highest).contains(&value) {
        return Ok(());
    }
    Err(Error::Parameter { family: Family::GradientBoosting, name, value, expected })
}
