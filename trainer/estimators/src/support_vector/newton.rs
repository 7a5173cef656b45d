//! The minimum of `a' (K + ridge I) a / 2 + C sum w max(0, 1 - y f)²` over coefficients a and bias, by Newton steps.
//!
//! On the rows inside the margin the loss is a weighted least squares, so a step solves one linear system of the number of landmarks.

use burn::prelude::*;
use rayon::prelude::*;

use crate::cholesky;

/// Steps end when the objective falls by less than this share of it.
const TOLERANCE: f64 = 3e-4;

/// A step is halved at most this often.
const MAX_HALVINGS: i32 = 12;

/// Added to the diagonal of the system, relative to its largest element: what float32 sums are off as a rule.
const DAMPING: f64 = 3e-6;

/// By how much that grows when a step leads nowhere: where the kernel hardly changes from row to row, the sums are off by more than what
/// tells the landmarks apart. (Levenberg, 1944; Marquardt, 1963.)
const MORE_DAMPING: f64 = 30.0;

/// Where it ends.
const MOST_DAMPING: f64 = 1e-1;

/// Relative to the largest element of the diagonal: what rounding may make of a pivot.
const LEAST_PIVOT: f64 = 1e-9;

/// Rows whose decisions are computed together.
const CHUNK: usize = 2048;

/// Rows whose products are summed in float32.
const SUMMED_ROWS: usize = 256;

/// Kernels between rows and landmarks.
pub(super) struct Problem {
    /// Row-major `[rows, landmarks]`.
    pub(super) kernel: Vec<f32>,
    /// Row-major `[landmarks, landmarks]`.
    pub(super) between: Vec<f32>,
    pub(super) n_landmarks: usize,
    pub(super) c: f64,
    pub(super) ridge: f64,
    pub(super) max_steps: usize,
}

/// A decision function.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) coefficients: Vec<f64>,
    pub(super) bias: f64,
    pub(super) n_steps: usize,
    pub(super) converged: bool,
}

impl Problem {
    /// The machine that decides nothing.
    pub(super) fn zero(&self) -> Machine {
        Machine { coefficients: vec![0.0; self.n_landmarks], bias: 0.0, n_steps: 0, converged: false }
    }

    /// The decisions on some rows.
    pub(super) fn decisions(&self, rows: &[usize], machine: &Machine) -> Vec<f64> {
        let decide = |&row: &usize| {
            let products = self.row(row).iter().zip(&machine.coefficients).map(|(kernel, a)| f64::from(*kernel) * a);
            products.sum::<f64>() + machine.bias
        };
        rows.par_chunks(CHUNK).flat_map_iter(|rows| rows.iter().map(decide)).collect()
    }

    /// The machine of some rows, from a start.
    pub(super) fn solve(&self, rows: &[usize], signs: &[f64], weights: &[f64], start: Machine) -> Machine {
        let mut machine = Machine { n_steps: 0, converged: false, ..start };
        let mut decisions = self.decisions(rows, &machine);
        let mut objective = self.objective(rows, signs, weights, &machine, &decisions);
        let mut damping = DAMPING;
        while machine.n_steps < self.max_steps && !machine.converged {
            machine.n_steps += 1;
            let (system, slope) = self.system(rows, signs, weights, &machine, &decisions);
            let descend = |damping: f64| {
                let target = self.stepped(&machine, system.clone(), slope.clone(), damping);
                (0..MAX_HALVINGS).find_map(|halvings| {
                    let tried = between(&machine, &target, 0.5_f64.powi(halvings));
                    let tried_decisions = self.decisions(rows, &tried);
                    let tried_objective = self.objective(rows, signs, weights, &tried, &tried_decisions);
                    (tried_objective < objective).then_some((tried, tried_decisions, tried_objective))
                })
            };
            let mut lower = descend(damping);
            while lower.is_none() && damping < MOST_DAMPING {
                damping *= MORE_DAMPING;
                lower = descend(damping);
            }
            let Some((tried, tried_decisions, tried_objective)) = lower else {
                return Machine { converged: true, ..machine };
            };
            let converged = objective - tried_objective <= TOLERANCE * objective;
            (machine, decisions, objective) = (Machine { converged, ..tried }, tried_decisions, tried_objective);
        }
        machine
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.kernel[row * self.n_landmarks..][..self.n_landmarks]
    }

    fn objective(&self, rows: &[usize], signs: &[f64], weights: &[f64], machine: &Machine, decisions: &[f64]) -> f64 {
        let loss: f64 = rows.iter().zip(decisions).map(|(&row, f)| weights[row] * (1.0 - signs[row] * f).max(0.0).powi(2)).sum();
        let rough = machine.coefficients.iter().zip(self.between.chunks_exact(self.n_landmarks)).map(|(a, kernel)| {
            let product: f64 = kernel.iter().zip(&machine.coefficients).map(|(k, b)| f64::from(*k) * b).sum();
            a * (product + self.ridge * a)
        });
        rough.sum::<f64>() / 2.0 + self.c * loss
    }

    /// The second derivatives and minus the first ones, the bias last. The former are summed in float32, the latter in float64: a system that is
    /// a little off still leads down, and steps end where the slope is level.
    fn system(
        &self,
        rows: &[usize],
        signs: &[f64],
        weights: &[f64],
        machine: &Machine,
        decisions: &[f64],
    ) -> (Vec<f64>, Vec<f64>) {
        let inside = rows.iter().zip(decisions).filter(|(row, f)| signs[**row] * **f < 1.0);
        let inside: Vec<(usize, f64)> = inside.map(|(row, f)| (*row, *f)).collect();
        let width = self.n_landmarks + 1;
        let mut scaled = vec![0.0_f32; inside.len() * width];
        scaled.par_chunks_mut(width).zip(&inside).for_each(|(place, &(row, _))| {
            let scale = (2.0 * self.c * weights[row]).sqrt() as f32;
            place.iter_mut().zip(self.row(row)).for_each(|(place, kernel)| *place = scale * kernel);
            place[self.n_landmarks] = scale;
        });
        let mut system = gram(&scaled, width);
        for (at, kernel) in self.between.iter().enumerate() {
            system[at / self.n_landmarks * width + at % self.n_landmarks] += f64::from(*kernel);
        }
        (system, self.slope(&inside, signs, weights, machine))
    }

    /// Where a full Newton step leads.
    fn stepped(&self, machine: &Machine, mut system: Vec<f64>, mut step: Vec<f64>, damping: f64) -> Machine {
        let width = self.n_landmarks + 1;
        let largest = (0..width).map(|at| system[at * width + at]).fold(0.0, f64::max);
        for at in 0..width {
            system[at * width + at] += self.ridge + damping * largest;
        }
        cholesky::factorise(&mut system, width, LEAST_PIVOT);
        cholesky::solve(&system, &mut step);
        let bias = machine.bias + step.pop().unwrap_or(0.0);
        let coefficients = machine.coefficients.iter().zip(&step).map(|(a, step)| a + step).collect();
        Machine { coefficients, bias, ..machine.clone() }
    }

    /// Minus the gradient by the coefficients and the bias.
    fn slope(&self, inside: &[(usize, f64)], signs: &[f64], weights: &[f64], machine: &Machine) -> Vec<f64> {
        let pull = |&(row, f): &(usize, f64)| 2.0 * self.c * weights[row] * (signs[row] - f);
        let mut slope = vec![0.0; self.n_landmarks + 1];
        for row in inside {
            let pull = pull(row);
            slope.iter_mut().zip(self.row(row.0)).for_each(|(sum, kernel)| *sum += pull * f64::from(*kernel));
            slope[self.n_landmarks] += pull;
        }
        for (at, kernel) in self.between.chunks_exact(self.n_landmarks).enumerate() {
            let product: f64 = kernel.iter().zip(&machine.coefficients).map(|(k, a)| f64::from(*k) * a).sum();
            slope[at] -= product + self.ridge * machine.coefficients[at];
        }
        slope
    }
}

fn between(from: &Machine, to: &Machine, share: f64) -> Machine {
    let at = |from: f64, to: f64| from + share * (to - from);
    let coefficients = from.coefficients.iter().zip(&to.coefficients).map(|(from, to)| at(*from, *to)).collect();
    Machine { coefficients, bias: at(from.bias, to.bias), n_steps: from.n_steps, converged: from.converged }
}

/// The products of all pairs of columns, `[width, width]`.
fn gram(rows: &[f32], width: usize) -> Vec<f64> {
    let device = Device::flex();
    let mut sums = vec![0.0; width * width];
    for rows in rows.chunks(SUMMED_ROWS * width) {
        let rows = Tensor::<2>::from_data(TensorData::new(rows.to_vec(), [rows.len() / width, width]), &device);
        let products = rows.clone().transpose().matmul(rows).into_data();
        sums.iter_mut().zip(products.iter::<f32>()).for_each(|(sum, product)| *sum += f64::from(product));
    }
    sums
}
