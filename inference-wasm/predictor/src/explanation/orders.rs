//! Contributions to the probability from random orders of the columns.
//!
//! From a background row to the record, one column after the other takes the record's value; what the probability does at each step is the
//! column's. Every background row is taken in some random orders, each forwards and backwards, which evens much of the chance out.
//!
//! Source: Mitchell, Cooper, Frank and Holmes (2022), Sampling permutations for Shapley value estimation; antithetic sampling.

use super::random::Random;
use super::steps::{Walker, n_products};
use super::{Method, Question, Scale, Shares, mean};
use crate::error::PredictError;

/// Rows that the model is asked for, about; with more columns there are fewer orders, then fewer background rows.
const N_ASKED: usize = 2048;
/// Products for all of these rows together, about: a model that takes more of them is asked for fewer rows, so that none is waited for.
const MAX_PRODUCTS: usize = 10_000_000;
/// Background rows that are used, at least.
const FEWEST_ROWS: usize = 16;

/// Takes orders of the columns, the same at every call.
pub(super) fn explain(question: &Question, probability: f64) -> Result<Shares, PredictError> {
    let (values, n_rows, width) = (question.background.values(), question.background.n_rows(), question.own.len());
    let per_order = 2 * (width + 1);
    let n_asked = n_asked(n_products(question));
    let n_used = (n_asked / per_order).max(FEWEST_ROWS).min(n_rows);
    let n_orders = (n_asked / per_order / n_used).max(1);
    let mut random = Random(n_rows as u64);
    let mut order: Vec<usize> = (0..width).collect();
    // Evenly spaced, as the rows are in the order of their probability.
    let places: Vec<usize> = (0..n_used).map(|at| at * n_rows / n_used).collect();
    let rows = places.iter().map(|place| &values[place * width..][..width]).collect();
    let known = question.background_probabilities()?;
    let bases: Vec<f64> = places.iter().map(|place| known[*place]).collect();
    let mut walker = Walker::new(question, rows);
    let mut sums = Sums::of(width);
    for (row, base) in bases.iter().enumerate() {
        for _ in 0..n_orders {
            random.shuffle(&mut order);
            for between in walker.steps(row, &order)? {
                sums.add(&order, &between, [*base, probability]);
                order.reverse();
            }
            sums.end_pair();
        }
    }
    let base = mean(&bases);
    Ok(Shares {
        scale: Scale::Probability,
        method: Method::Orders,
        base,
        value: probability,
        base_probability: base,
        probability,
        standard_error: Some(sums.standard_error()),
        has_points: true,
        contributions: sums.means().map(|points| [points; 2]).collect(),
    })
}

fn n_asked(n_products: usize) -> usize {
    (MAX_PRODUCTS / n_products.max(1)).min(N_ASKED)
}

/// What the steps add up to, by column.
struct Sums {
    n: f64,
    sums: Vec<f64>,
    squares: Vec<f64>,
    /// Of the order at hand, forwards and backwards.
    pair: Vec<f64>,
}

impl Sums {
    fn of(n_columns: usize) -> Self {
        let zeros = || vec![0.0; n_columns];
        Self { n: 0.0, sums: zeros(), squares: zeros(), pair: zeros() }
    }

    /// Adds what the columns of an order do, from the row's probability by those between to the record's.
    fn add(&mut self, order: &[usize], between: &[f64], [first, last]: [f64; 2]) {
        let mut before = first;
        for (step, &column) in order.iter().enumerate() {
            let after = between.get(step).copied().unwrap_or(last);
            self.pair[column] += (after - before) / 2.0;
            before = after;
        }
    }

    fn end_pair(&mut self) {
        self.n += 1.0;
        for ((sum, square), gain) in self.sums.iter_mut().zip(&mut self.squares).zip(&mut self.pair) {
            *sum += *gain;
            *square += *gain * *gain;
            *gain = 0.0;
        }
    }

    fn means(&self) -> impl Iterator<Item = f64> {
        self.sums.iter().map(|sum| sum / self.n)
    }

    /// The largest of a column's mean. The background's own spread is in it, which all its rows being used takes out, so it is rather too large.
    fn standard_error(&self) -> f64 {
        let variance = |(mean, squares): (f64, &f64)| (squares / self.n - mean * mean).max(0.0) / (self.n - 1.0).max(1.0);
        self.means().zip(&self.squares).map(variance).fold(0.0, f64::max).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_model_is_asked_for_fewer_rows() {
        // Two and five networks of 64 and 32 units, and five of 256 and 128.
        assert_eq!([0, 4_160, 10_400, 164_480].map(n_asked), [2048, 2048, 961, 60]);
    }
}
