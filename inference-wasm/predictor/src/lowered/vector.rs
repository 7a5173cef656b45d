//! Products of a row of values with a matrix, in loops that compilers turn into vector instructions.

use std::ops::{AddAssign, Mul};

/// Sums that are kept in registers while a row's values pass by.
const TILE: usize = 16;
const SMALL_TILE: usize = 4;

/// A value and the row of the matrix that it multiplies.
pub(crate) type Term<T> = (u32, T);

/// Writes, for each column of a row-major matrix of this many columns, the sum of values times its numbers, in the order of the terms.
pub(crate) fn product<T: Number>(terms: &[Term<T>], matrix: &[T], n_columns: usize, sums: &mut Vec<T>) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has what the function is compiled for.
        return unsafe { product_in_wide_vectors(terms, matrix, n_columns, sums) };
    }
    product_in_tiles(terms, matrix, n_columns, sums);
}

/// The same sums, in vectors twice as wide as every processor of this kind has.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn product_in_wide_vectors<T: Number>(terms: &[Term<T>], matrix: &[T], n_columns: usize, sums: &mut Vec<T>) {
    product_in_tiles(terms, matrix, n_columns, sums);
}

#[inline(always)]
fn product_in_tiles<T: Number>(terms: &[Term<T>], matrix: &[T], n_columns: usize, sums: &mut Vec<T>) {
    sums.clear();
    sums.resize(n_columns, T::default());
    let mut first = 0;
    #[cfg(any(target_arch = "x86_64", target_arch = "wasm32"))]
    while n_columns - first >= 2 * TILE {
        first = tile::<T, { 2 * TILE }>(terms, matrix, first, sums);
    }
    while n_columns - first >= TILE {
        first = tile::<T, TILE>(terms, matrix, first, sums);
    }
    while n_columns - first >= SMALL_TILE {
        first = tile::<T, SMALL_TILE>(terms, matrix, first, sums);
    }
    while first < n_columns {
        first = tile::<T, 1>(terms, matrix, first, sums);
    }
}

/// Writes the sums of some columns that lie side by side; gives the column after them.
#[inline(always)]
fn tile<T: Number, const N: usize>(terms: &[Term<T>], matrix: &[T], first: usize, all: &mut [T]) -> usize {
    let mut sums = [T::default(); N];
    for &(row, value) in terms {
        let numbers = &matrix[row as usize * all.len() + first..][..N];
        for column in 0..N {
            sums[column] += value * numbers[column];
        }
    }
    all[first..first + N].copy_from_slice(&sums);
    first + N
}

/// What is multiplied and added.
pub(crate) trait Number: Copy + Default + Mul<Output = Self> + AddAssign {}

impl Number for f32 {}
impl Number for f64 {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_has_its_sum() {
        for n_columns in [1, 3, 4, 5, 16, 23, 39, 64, 100] {
            let matrix: Vec<f64> = (0..3 * n_columns).map(|at| at as f64).collect();
            let mut sums = vec![7.0; 2];
            product(&[(0, 2.0), (2, -1.0)], &matrix, n_columns, &mut sums);
            let expected: Vec<f64> = (0..n_columns).map(|at| 2.0 * at as f64 - (2 * n_columns + at) as f64).collect();
            assert_eq!(sums, expected);
        }
    }
}
