//! The minimum of a smooth convex function plus `l1` times the absolute values of the first unknowns.
//!
//! Without `l1` this is L-BFGS (Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", 1989) with a line search
//! by halving and doubling for the weak Wolfe conditions (Lewis and Overton, "Nonsmooth optimization via quasi-Newton methods", 2013). With
//! it, steps stay in the orthant they start in: Andrew and Gao, "Scalable training of L1-regularized log-linear models", ICML 2007.

use std::collections::VecDeque;

use super::curvature::Curvature;
use crate::Error;

/// Past steps that are remembered.
const HISTORY: usize = 20;

/// A step has to lower the value by this share of what its slope promises.
const ENOUGH: f64 = 1e-4;

/// Without `l1`, the slope along a step has to fall to this share of what it was.
const FLAT: f64 = 0.9;

/// The descent ends when a step lowers the value by less than this share of it.
const MIN_CHANGE: f64 = 1e-14;

/// Lengths tried along a direction.
const MAX_TRIES: usize = 40;

/// Where the descent ended.
pub(super) struct Minimum {
    pub(super) unknowns: Vec<f64>,
    pub(super) value: f64,
}

/// What is minimised.
pub(super) struct Goal {
    /// Penalty on absolute values.
    pub(super) l1: f64,
    /// The first so many unknowns are penalised.
    pub(super) n_penalised: usize,
    /// The descent ends when no slope is steeper than this.
    pub(super) tolerance: f64,
    /// How the value curves at the start, if that is known.
    pub(super) curvature: Option<Curvature>,
}

/// Gives the value and the slopes of the smooth part, or nothing when it has been evaluated often enough.
pub(super) type Smooth<'a> = &'a mut dyn FnMut(&[f64]) -> Result<Option<(f64, Vec<f64>)>, Error>;

/// A place with its value, `l1` included, and the slopes of the smooth part.
#[derive(Clone)]
struct Point {
    unknowns: Vec<f64>,
    value: f64,
    slopes: Vec<f64>,
}

/// Descends from 0.
pub(super) fn minimise(goal: &Goal, n_unknowns: usize, smooth: Smooth) -> Result<Minimum, Error> {
    let mut memory = Memory::default();
    let start = goal.point(vec![0.0; n_unknowns], smooth)?;
    let mut point = start.expect("at least one evaluation is allowed");
    loop {
        let slopes = goal.slopes(&point);
        let steepest = slopes.iter().fold(0.0_f64, |largest, slope| largest.max(slope.abs()));
        if steepest <= goal.tolerance || !steepest.is_finite() {
            break;
        }
        let direction = goal.direction(&memory, &slopes);
        let from_nothing = memory.steps.is_empty() && goal.curvature.is_none();
        let first_length = if from_nothing { 1.0 / norm(&slopes).max(1.0) } else { 1.0 };
        let Some(next) = goal.search(&point, &slopes, &direction, first_length, smooth)? else { break };
        memory.remember(&point, &next, goal.curvature.as_ref());
        let lowered = point.value - next.value;
        point = next;
        if lowered <= MIN_CHANGE * point.value.abs() {
            break;
        }
    }
    Ok(Minimum { unknowns: point.unknowns, value: point.value })
}

impl Goal {
    fn point(&self, unknowns: Vec<f64>, smooth: Smooth) -> Result<Option<Point>, Error> {
        let Some((value, slopes)) = smooth(&unknowns)? else { return Ok(None) };
        let value = value + self.l1 * unknowns[..self.n_penalised].iter().map(|unknown| unknown.abs()).sum::<f64>();
        Ok(Some(Point { unknowns, value, slopes }))
    }

    /// The slopes with `l1`; at 0, of the side that leads down, if one does.
    fn slopes(&self, point: &Point) -> Vec<f64> {
        let mut slopes = point.slopes.clone();
        if self.l1 > 0.0 {
            for (slope, unknown) in slopes.iter_mut().zip(&point.unknowns).take(self.n_penalised) {
                *slope = match *unknown {
                    0.0 => slope.signum() * (slope.abs() - self.l1).max(0.0),
                    unknown => *slope + self.l1 * unknown.signum(),
                };
            }
        }
        slopes
    }

    /// Where to go: down by what is remembered of the curvature; with `l1`, not against the slope of any unknown.
    fn direction(&self, memory: &Memory, slopes: &[f64]) -> Vec<f64> {
        let mut direction = memory.direction(slopes, self.curvature.as_ref());
        if self.l1 > 0.0 {
            let against = |(direction, slope): (&mut f64, &f64)| {
                if *direction * slope >= 0.0 {
                    *direction = 0.0;
                }
            };
            direction.iter_mut().zip(slopes).take(self.n_penalised).for_each(against);
        }
        direction
    }

    /// A point along the direction that is low enough; none when no length leads down, or evaluations are used up.
    fn search(
        &self,
        from: &Point,
        slopes: &[f64],
        direction: &[f64],
        first_length: f64,
        smooth: Smooth,
    ) -> Result<Option<Point>, Error> {
        let slope = dot(slopes, direction);
        let (mut low, mut high, mut length) = (0.0, f64::INFINITY, first_length);
        let mut best: Option<Point> = None;
        for _ in 0..MAX_TRIES {
            let Some(tried) = self.point(self.step(from, slopes, direction, length), smooth)? else { break };
            let moved =
                slopes.iter().zip(tried.unknowns.iter().zip(&from.unknowns)).map(|(slope, (to, from))| slope * (to - from));
            let is_low = tried.value <= from.value + ENOUGH * moved.sum::<f64>();
            if is_low && (self.l1 > 0.0 || dot(&tried.slopes, direction) >= FLAT * slope) {
                return Ok(Some(tried));
            }
            if is_low {
                low = length;
                best = Some(tried);
            } else {
                high = length;
            }
            length = if high.is_finite() { f64::midpoint(low, high) } else { 2.0 * length };
        }
        Ok(best)
    }

    /// With `l1`, an unknown that would change its sign stays at 0.
    fn step(&self, from: &Point, slopes: &[f64], direction: &[f64], length: f64) -> Vec<f64> {
        let mut to: Vec<f64> = from.unknowns.iter().zip(direction).map(|(from, direction)| from + length * direction).collect();
        if self.l1 > 0.0 {
            let signs = from.unknowns.iter().zip(slopes).map(|(from, slope)| if *from == 0.0 { -slope } else { *from });
            for (to, sign) in to.iter_mut().zip(signs).take(self.n_penalised) {
                if *to * sign <= 0.0 {
                    *to = 0.0;
                }
            }
        }
        to
    }
}

/// Past steps, the latest last: the step, the change of slopes along it, and 1 over their product.
#[derive(Default)]
struct Memory {
    steps: VecDeque<(Vec<f64>, Vec<f64>, f64)>,
    /// What the start's curvature is divided by to fit the latest step.
    scale: f64,
}

impl Memory {
    fn remember(&mut self, from: &Point, to: &Point, curvature: Option<&Curvature>) {
        let step = minus(&to.unknowns, &from.unknowns);
        let change = minus(&to.slopes, &from.slopes);
        let product = dot(&step, &change);
        if product > 1e-14 * norm(&step) * norm(&change) {
            let mut flat = change.clone();
            curvature.into_iter().for_each(|curvature| curvature.solve(&mut flat));
            self.scale = product / dot(&change, &flat);
            self.steps.push_back((step, change, 1.0 / product));
            if self.steps.len() > HISTORY {
                self.steps.pop_front();
            }
        }
    }

    /// Minus the slopes times the inverse curvature, by the two loops of Nocedal 1980.
    fn direction(&self, slopes: &[f64], curvature: Option<&Curvature>) -> Vec<f64> {
        let mut direction: Vec<f64> = slopes.iter().map(|slope| -slope).collect();
        let mut shares = Vec::with_capacity(self.steps.len());
        for (step, change, inverse) in self.steps.iter().rev() {
            let share = inverse * dot(step, &direction);
            add(&mut direction, -share, change);
            shares.push(share);
        }
        curvature.into_iter().for_each(|curvature| curvature.solve(&mut direction));
        if !self.steps.is_empty() {
            direction.iter_mut().for_each(|value| *value *= self.scale);
        }
        for ((step, change, inverse), share) in self.steps.iter().zip(shares.into_iter().rev()) {
            let other = inverse * dot(change, &direction);
            add(&mut direction, share - other, step);
        }
        direction
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

fn minus(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn add(to: &mut [f64], times: f64, other: &[f64]) {
    to.iter_mut().zip(other).for_each(|(to, other)| *to += times * other);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `sum c_i (x_i - t_i)²`, a curved valley when the c differ.
    fn valley(unknowns: &[f64]) -> (f64, Vec<f64>) {
        let terms = || unknowns.iter().enumerate().map(|(at, x)| (10_f64.powi(at as i32), x - at as f64 + 1.5));
        (terms().map(|(c, d)| c * d * d).sum(), terms().map(|(c, d)| 2.0 * c * d).collect())
    }

    #[track_caller]
    fn check(l1: f64, expect: [f64; 4]) {
        let goal = Goal { l1, n_penalised: 4, tolerance: 1e-9, curvature: None };
        let minimum = minimise(&goal, 4, &mut |x| Ok(Some(valley(x)))).unwrap();
        let far = minimum.unknowns.iter().zip(expect).map(|(x, expect)| (x - expect).abs()).fold(0.0, f64::max);
        assert!(far < 1e-6, "{:?} should be {expect:?}", minimum.unknowns);
        assert!(minimum.unknowns.iter().zip(expect).all(|(x, expect)| (*x == 0.0) == (expect == 0.0)));
    }

    #[test]
    fn the_lowest_point_of_a_valley_is_found() {
        check(0.0, [-1.5, -0.5, 0.5, 1.5]);
    }

    #[test]
    fn a_penalty_on_absolute_values_draws_to_exactly_zero() {
        check(1.0, [-1.0, -0.45, 0.495, 1.4995]);
        check(20.0, [0.0, 0.0, 0.4, 1.49]);
    }
}
