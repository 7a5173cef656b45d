//! Rows of numbers, and the labelled rows a classifier learns from.
//!
//! Every estimator sees the same float32 row that the exported graph sees: a numeric column carries its value, NaN when missing;
//! a categorical column carries its level's index, -1 when missing or unseen; a date the days since 1970-01-01, NaN when missing.

use std::slice::ChunksExact;

use crate::Error;

/// Row numbers are kept in 32 bits and gradient sums in 31, which also have to hold one rounding step per row.
const MAX_ROWS: usize = 1 << 30;

/// Numbers in rows, all finite or NaN.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    n_rows: usize,
    n_features: usize,
    values: Vec<f32>,
}

impl Matrix {
    /// Takes row-major values; refuses a wrong length, no columns, and infinities.
    pub fn new(n_rows: usize, n_features: usize, values: Vec<f32>) -> Result<Self, Error> {
        if n_features == 0 {
            return Err(Error::NoFeatures);
        }
        check_length("values", n_rows * n_features, values.len())?;
        if let Some(at) = values.iter().position(|v| v.is_infinite()) {
            return Err(Error::Infinite { row: at / n_features, column: at % n_features, value: values[at] });
        }
        Ok(Self { n_rows, n_features, values })
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Number of columns.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// All values, row by row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// One row.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.n_features..][..self.n_features]
    }

    /// The rows in order.
    pub fn rows(&self) -> ChunksExact<'_, f32> {
        self.values.chunks_exact(self.n_features)
    }

    /// One column from top to bottom.
    pub fn column(&self, column: usize) -> impl Iterator<Item = f32> + '_ {
        self.rows().map(move |row| row[column])
    }

    /// These rows, in this order.
    pub fn select(&self, rows: &[usize]) -> Self {
        let values = rows.iter().flat_map(|&row| self.row(row)).copied().collect();
        Self { n_rows: rows.len(), n_features: self.n_features, values }
    }

    /// Every value changed in the same way, which leaves it finite.
    pub(crate) fn map(&self, change: impl Fn(f32) -> f32) -> Self {
        let values = self.values.iter().map(|value| change(*value)).collect();
        Self { values, ..*self }
    }

    /// The values of two matrices of one shape added up.
    pub(crate) fn plus(mut self, other: &Self) -> Self {
        self.values.iter_mut().zip(&other.values).for_each(|(value, other)| *value += other);
        self
    }
}

/// What the numbers of a column mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureKind {
    /// A measured number; NaN when missing.
    Numeric,
    /// The index of a level; -1 (or NaN) when missing or unseen.
    Categorical {
        /// Levels are `0..n_levels`.
        n_levels: usize,
    },
    /// Days since 1970-01-01, the time of day being their fraction; NaN when missing. A learner sees the parts of the calendar beside them.
    Date {
        /// Whether the hour is one of the parts.
        has_time: bool,
    },
}

/// The level a categorical value stands for, if it is one; the exported graphs decide by the same equality in float32.
pub(crate) fn level_of(value: f32, n_levels: usize) -> Option<usize> {
    // To u32 and back is one instruction each.
    let level = value as u32;
    (level as f32 == value && (level as usize) < n_levels).then_some(level as usize)
}

/// Labelled rows: features, their kinds, one class per row and perhaps one weight per row.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    features: Matrix,
    kinds: Vec<FeatureKind>,
    classes: Vec<u32>,
    n_classes: usize,
    weights: Option<Vec<f32>>,
}

impl Data {
    /// Checks that lengths agree, values fit their kinds, classes are below `n_classes`, weights are finite and not negative,
    /// and at least two classes occur among the rows of positive weight.
    ///
    /// A weight counts like that many copies of the row in every sum; limits on rows (as in a leaf) count rows.
    pub fn new(
        features: Matrix,
        kinds: Vec<FeatureKind>,
        classes: Vec<u32>,
        n_classes: usize,
        weights: Option<Vec<f32>>,
    ) -> Result<Self, Error> {
        check_length("column kinds", features.n_features, kinds.len())?;
        check_length("classes", features.n_rows, classes.len())?;
        check_rows(features.n_rows)?;
        check_levels(&features, &kinds)?;
        check_classes(&classes, n_classes)?;
        if let Some(weights) = &weights {
            check_length("weights", features.n_rows, weights.len())?;
            check_weights(weights)?;
        }
        let data = Self { features, kinds, classes, n_classes, weights };
        data.check_two_classes()?;
        Ok(data)
    }

    /// The features.
    pub fn features(&self) -> &Matrix {
        &self.features
    }

    /// One kind per column.
    pub fn kinds(&self) -> &[FeatureKind] {
        &self.kinds
    }

    /// One class per row.
    pub fn classes(&self) -> &[u32] {
        &self.classes
    }

    /// Classes are `0..n_classes`.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// One weight per row, if rows count differently.
    pub fn weights(&self) -> Option<&[f32]> {
        self.weights.as_deref()
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.features.n_rows
    }

    /// The weight of a row; 1 when no weights are given.
    pub fn weight(&self, row: usize) -> f32 {
        self.weights.as_ref().map_or(1.0, |weights| weights[row])
    }

    /// These rows, in this order; fails when they hold fewer than two classes.
    pub fn select(&self, rows: &[usize]) -> Result<Self, Error> {
        let data = self.select_any(rows)?;
        data.check_two_classes()?;
        Ok(data)
    }

    /// These rows, in this order, of whatever classes: to measure on, not to learn from.
    pub(crate) fn select_any(&self, rows: &[usize]) -> Result<Self, Error> {
        check_rows(rows.len())?;
        Ok(Self {
            features: self.features.select(rows),
            kinds: self.kinds.clone(),
            classes: rows.iter().map(|&row| self.classes[row]).collect(),
            n_classes: self.n_classes,
            weights: self.weights.as_ref().map(|weights| rows.iter().map(|&row| weights[row]).collect()),
        })
    }

    /// The same rows with weights such that every class counts alike: each row counts as before, divided by its class's share of the whole
    /// and by the number of classes that occur. The mean weight is then 1.
    pub fn balanced(self) -> Self {
        let sums = self.class_weights();
        let n_present = sums.iter().filter(|&&sum| sum > 0.0).count() as f64;
        let fair = self.n_rows() as f64 / n_present;
        let weight = |(row, &class): (usize, &u32)| match f64::from(self.weight(row)) {
            0.0 => 0.0,
            weight => (weight * fair / sums[class as usize]) as f32,
        };
        let weights = self.classes.iter().enumerate().map(weight).collect();
        Self { weights: Some(weights), ..self }
    }

    /// The same rows with other columns.
    pub(crate) fn with_columns(&self, features: Matrix, kinds: Vec<FeatureKind>) -> Self {
        let (classes, weights) = (self.classes.clone(), self.weights.clone());
        Self { features, kinds, classes, n_classes: self.n_classes, weights }
    }

    /// The rows of positive weight, or nothing when these are all rows.
    pub(crate) fn without_weightless_rows(&self) -> Result<Option<Self>, Error> {
        let Some(weights) = &self.weights else { return Ok(None) };
        if weights.iter().all(|&weight| weight > 0.0) {
            return Ok(None);
        }
        let rows: Vec<usize> = (0..self.n_rows()).filter(|&row| weights[row] > 0.0).collect();
        self.select(&rows).map(Some)
    }

    /// The summed weight of each class.
    pub(crate) fn class_weights(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.n_classes];
        for (row, &class) in self.classes.iter().enumerate() {
            sums[class as usize] += f64::from(self.weight(row));
        }
        sums
    }

    /// Whether a model of these rows can be applied to those.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.kinds == other.kinds && self.n_classes == other.n_classes
    }

    fn check_two_classes(&self) -> Result<(), Error> {
        let present = self.class_weights().iter().filter(|&&weight| weight > 0.0).count();
        if present < 2 { Err(Error::OneClass) } else { Ok(()) }
    }
}

pub(crate) fn check_length(what: &'static str, expected: usize, found: usize) -> Result<(), Error> {
    if expected == found { Ok(()) } else { Err(Error::Length { what, expected, found }) }
}

fn check_rows(n_rows: usize) -> Result<(), Error> {
    match n_rows {
        0 => Err(Error::NoRows),
        1..=MAX_ROWS => Ok(()),
        _ => Err(Error::TooManyRows { n_rows, limit: MAX_ROWS }),
    }
}

fn check_levels(features: &Matrix, kinds: &[FeatureKind]) -> Result<(), Error> {
    for (column, kind) in kinds.iter().enumerate() {
        let FeatureKind::Categorical { n_levels } = *kind else { continue };
        let valid = |value: f32| value.is_nan() || value == -1.0 || level_of(value, n_levels).is_some();
        if let Some((row, value)) = features.column(column).enumerate().find(|&(_, value)| !valid(value)) {
            return Err(Error::NotALevel { row, column, value, n_levels });
        }
    }
    Ok(())
}

pub(crate) fn check_classes(classes: &[u32], n_classes: usize) -> Result<(), Error> {
    match classes.iter().position(|&class| class as usize >= n_classes) {
        Some(row) => Err(Error::NotAClass { row, class: classes[row], n_classes }),
        None => Ok(()),
    }
}

pub(crate) fn check_weights(weights: &[f32]) -> Result<(), Error> {
    match weights.iter().position(|weight| !weight.is_finite() || *weight < 0.0) {
        Some(row) => Err(Error::NotAWeight { row, weight: weights[row] }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(values: Vec<f32>, classes: Vec<u32>, weights: Option<Vec<f32>>) -> Result<Data, Error> {
        let features = Matrix::new(classes.len(), 2, values)?;
        Data::new(features, vec![FeatureKind::Numeric, FeatureKind::Categorical { n_levels: 3 }], classes, 2, weights)
    }

    #[track_caller]
    fn check_refused(result: Result<Data, Error>, message: &str) {
        assert_eq!(result.expect_err("should be refused").to_string(), message);
    }

    #[test]
    fn missing_values_of_both_kinds_are_accepted() {
        let data = data(vec![f32::NAN, -1.0, 2.0, f32::NAN], vec![0, 1], None).unwrap();
        assert_eq!((data.n_rows(), data.class_weights()), (2, vec![1.0, 1.0]));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_place() {
        check_refused(
            data(vec![1.0, 0.0, f32::INFINITY, 0.0], vec![0, 1], None),
            "value inf in column 0 (row 1) is not finite; a missing value is NaN",
        );
        check_refused(
            data(vec![1.0, 0.0, 1.0, 3.0], vec![0, 1], None),
            "value 3 in categorical column 1 (row 1) is neither a level below 3 nor -1",
        );
        check_refused(
            data(vec![1.0, 0.5, 1.0, 2.0], vec![0, 1], None),
            "value 0.5 in categorical column 1 (row 0) is neither a level below 3 nor -1",
        );
        check_refused(data(vec![1.0, 0.0, 1.0], vec![0, 1], None), "expected 4 values, found 3");
        check_refused(data(vec![1.0, 0.0, 1.0, 2.0], vec![0, 2], None), "class 2 (row 1) is not below 2");
        check_refused(
            data(vec![1.0, 0.0, 1.0, 2.0], vec![0, 1], Some(vec![1.0, -0.5])),
            "weight -0.5 (row 1) is not a finite number of at least 0",
        );
        check_refused(data(vec![], vec![], None), "there are no rows");
    }

    #[test]
    fn one_class_is_refused_also_when_the_other_has_no_weight() {
        let message = "the rows hold only one class, and a classifier needs at least two";
        check_refused(data(vec![1.0, 0.0, 1.0, 2.0], vec![1, 1], None), message);
        check_refused(data(vec![1.0, 0.0, 1.0, 2.0], vec![0, 1], Some(vec![1.0, 0.0])), message);
    }

    #[test]
    fn balanced_rows_give_every_class_the_same_weight() {
        let features = Matrix::new(5, 1, vec![0.0; 5]).unwrap();
        let weights = Some(vec![1.0, 1.0, 2.0, 0.0, 4.0]);
        let data = Data::new(features, vec![FeatureKind::Numeric], vec![0, 0, 0, 1, 3], 4, weights).unwrap();
        let balanced = data.balanced();
        assert_eq!(balanced.class_weights(), [2.5, 0.0, 0.0, 2.5]);
        assert_eq!(balanced.weights(), Some(&[0.625, 0.625, 1.25, 0.0, 2.5][..]));
        let features = Matrix::new(4, 1, vec![0.0; 4]).unwrap();
        let unweighted = Data::new(features, vec![FeatureKind::Numeric], vec![0, 0, 0, 1], 3, None).unwrap().balanced();
        assert_eq!(unweighted.weights(), Some(&[2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0, 2.0][..]));
    }

    #[test]
    fn a_level_is_an_exact_index() {
        let levels = [0.0, -0.0, 2.0, 3.0, 1.5, -1.0, f32::NAN].map(|value| level_of(value, 3));
        assert_eq!(levels, [Some(0), Some(0), Some(2), None, None, None, None]);
    }
}
