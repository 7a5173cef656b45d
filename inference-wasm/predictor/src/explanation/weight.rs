//! How much an order of columns counts.

/// `n! m! / (n + m + 1)!`: of all orders of n + m + 1 columns, the share in which one given column comes after n given ones and before the
/// other m.
fn weight(n: usize, m: usize) -> f64 {
    let (few, many) = (n.min(m), n.max(m));
    (1..=few).fold(1.0 / (many + 1) as f64, |weight, step| weight * step as f64 / (many + 1 + step) as f64)
}

/// The weights of up to so many columns, worked out before they are asked for.
pub(super) struct Weights {
    n_known: usize,
    /// `[n, m]`, both below `n_known`.
    known: Vec<f64>,
}

impl Weights {
    /// Most paths have no more columns.
    const MOST_KNOWN: usize = 32;

    pub(super) fn new(n_columns: usize) -> Self {
        let n_known = (n_columns + 1).min(Self::MOST_KNOWN);
        let known = (0..n_known * n_known).map(|at| weight(at / n_known, at % n_known)).collect();
        Self { n_known, known }
    }

    #[inline(always)]
    pub(super) fn of(&self, n: usize, m: usize) -> f64 {
        if n.max(m) < self.n_known { self.known[n * self.n_known + m] } else { weight(n, m) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Weights, weight};

    #[test]
    fn weights_are_shares_of_orders() {
        assert_eq!([weight(0, 0), weight(0, 1), weight(1, 0), weight(0, 2)], [1.0, 0.5, 0.5, 1.0 / 3.0]);
        assert!((weight(2, 3) - 2.0 * 6.0 / 720.0).abs() < 1e-15);
        // Of five columns, over all sets of the four others.
        let binomial = [1.0, 4.0, 6.0, 4.0, 1.0];
        let sum: f64 = (0..5).map(|n| binomial[n] * weight(n, 4 - n)).sum();
        assert!((sum - 1.0).abs() < 1e-15);
    }

    #[test]
    fn weights_that_are_kept_are_those_that_are_not() {
        let weights = Weights::new(3);
        for (n, m) in [(0, 0), (3, 0), (0, 3), (2, 3), (4, 1), (1, 40)] {
            assert_eq!(weights.of(n, m), weight(n, m));
        }
    }
}
