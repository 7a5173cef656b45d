//! How the loss curves at the start, as a map from slopes to steps.
//!
//! Pieces of one number are much alike, so the loss is a narrow valley in their weights, along which L-BFGS takes hundreds of steps from
//! nothing. From the curvature of a sample of rows it takes some ten. At the start every row has the same probabilities, so the curvature is a
//! multiple of the inputs' mean products; of several classes, each is seen apart from the others.

use super::penalty::Penalty;
use crate::encoding::Encoding;
use crate::{Data, cholesky};

/// Rows whose products are averaged, evenly spaced.
const SAMPLE_ROWS: usize = 4096;

/// With more inputs than this, steps start from nothing: a factor costs their number cubed.
const MAX_INPUTS: usize = 1000;

/// Added to the diagonal at least, relative to it: without a penalty, levels of one column and the bias say the same.
const LEAST: f64 = 1e-6;

/// Relative to the largest element of the diagonal: what rounding may make of a pivot.
const LEAST_PIVOT: f64 = 1e-12;

/// The lower triangle `L` of a curvature `L L'`, over the inputs and the bias.
pub(super) struct Curvature {
    width: usize,
    n_outputs: usize,
    factor: Vec<f64>,
}

impl Curvature {
    /// Of the mean loss with its penalty. `squares` are the inputs' exact mean squares, as a sample may miss a rare level.
    pub(super) fn at_start(
        encoding: &Encoding,
        data: &Data,
        n_outputs: usize,
        squares: &[f64],
        penalty: &Penalty,
    ) -> Option<Self> {
        let width = encoding.n_inputs() + 1;
        if width > MAX_INPUTS {
            return None;
        }
        let mut factor = mean_products(encoding, data, width);
        let spread = spread(data);
        for at in 0..width {
            let square = factor[at * width + at].max(squares.get(at).copied().unwrap_or(1.0));
            factor[at * width..][..at].iter_mut().for_each(|product| *product *= spread);
            factor[at * width + at] = spread * square;
        }
        penalty.add_curvature(&mut factor, width, width - 1, LEAST * spread);
        cholesky::factorise(&mut factor, width, LEAST_PIVOT);
        Some(Self { width, n_outputs, factor })
    }

    /// Turns slopes into the step that would level them.
    pub(super) fn solve(&self, slopes: &mut [f64]) {
        let n = self.n_outputs;
        let mut right = vec![0.0; self.width];
        for output in 0..n {
            right.iter_mut().enumerate().for_each(|(at, value)| *value = slopes[at * n + output]);
            cholesky::solve(&self.factor, &mut right);
            right.iter().enumerate().for_each(|(at, value)| slopes[at * n + output] = *value);
        }
    }
}

/// The lower triangle of the weighted mean products of inputs and the bias.
fn mean_products(encoding: &Encoding, data: &Data, width: usize) -> Vec<f64> {
    let mut products = vec![0.0; width * width];
    let (mut inputs, mut total) = (Vec::new(), 0.0);
    for row in (0..data.n_rows()).step_by(data.n_rows().div_ceil(SAMPLE_ROWS)) {
        let weight = f64::from(data.weight(row));
        inputs.clear();
        inputs.extend(encoding.inputs(data.features().row(row)).filter(|(_, value)| *value != 0.0));
        inputs.push((width - 1, 1.0));
        for (at, &(input, value)) in inputs.iter().enumerate() {
            let (place, value) = (&mut products[input * width..][..width], weight * f64::from(value));
            inputs[..=at].iter().for_each(|&(other, product)| place[other] += value * f64::from(product));
        }
        total += weight;
    }
    products.iter_mut().for_each(|product| *product /= total);
    products
}

/// `p (1 - p)` of a class, averaged over the classes.
fn spread(data: &Data) -> f64 {
    let classes = data.class_weights();
    let total: f64 = classes.iter().sum();
    let spreads = classes.iter().map(|weight| weight / total * (1.0 - weight / total));
    (spreads.sum::<f64>() / classes.len() as f64).max(1e-6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_solves_its_system() {
        let mut factor = vec![4.0, 0.0, 0.0, 2.0, 5.0, 0.0, 0.5, 1.0, 3.0];
        cholesky::factorise(&mut factor, 3, LEAST_PIVOT);
        let curvature = Curvature { width: 3, n_outputs: 2, factor };
        let mut slopes = vec![9.5, 4.0, 15.0, 2.0, 11.5, 0.5];
        curvature.solve(&mut slopes);
        let expect = [1.0, 1.0, 2.0, 0.0, 3.0, 0.0];
        assert!(slopes.iter().zip(expect).all(|(found, expect)| (found - expect).abs() < 1e-9), "{slopes:?}");
    }
}
