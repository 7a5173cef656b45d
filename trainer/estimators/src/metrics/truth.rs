//! What came true of some rows, and how much each row counts.

use std::borrow::Cow;

use crate::Matrix;

/// The classes of some rows, and their weights where they do not count alike.
///
/// Every measure counts a row of weight 3 as three such rows, and a row of weight 0 not at all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Truth<'a> {
    pub(crate) classes: &'a [u32],
    pub(crate) weights: Option<&'a [f32]>,
}

/// Rows that count, with what is said about them.
pub(crate) struct Counted<'a> {
    pub(crate) probabilities: Cow<'a, Matrix>,
    classes: Cow<'a, [u32]>,
    weights: Option<Cow<'a, [f32]>>,
}

impl<'a> Truth<'a> {
    /// Classes of rows that count as much as their weights say; alike where there are none.
    pub fn new(classes: &'a [u32], weights: Option<&'a [f32]>) -> Self {
        Self { classes, weights }
    }

    pub(crate) fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| f64::from(weights[row]))
    }

    pub(crate) fn weights(&self) -> impl Iterator<Item = f64> + 'a {
        let truth = *self;
        (0..self.classes.len()).map(move |row| truth.weight(row))
    }

    /// The sum of the weights.
    pub(crate) fn total(&self) -> f64 {
        self.weights().sum()
    }

    /// As many rows alike as give a mean of the same precision: Kish, "Survey sampling", 1965.
    pub(crate) fn effective_rows(&self) -> f64 {
        self.total().powi(2) / self.weights().map(|weight| weight * weight).sum::<f64>()
    }

    /// The weight of each class.
    pub(crate) fn of_classes(&self, n_classes: usize) -> Vec<f64> {
        let mut sums = vec![0.0; n_classes];
        self.classes.iter().zip(self.weights()).for_each(|(&class, weight)| sums[class as usize] += weight);
        sums
    }

    /// The share of each class in the weight of all rows.
    pub fn shares(&self, n_classes: usize) -> Vec<f32> {
        self.of_classes(n_classes).iter().map(|sum| (sum / self.total()) as f32).collect()
    }

    /// Row numbers, without those of weight 0.
    pub(crate) fn counted_rows(&self) -> Vec<usize> {
        (0..self.classes.len()).filter(|&row| self.weight(row) > 0.0).collect()
    }

    /// The rows that count.
    pub(crate) fn counted(self, probabilities: &'a Matrix) -> Counted<'a> {
        let rows = self.counted_rows();
        if rows.len() == self.classes.len() {
            let (probabilities, classes) = (Cow::Borrowed(probabilities), Cow::Borrowed(self.classes));
            return Counted { probabilities, classes, weights: self.weights.map(Cow::Borrowed) };
        }
        let classes = rows.iter().map(|&row| self.classes[row]).collect();
        let weights = self.weights.map(|weights| rows.iter().map(|&row| weights[row]).collect());
        Counted { probabilities: Cow::Owned(probabilities.select(&rows)), classes: Cow::Owned(classes), weights }
    }
}

impl Counted<'_> {
    pub(crate) fn truth(&self) -> Truth<'_> {
        Truth { classes: &self.classes, weights: self.weights.as_deref() }
    }
}

impl<'a> From<&'a [u32]> for Truth<'a> {
    fn from(classes: &'a [u32]) -> Self {
        Self::new(classes, None)
    }
}

impl<'a> From<&'a Vec<u32>> for Truth<'a> {
    fn from(classes: &'a Vec<u32>) -> Self {
        Self::new(classes, None)
    }
}

impl<'a, const N: usize> From<&'a [u32; N]> for Truth<'a> {
    fn from(classes: &'a [u32; N]) -> Self {
        Self::new(classes, None)
    }
}
