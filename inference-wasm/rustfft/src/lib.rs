//! The discrete Fourier transform as the plain sum that it is, with as much of crate `rustfft`'s interface as tract uses.
//!
//! tract's operators DFT and STFT bring that crate along, whose kernels are a fifth of the WebAssembly module for any ONNX file. A
//! classifier of rows hardly transforms anything, and where it does, its rows are short: a transform of n numbers takes n² steps here.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may stop at the first surprise"))]

use std::f64::consts::TAU;
use std::fmt::Debug;

pub use num_complex;
pub use num_traits;

use num_complex::Complex;
use num_traits::{FromPrimitive, Signed};

/// What can be transformed: float32 and float64.
pub trait FftNum: Copy + FromPrimitive + Signed + Sync + Send + Debug + 'static {}

impl<T: Copy + FromPrimitive + Signed + Sync + Send + Debug + 'static> FftNum for T {}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FftDirection {
    /// From numbers to frequencies.
    Forward,
    /// Back, but for a division by the length.
    Inverse,
}

/// Makes transforms.
#[derive(Clone, Copy, Debug, Default)]
pub struct FftPlanner;

/// A transform of numbers of one length.
#[derive(Clone, Debug)]
pub struct Fft {
    len: usize,
    direction: FftDirection,
}

impl FftPlanner {
    /// A planner.
    pub fn new() -> Self {
        Self
    }

    /// A transform of so many numbers.
    pub fn plan_fft(&mut self, len: usize, direction: FftDirection) -> Fft {
        Fft { len, direction }
    }

    /// A transform of so many numbers to frequencies.
    pub fn plan_fft_forward(&mut self, len: usize) -> Fft {
        self.plan_fft(len, FftDirection::Forward)
    }
}

impl Fft {
    /// Transforms numbers in place, as many at a time as the transform is long.
    pub fn process<T: FftNum>(&self, numbers: &mut [Complex<T>]) {
        let roots: Vec<Complex<T>> = (0..self.len).map(|at| self.root(at)).collect();
        for numbers in numbers.chunks_exact_mut(self.len.max(1)) {
            let given = numbers.to_vec();
            for (frequency, number) in numbers.iter_mut().enumerate() {
                let terms = given.iter().enumerate().map(|(at, given)| given * roots[at * frequency % self.len]);
                *number = terms.fold(Complex::new(T::zero(), T::zero()), |sum, term| sum + term);
            }
        }
    }

    /// A root of unity.
    fn root<T: FftNum>(&self, at: usize) -> Complex<T> {
        let turn = TAU * at as f64 / self.len as f64;
        let (sin, cos) = if self.direction == FftDirection::Forward { (-turn).sin_cos() } else { turn.sin_cos() };
        let number = |value: f64| T::from_f64(value).expect("a sine is a number of any kind");
        Complex::new(number(cos), number(sin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &[f64], direction: FftDirection, expected: &[(f64, f64)]) {
        let mut numbers: Vec<Complex<f64>> = given.iter().map(|re| Complex::new(*re, 0.0)).collect();
        FftPlanner::new().plan_fft(expected.len(), direction).process(&mut numbers);
        for (found, (re, im)) in numbers.iter().zip(expected.iter().cycle()) {
            assert!((found - Complex::new(*re, *im)).norm() < 1e-12, "{numbers:?}");
        }
    }

    #[test]
    fn known_transforms() {
        check(&[1.0, 0.0, 0.0], FftDirection::Forward, &[(1.0, 0.0); 3]);
        check(&[1.0, 2.0, 3.0, 4.0], FftDirection::Forward, &[(10.0, 0.0), (-2.0, 2.0), (-2.0, 0.0), (-2.0, -2.0)]);
        check(&[1.0, 2.0, 3.0, 4.0], FftDirection::Inverse, &[(10.0, 0.0), (-2.0, -2.0), (-2.0, 0.0), (-2.0, 2.0)]);
        check(&[1.0, 2.0, 1.0, 2.0], FftDirection::Forward, &[(3.0, 0.0), (-1.0, 0.0)]);
        check(&[], FftDirection::Forward, &[]);
    }

    #[test]
    fn there_and_back_is_the_length_times_as_much() {
        let given: Vec<Complex<f32>> = (0..7).map(|at| Complex::new((at * at % 5) as f32, at as f32)).collect();
        let mut numbers = given.clone();
        FftPlanner::new().plan_fft_forward(7).process(&mut numbers);
        FftPlanner::new().plan_fft(7, FftDirection::Inverse).process(&mut numbers);
        assert!(numbers.iter().zip(given).all(|(found, given)| (found / 7.0 - given).norm() < 1e-5));
    }
}
