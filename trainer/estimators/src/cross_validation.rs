//! Predicting every row by a model that was fitted without it.

use std::ops::ControlFlow;

use crate::random::Random;
use crate::{Data, Error, Fitted, Matrix, OnStep, ValidParams};

/// Which part each row is held out in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folds {
    n_folds: usize,
    of_row: Vec<usize>,
}

/// What models say about rows that they were fitted without.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldOut {
    /// Rows in the order in which they were held out.
    pub rows: Vec<usize>,
    /// Their probabilities `[N, C]`.
    pub probabilities: Matrix,
    /// Steps that the fits took, one per fold.
    pub n_steps: Vec<usize>,
}

impl Folds {
    /// Deals the rows of each class out at random, so that every fold has its share of each.
    pub fn stratified(classes: &[u32], n_folds: usize, seed: u64) -> Self {
        let mut order: Vec<usize> = (0..classes.len()).collect();
        shuffle(&mut order, &mut Random::new(seed ^ 0xF01D));
        order.sort_by_key(|&row| classes[row]);
        let mut of_row = vec![0; classes.len()];
        order.iter().enumerate().for_each(|(place, &row)| of_row[row] = place % n_folds);
        Self { n_folds, of_row }
    }

    /// Deals whole groups out: rows of one group are never apart. The largest groups go first, each to the fold with the fewest rows.
    pub fn grouped(groups: &[usize], n_folds: usize, seed: u64) -> Self {
        let mut order: Vec<usize> = (0..groups.len()).collect();
        order.sort_by_key(|&row| groups[row]);
        let mut runs: Vec<&[usize]> = order.chunk_by(|&a, &b| groups[a] == groups[b]).collect();
        shuffle(&mut runs, &mut Random::new(seed ^ 0x6209));
        runs.sort_by_key(|run| std::cmp::Reverse(run.len()));
        let mut n_rows = vec![0; n_folds];
        let mut of_row = vec![0; groups.len()];
        for run in runs {
            let fold = (0..n_folds).min_by_key(|&fold| n_rows[fold]).unwrap_or(0);
            n_rows[fold] += run.len();
            run.iter().for_each(|&row| of_row[row] = fold);
        }
        Self { n_folds, of_row }
    }

    /// Number of folds.
    pub fn n_folds(&self) -> usize {
        self.n_folds
    }

    /// Whether the rows outside each fold hold two classes or more, as a fit needs.
    pub fn leave_two_classes(&self, classes: &[u32]) -> bool {
        let holds_two = |fold: usize| {
            let mut outside = classes.iter().zip(&self.of_row).filter(|(_, of_row)| **of_row != fold).map(|(class, _)| class);
            let first = outside.next();
            outside.any(|class| Some(class) != first)
        };
        (0..self.n_folds).all(holds_two)
    }

    /// The rows held out in a fold, and the others.
    pub fn part(&self, fold: usize) -> (Vec<usize>, Vec<usize>) {
        (0..self.of_row.len()).partition(|&row| self.of_row[row] == fold)
    }
}

fn shuffle<T>(items: &mut [T], random: &mut Random) {
    for last in (1..items.len()).rev() {
        items.swap(last, random.below(last + 1));
    }
}

/// Fits once per fold and predicts the rows held out; they also tell a family that can stop early when to.
///
/// `after_fold` sees what is held out so far and may end it there.
///
/// # Errors
/// What a fit refuses, and [`Error::Stopped`].
pub fn cross_validate(
    params: &ValidParams,
    data: &Data,
    folds: &Folds,
    seed: u64,
    on_step: OnStep,
    after_fold: &mut dyn FnMut(&HeldOut) -> ControlFlow<()>,
) -> Result<HeldOut, Error> {
    // Rows of one class cannot tell a learner when to stop; they are predicted all the same.
    let mut fit = |fold: usize, rest: &Data, out: &[usize]| {
        params.fit(rest, data.select(out).ok().as_ref(), seed.wrapping_add(fold as u64), on_step)
    };
    fold_by_fold(data, folds, &mut fit, after_fold)
}

/// The same with numbers of steps that were found before, one per fold: each fit takes those that are typical of the other folds. So no
/// row tells when a fit is best for it, which flatters a family that stops early, the more the fewer rows there are.
///
/// # Errors
/// What a fit refuses, and [`Error::Stopped`].
pub fn cross_validate_with_steps(
    params: &ValidParams,
    data: &Data,
    folds: &Folds,
    n_steps: &[usize],
    seed: u64,
    on_step: OnStep,
    after_fold: &mut dyn FnMut(&HeldOut) -> ControlFlow<()>,
) -> Result<HeldOut, Error> {
    let mut n_done = 0;
    let mut fit = |fold: usize, rest: &Data, _: &[usize]| {
        let others = [&n_steps[..n_done], &n_steps[n_done + 1..]].concat();
        n_done += 1;
        params.clone().with_steps(typical_steps(&others)).fit(rest, None, seed.wrapping_add(fold as u64), on_step)
    };
    fold_by_fold(data, folds, &mut fit, after_fold)
}

/// Fits without a fold, given its number, the other rows, and the numbers of its own.
type FitFold<'a> = dyn FnMut(usize, &Data, &[usize]) -> Result<Fitted, Error> + 'a;

fn fold_by_fold(
    data: &Data,
    folds: &Folds,
    fit: &mut FitFold,
    after_fold: &mut dyn FnMut(&HeldOut) -> ControlFlow<()>,
) -> Result<HeldOut, Error> {
    let (mut rows, mut values, mut n_steps) = (vec![], vec![], vec![]);
    for fold in 0..folds.n_folds {
        let (out, rest) = folds.part(fold);
        if out.is_empty() {
            continue;
        }
        let fitted = fit(fold, &data.select(&rest)?, &out)?;
        values.extend_from_slice(fitted.probabilities(&data.features().select(&out)).values());
        rows.extend(out);
        n_steps.push(fitted.n_steps());
        let probabilities = Matrix::new(rows.len(), data.n_classes(), values.clone())?;
        let so_far = HeldOut { rows: rows.clone(), probabilities, n_steps: n_steps.clone() };
        if after_fold(&so_far).is_break() {
            return Ok(so_far);
        }
    }
    let probabilities = Matrix::new(rows.len(), data.n_classes(), values)?;
    Ok(HeldOut { rows, probabilities, n_steps })
}

impl HeldOut {
    /// The same with its rows in ascending order.
    #[must_use]
    pub fn in_order(self) -> Self {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        order.sort_by_key(|&place| self.rows[place]);
        let rows = order.iter().map(|&place| self.rows[place]).collect();
        Self { rows, probabilities: self.probabilities.select(&order), n_steps: self.n_steps }
    }
}

/// The middle of the steps that fits took.
pub fn typical_steps(n_steps: &[usize]) -> usize {
    let mut sorted = n_steps.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Family, FeatureKind, Params, to_the_end};

    fn count(folds: &Folds, fold: usize) -> usize {
        folds.part(fold).0.len()
    }

    #[test]
    fn every_fold_has_its_share_of_each_class() {
        let classes: Vec<u32> = (0..103).map(|row| u32::from(row % 10 == 0)).collect();
        let folds = Folds::stratified(&classes, 5, 1);
        for fold in 0..5 {
            let (out, rest) = folds.part(fold);
            assert_eq!(out.len() + rest.len(), 103);
            let positives = out.iter().filter(|&&row| classes[row] == 1).count();
            assert!((2..=3).contains(&positives), "{positives}");
        }
    }

    #[test]
    fn a_group_is_never_parted_and_folds_are_of_like_size() {
        let groups: Vec<usize> = (0..1000).map(|row| row % 37 * row % 53).collect();
        let folds = Folds::grouped(&groups, 4, 1);
        for fold in 0..4 {
            let (out, rest) = folds.part(fold);
            assert!(out.iter().all(|&row| rest.iter().all(|&other| groups[row] != groups[other])));
        }
        assert!((0..4).all(|fold| (200..300).contains(&count(&folds, fold))));
    }

    #[test]
    fn folds_that_take_a_class_away_are_known() {
        let classes = [0, 0, 0, 1, 1, 1];
        assert!(Folds::stratified(&classes, 3, 1).leave_two_classes(&classes));
        assert!(!Folds::stratified(&[0, 0, 0, 0, 0, 1], 3, 1).leave_two_classes(&[0, 0, 0, 0, 0, 1]));
        assert!(!Folds::grouped(&[7; 6], 3, 1).leave_two_classes(&classes), "one group leaves nothing");
    }

    /// Where features say nothing, a fit that is stopped by its own rows still seems to gain a little; one that is stopped by others does not.
    #[test]
    fn steps_of_other_folds_do_not_flatter() {
        let mut random = Random::new(5);
        let values: Vec<f32> = (0..120 * 4).map(|_| random.unit() as f32).collect();
        let classes: Vec<u32> = (0..120).map(|row| row % 2).collect();
        let data =
            Data::new(Matrix::new(120, 4, values).unwrap(), vec![FeatureKind::Numeric; 4], classes.clone(), 2, None).unwrap();
        let params = Params::default_for(Family::GradientBoosting).check().unwrap();
        let folds = Folds::stratified(&classes, 5, 1);
        let mut go_on = |_: &HeldOut| ControlFlow::Continue(());
        let own = cross_validate(&params, &data, &folds, 1, &mut to_the_end, &mut go_on).unwrap();
        let others = cross_validate_with_steps(&params, &data, &folds, &own.n_steps, 1, &mut to_the_end, &mut go_on).unwrap();
        assert_eq!(own.rows, others.rows);
        let loss = |held_out: &HeldOut| {
            let classes: Vec<u32> = held_out.rows.iter().map(|&row| classes[row]).collect();
            crate::metrics::log_loss::log_loss(&held_out.probabilities, (&classes).into())
        };
        assert!(loss(&own) < loss(&others), "{} {}", loss(&own), loss(&others));
        assert!(loss(&others) > 0.69, "{}", loss(&others));
    }

    #[test]
    fn every_row_is_predicted_once_and_in_order() {
        let values: Vec<f32> = (0..200).map(|row| row as f32).collect();
        let classes: Vec<u32> = (0..200).map(|row| u32::from(row > 120)).collect();
        let data = Data::new(Matrix::new(200, 1, values).unwrap(), vec![FeatureKind::Numeric], classes.clone(), 2, None).unwrap();
        let params = Params::default_for(Family::LogisticRegression).check().unwrap();
        let folds = Folds::stratified(&classes, 4, 1);
        let mut seen = 0;
        let mut after = |held_out: &HeldOut| {
            seen += 1;
            assert_eq!(held_out.n_steps.len(), seen);
            ControlFlow::Continue(())
        };
        let held_out = cross_validate(&params, &data, &folds, 1, &mut to_the_end, &mut after).unwrap().in_order();
        assert_eq!(held_out.rows, (0..200).collect::<Vec<_>>());
        let right = held_out.probabilities.rows().zip(&classes).filter(|(p, class)| (p[1] > 0.5) == (**class == 1)).count();
        assert!(right > 190, "{right}");
    }
}
