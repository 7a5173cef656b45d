//! How much an order of columns counts.

/// `n! m! / (n + m + 1)!`: of all orders of n + m + 1 columns, the share in which one given column comes after n given ones and before the
/// other m.
pub(super) fn weight(n: usize, m: usize) -> f64 {
    let (few, many) = (n.min(m), n.max(m));
    (1..=few).fold(1.0 / (many + 1) as f64, |weight, step| weight * step as f64 / (many + 1 + step) as f64)
}

#[cfg(test)]
mod tests {
    use super::weight;

    #[test]
    fn weights_are_shares_of_orders() {
        assert_eq!([weight(0, 0), weight(0, 1), weight(1, 0), weight(0, 2)], [1.0, 0.5, 0.5, 1.0 / 3.0]);
        assert!((weight(2, 3) - 2.0 * 6.0 / 720.0).abs() < 1e-15);
        // Of five columns, over all sets of the four others.
        let binomial = [1.0, 4.0, 6.0, 4.0, 1.0];
        let sum: f64 = (0..5).map(|n| binomial[n] * weight(n, 4 - n)).sum();
        assert!((sum - 1.0).abs() < 1e-15);
    }
}
