//! Symmetric positive definite systems by Cholesky's factors, `A = L L'`.

/// Puts L in the place of the lower triangle of a row-major `[n, n]` matrix. A pivot that rounding left below this share of the largest
/// element of the diagonal is raised to it.
pub(crate) fn factorise(matrix: &mut [f64], n: usize, least: f64) {
    let largest = (0..n).map(|at| matrix[at * n + at]).fold(0.0, f64::max);
    for row in 0..n {
        for column in 0..=row {
            let (above, own) = matrix.split_at_mut(row * n);
            let (done, rest) = own.split_at_mut(column);
            if column == row {
                let product: f64 = done.iter().map(|value| value * value).sum();
                rest[0] = (rest[0] - product).max(least * largest).max(f64::MIN_POSITIVE).sqrt();
            } else {
                let other = &above[column * n..][..=column];
                let product: f64 = done.iter().zip(other).map(|(a, b)| a * b).sum();
                rest[0] = (rest[0] - product) / other[column];
            }
        }
    }
}

/// Replaces the right side of a system by its solution, given L.
pub(crate) fn solve(factor: &[f64], right: &mut [f64]) {
    let n = right.len();
    for at in 0..n {
        let row = &factor[at * n..][..=at];
        let known: f64 = row[..at].iter().zip(&*right).map(|(factor, value)| factor * value).sum();
        right[at] = (right[at] - known) / row[at];
    }
    for at in (0..n).rev() {
        let row = &factor[at * n..][..=at];
        right[at] /= row[at];
        let value = right[at];
        right[..at].iter_mut().zip(row).for_each(|(other, factor)| *other -= factor * value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved() {
        let mut system = vec![4.0, 2.0, 0.5, 2.0, 5.0, 1.0, 0.5, 1.0, 3.0];
        let mut right = vec![4.0 + 4.0 + 1.5, 2.0 + 10.0 + 3.0, 0.5 + 2.0 + 9.0];
        factorise(&mut system, 3, 1e-9);
        solve(&system, &mut right);
        assert!(right.iter().zip([1.0, 2.0, 3.0]).all(|(found, expect)| (found - expect).abs() < 1e-9), "{right:?}");
    }
}
