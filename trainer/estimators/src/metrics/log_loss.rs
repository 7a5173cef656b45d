//! Log loss, and whether one model's is lower than another's on the same rows.

use serde::{Deserialize, Serialize};

use super::intervals::mean_with_error;
use super::{Truth, check};
use crate::{Error, Matrix};

/// Probabilities are kept this far from 0 and 1, so that one wrong certainty does not make the mean infinite.
const CLIP: f64 = 1e-15;

/// Mean negative log of the probability given to the true class.
pub(crate) fn log_loss(probabilities: &Matrix, truth: Truth) -> f64 {
    let weighted = losses(probabilities, truth.classes).zip(truth.weights()).map(|(loss, weight)| loss * weight);
    weighted.sum::<f64>() / truth.total()
}

/// The mean difference of two models' log losses over the same rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedDifference {
    /// Rows compared.
    pub n_rows: usize,
    /// Challenger minus champion; negative when the challenger is better.
    pub mean: f64,
    /// Standard error of the mean; none with a single row.
    pub standard_error: Option<f64>,
}

/// Compares two sets of probabilities `[N, C]` on the same rows.
///
/// Differences are taken row by row, so what makes a row hard for both cancels: a paired comparison needs far fewer rows than two means.
pub fn paired_log_loss_difference<'a>(
    challenger: &Matrix,
    champion: &Matrix,
    truth: impl Into<Truth<'a>>,
) -> Result<PairedDifference, Error> {
    let truth = truth.into();
    check(challenger, truth)?;
    check(champion, truth)?;
    let pairs = losses(challenger, truth.classes).zip(losses(champion, truth.classes));
    let differences: Vec<f64> = pairs.map(|(challenger, champion)| challenger - champion).collect();
    let (mean, standard_error) = mean_with_error(&differences, truth.weights);
    Ok(PairedDifference { n_rows: truth.counted_rows().len(), mean, standard_error })
}

/// The log loss of each row.
pub fn row_losses(probabilities: &Matrix, classes: &[u32]) -> Vec<f64> {
    losses(probabilities, classes).collect()
}

fn losses<'a>(probabilities: &'a Matrix, classes: &'a [u32]) -> impl Iterator<Item = f64> + 'a {
    probabilities.rows().zip(classes).map(|(p, &class)| -f64::from(p[class as usize]).clamp(CLIP, 1.0 - CLIP).ln())
}
