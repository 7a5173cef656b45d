//! Eigenvalues and eigenvectors of small symmetric matrices, by Jacobi's rotations.
//!
//! Source: C. G. J. Jacobi, "Über ein leichtes Verfahren, die in der Theorie der Säcularstörungen vorkommenden Gleichungen
//! numerisch aufzulösen", J. Reine Angew. Math. 30, 1846.

/// A square matrix, row by row.
pub(crate) type Matrix<const N: usize> = [[f64; N]; N];

/// Sweeps over all pairs; a few are enough for any small matrix.
const MAX_SWEEPS: usize = 50;

/// Eigenvalues, and the eigenvectors as columns, of a symmetric matrix.
pub(crate) fn eigen<const N: usize>(mut matrix: Matrix<N>) -> ([f64; N], Matrix<N>) {
    let mut vectors: Matrix<N> = std::array::from_fn(|i| std::array::from_fn(|j| f64::from(u8::from(i == j))));
    for _ in 0..MAX_SWEEPS {
        let mut turned = false;
        for p in 0..N {
            for q in p + 1..N {
                turned |= rotate(&mut matrix, &mut vectors, p, q);
            }
        }
        if !turned {
            break;
        }
    }
    (std::array::from_fn(|i| matrix[i][i]), vectors)
}

/// Turns the plane of `p` and `q` so that their entry vanishes; tells whether it was more than rounding.
fn rotate<const N: usize>(matrix: &mut Matrix<N>, vectors: &mut Matrix<N>, p: usize, q: usize) -> bool {
    let entry = matrix[p][q];
    if entry.abs() <= 1e-18 * (matrix[p][p] * matrix[q][q]).abs().sqrt() || entry == 0.0 {
        return false;
    }
    let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * entry);
    let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    let turn = |a: f64, b: f64| (cosine * a - sine * b, sine * a + cosine * b);
    for row in matrix.iter_mut().chain(vectors.iter_mut()) {
        (row[p], row[q]) = turn(row[p], row[q]);
    }
    let columns = matrix[p].into_iter().zip(matrix[q]).map(|(a, b)| turn(a, b));
    for (k, entries) in columns.enumerate() {
        (matrix[p][k], matrix[q][k]) = entries;
    }
    (matrix[p][q], matrix[q][p]) = (0.0, 0.0);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_is_put_together_again_from_its_parts() {
        let matrix = [[4.0, 1.0, -2.0], [1.0, 3.0, 0.5], [-2.0, 0.5, 1.0]];
        let (values, vectors) = eigen(matrix);
        for i in 0..3 {
            for j in 0..3 {
                let entry: f64 = (0..3).map(|k| values[k] * vectors[i][k] * vectors[j][k]).sum();
                assert!((entry - matrix[i][j]).abs() < 1e-14, "{i} {j}: {entry}");
            }
        }
    }
}
