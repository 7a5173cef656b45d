//! Raw values to probabilities, in float32 as in the exported graphs.

/// The probability of class 1 given its log-odds.
pub(crate) fn sigmoid(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// Turns one raw value per class into probabilities, in place.
pub(crate) fn softmax(raw: &mut [f32]) {
    let largest = raw.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    raw.iter_mut().for_each(|value| *value = (*value - largest).exp());
    let sum: f32 = raw.iter().sum();
    raw.iter_mut().for_each(|value| *value /= sum);
}

/// Appends a row of probabilities: sigmoid of a single raw value, softmax of several.
pub(crate) fn push_probabilities(raw: &[f32], probabilities: &mut Vec<f32>) {
    match raw {
        [log_odds] => {
            let p = sigmoid(*log_odds);
            probabilities.extend([1.0 - p, p]);
        }
        _ => {
            let start = probabilities.len();
            probabilities.extend_from_slice(raw);
            softmax(&mut probabilities[start..]);
        }
    }
}

/// A change of raw values that keeps their order: `slope · value + bias`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scaling {
    /// Above 0.
    pub(crate) slope: f32,
    /// One per raw value.
    pub(crate) bias: Vec<f32>,
}

impl Scaling {
    /// Changes the weights of raw values, and what is added to them.
    pub(crate) fn apply<'a>(&self, weights: impl IntoIterator<Item = &'a mut f32>, bias: &mut [f32]) {
        weights.into_iter().for_each(|weight| *weight *= self.slope);
        bias.iter_mut().zip(&self.bias).for_each(|(value, bias)| *value = *value * self.slope + bias);
    }
}

/// Raw values per row: one for two classes, one per class for more.
pub(crate) fn n_outputs(n_classes: usize) -> usize {
    if n_classes == 2 { 1 } else { n_classes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &[f32], expect: &[f32]) {
        let mut probabilities = vec![];
        push_probabilities(raw, &mut probabilities);
        assert_eq!(probabilities.len(), expect.len());
        assert!(probabilities.iter().zip(expect).all(|(p, e)| (p - e).abs() < 1e-6), "{probabilities:?}");
    }

    #[test]
    fn raw_values_become_probabilities_without_overflow() {
        check(&[0.0], &[0.5, 0.5]);
        check(&[3.0_f32.ln()], &[0.25, 0.75]);
        check(&[-1000.0], &[1.0, 0.0]);
        check(&[1000.0, 0.0, 1000.0], &[0.5, 0.0, 0.5]);
        check(&[0.0, 2.0_f32.ln(), 0.0], &[0.25, 0.5, 0.25]);
    }
}
