//! What a fit that is given no validation rows has to find out on folds of the training rows: the best number of rounds.
//!
//! Few rows are memorised in far fewer rounds than many rows need, and no fixed number does for both; of many rows one fold tells enough.
//! Each fold's rows are watched by a fit on the other folds, and all fits go on side by side, so the losses of all folds are known after
//! each round.

use super::Params;
use super::boosting::Boosting;
use super::combinations::Combinations;
use super::watch::{Best, Watch};
use crate::family::{OnStep, Step};
use crate::random::Random;
use crate::{Data, Error};

/// Folds into which rows are dealt.
pub(super) const N_FOLDS: usize = 5;

/// The best of the rounds on folds.
pub(super) struct Found {
    /// Rounds until the log loss is lowest; 0 when no fold leaves two classes to learn from.
    pub(super) n_rounds: usize,
    /// The log loss then, summed over the rows held out.
    pub(super) loss: f64,
}

/// Rounds on so many of the folds. A step is a round of all.
pub(super) fn find(params: &Params, data: &Data, seed: u64, n_folds: usize, on_step: OnStep) -> Result<Found, Error> {
    let folds = folds(data, seed, n_folds);
    let mut fits: Vec<(Boosting, Watch)> = folds
        .iter()
        .map(|(learned, held_out)| {
            let boosting = Boosting::start(params, &Combinations::fit(params, learned, seed), learned, seed);
            let watch = Watch::start(held_out, &boosting.fitted);
            (boosting, watch)
        })
        .collect();
    let loss = |fits: &mut [(Boosting, Watch)]| -> f64 { fits.iter_mut().map(|(fit, watch)| watch.see(&fit.fitted).0).sum() };
    let mut best = Best::start(loss(&mut fits));
    for done in 1..=params.rounds {
        fits.iter_mut().for_each(|(boosting, _)| boosting.round());
        best.see(done, loss(&mut fits));
        if on_step(Step { done, total: params.rounds }).is_break() {
            return Err(Error::Stopped);
        }
        if best.since >= params.patience {
            break;
        }
    }
    Ok(Found { n_rounds: best.n_rounds, loss: best.loss })
}

/// For each fold the rows outside and inside. Every class is dealt out evenly; a fold that takes all rows of a class but one is left out.
fn folds(data: &Data, seed: u64, n_folds: usize) -> Vec<(Data, Data)> {
    let fold_of = deal(data, seed);
    let parts = (0..n_folds).map(|fold| (0..data.n_rows()).partition(|&row| fold_of[row] != fold));
    let select =
        |(outside, inside): (Vec<usize>, Vec<usize>)| Some((data.select(&outside).ok()?, data.select_any(&inside).ok()?));
    parts.filter_map(select).collect()
}

/// The fold of each row.
fn deal(data: &Data, seed: u64) -> Vec<usize> {
    let mut random = Random::new(seed ^ 0xF01D);
    let mut order: Vec<(u32, u64, usize)> = (0..data.n_rows()).map(|row| (data.classes()[row], random.bits(), row)).collect();
    order.sort_unstable();
    let mut fold_of = vec![0; data.n_rows()];
    order.iter().enumerate().for_each(|(at, &(_, _, row))| fold_of[row] = at % N_FOLDS);
    fold_of
}
