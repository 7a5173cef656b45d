//! The trials of one family.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use trainer_estimators::cross_validation::{HeldOut, cross_validate};
use trainer_estimators::metrics::{Selection, Truth, mean, row_losses};
use trainer_estimators::search::{Search, Trial};
use trainer_estimators::{Error, Family, Matrix, Params, Step};

use super::journal::{Journal, Line};
use super::{Found, Ground};
use crate::train;

/// The decision, for metrics that need one, is made in the middle.
const THRESHOLD: f32 = 0.5;

/// How much worse than the best by a metric that is no mean over rows a trial may be after a fold.
const MARGIN: f64 = 0.01;

/// The time that a family is given, where nothing tells it from others.
const SHARE: u32 = 4;

/// Trials after which a family may be found to be behind: the first ones are far apart.
const FAIR_TRIALS: usize = 6;

/// Trials without a better one after which a family has little left to find: those of logistic regression on few rows go by the hundred,
/// and the time is better spent on others.
const STALE_TRIALS: usize = 40;

/// The trials of one family so far.
pub(super) struct Track {
    pub(super) family: Family,
    pub(super) n_trials: usize,
    pub(super) spent: Duration,
    /// How much time it is given beside others.
    pub(super) share: u32,
    pub(super) is_busy: bool,
    /// Whether the family cannot be fitted to these rows; training it says why.
    pub(super) has_failed: bool,
    search: Search,
    journal: Journal,
    default_loss: Option<f64>,
    best: Option<Best>,
    /// Trials since the best one.
    n_since_best: usize,
}

struct Best {
    loss: f64,
    params: Params,
    held_out: Option<Arc<HeldOut>>,
}

/// What a trial gave.
pub(super) struct Measured {
    loss: f64,
    /// None when it was given up after a fold.
    held_out: Option<HeldOut>,
}

/// How a trial ended.
pub(super) enum Ended {
    Measured(Measured),
    /// The search was over before the trial was.
    Left,
    /// The family cannot be fitted to these rows.
    Failed(Error),
}

impl Track {
    /// Takes in what an earlier search wrote down.
    pub(super) fn start(family: Family, ground: &Ground, journal: Journal, past: Vec<Line>) -> anyhow::Result<Self> {
        let search = Search::new(family, ground.data.n_rows(), ground.seed);
        let mut track = Self {
            family,
            n_trials: 0,
            spent: Duration::ZERO,
            share: SHARE,
            is_busy: false,
            has_failed: false,
            search,
            journal,
            default_loss: None,
            best: None,
            n_since_best: 0,
        };
        for line in past {
            let _ = track.search.next_trial();
            let trial = Trial { params: line.params, point: line.point };
            if !track.search.knows(&trial.point) || trial.params.family() != family {
                anyhow::bail!("{} holds trials of another search: remove it to start anew", track.journal.path().display());
            }
            track.take_in(&trial, line.loss, line.is_whole, None);
        }
        Ok(track)
    }

    /// The next trial, and what the best one said about the rows held out.
    pub(super) fn begin(&mut self) -> (Trial, Option<Arc<HeldOut>>) {
        self.is_busy = true;
        (self.search.next_trial(), self.best.as_ref().and_then(|best| best.held_out.clone()))
    }

    /// Writes a trial down and learns from it.
    pub(super) fn end(&mut self, trial: &Trial, measured: Measured, took: Duration) -> anyhow::Result<()> {
        self.spent += took;
        let is_whole = measured.held_out.is_some();
        let line = Line {
            params: trial.params.clone(),
            point: trial.point.clone(),
            loss: measured.loss,
            is_whole,
            secs: took.as_secs_f64(),
        };
        self.journal.add(&line)?;
        self.take_in(trial, measured.loss, is_whole, measured.held_out.map(Arc::new));
        Ok(())
    }

    fn take_in(&mut self, trial: &Trial, loss: f64, is_whole: bool, held_out: Option<Arc<HeldOut>>) {
        self.n_trials += 1;
        self.search.tell(trial, loss);
        if trial.point.is_none() {
            self.default_loss = Some(loss);
        }
        self.n_since_best += 1;
        if is_whole && self.best.as_ref().is_none_or(|best| loss < best.loss) {
            self.best = Some(Best { loss, params: trial.params.clone(), held_out });
            self.n_since_best = 0;
        }
    }

    /// The loss of the best trial.
    pub(super) fn best_loss(&self) -> Option<f64> {
        self.best.as_ref().map(|best| best.loss)
    }

    /// What came of it, for a version of so many rows; the defaults when no trial ended.
    pub(super) fn found(self, n_rows: usize) -> Found {
        let losses = self.default_loss.zip(self.best_loss()).map(|(default, best)| [default, best]);
        let params = self.best.map_or_else(|| Params::default_for(self.family), |best| best.params.for_version(n_rows));
        Found { family: self.family, params, n_trials: self.n_trials, losses }
    }
}

/// Gives each family its share of the time.
pub(super) fn share_out(tracks: &mut [Track], ground: &Ground) {
    let loss = |track: &Track| track.best_loss().unwrap_or(f64::INFINITY);
    let leader = (0..tracks.len()).min_by(|&a, &b| loss(&tracks[a]).total_cmp(&loss(&tracks[b])));
    let best = leader.and_then(|leader| tracks[leader].best.as_ref()).and_then(|best| Some((best.loss, best.held_out.clone()?)));
    for (at, track) in tracks.iter_mut().enumerate() {
        let own = track.best.as_ref().and_then(|own| Some((own.loss, own.held_out.as_deref()?)));
        let own = own.filter(|_| track.n_trials >= FAIR_TRIALS);
        let is_behind = own
            .zip(best.as_ref())
            .is_some_and(|((own_loss, own), (best_loss, best))| is_worse(own, best, own_loss - best_loss, ground));
        track.share = share(leader == Some(at), is_behind, track.n_since_best);
    }
}

/// The family that leads, which most likely ships, has twice the time of others, and those that are surely behind after a few trials a fourth;
/// so has one that has long found nothing better.
fn share(leads: bool, is_behind: bool, n_since_best: usize) -> u32 {
    match (leads, is_behind, n_since_best >= STALE_TRIALS) {
        (true, _, false) => 2 * SHARE,
        (_, _, true) | (false, true, _) => SHARE / 4,
        (false, false, false) => SHARE,
    }
}

/// Cross-validates a trial; it is given up when a fold shows it to be worse than the best.
pub(super) fn run(trial: &Trial, best: Option<&HeldOut>, ground: &Ground) -> anyhow::Result<Ended> {
    let params = train::directed(trial.params.clone(), ground.dataset).check()?.for_trial();
    let mut on_step = |_: Step| if ground.is_over() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let mut given_up = None;
    let mut after_fold = |so_far: &HeldOut| {
        given_up = best.and_then(|best| hopeless(so_far, best, ground));
        if given_up.is_some() || ground.holds_out_once { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let held_out = cross_validate(&params, &ground.data, &ground.folds, ground.seed, &mut on_step, &mut after_fold);
    match held_out {
        Err(Error::Stopped) => Ok(Ended::Left),
        // Settings that cannot be fitted, as a learning rate under which a network runs away, are as bad as can be.
        Err(Error::Diverged { .. }) => Ok(Ended::Measured(Measured { loss: f64::INFINITY, held_out: None })),
        Err(error) => Ok(Ended::Failed(error)),
        Ok(held_out) => Ok(Ended::Measured(match given_up {
            Some(loss) => Measured { loss, held_out: None },
            None => Measured { loss: loss(&held_out, held_out.rows.len(), ground)?, held_out: Some(held_out) },
        })),
    }
}

/// The loss that a trial would have in the end, when the rows held out so far show it to be worse than the best.
fn hopeless(so_far: &HeldOut, best: &HeldOut, ground: &Ground) -> Option<f64> {
    let n_rows = so_far.rows.len();
    if n_rows == best.rows.len() {
        return None;
    }
    let (own, others) = (loss(so_far, n_rows, ground).ok()?, loss(best, n_rows, ground).ok()?);
    let whole = loss(best, best.rows.len(), ground).ok()?;
    is_worse(so_far, best, own - others, ground).then_some(whole + own - others)
}

/// Whether what was held out so far, where it loses so much more, shows it to be worse than the best.
fn is_worse(so_far: &HeldOut, best: &HeldOut, difference: f64, ground: &Ground) -> bool {
    match ground.metric {
        Selection::LogLoss => difference > 0.0 && is_worse_in_pairs(so_far, best, ground),
        _ => difference > MARGIN,
    }
}

/// Whether the log losses of the rows are higher by more than two standard errors of their difference.
fn is_worse_in_pairs(so_far: &HeldOut, best: &HeldOut, ground: &Ground) -> bool {
    let n_rows = so_far.rows.len();
    let classes = classes(so_far, n_rows, ground);
    let own = row_losses(&so_far.probabilities, &classes);
    let others = row_losses(&first(&best.probabilities, n_rows), &classes);
    let differences: Vec<f64> = own.iter().zip(&others).map(|(own, other)| own - other).collect();
    mean(&differences, weights(so_far, n_rows, ground).as_deref()).low > 0.0
}

/// The metric on the first rows held out, turned so that less is better.
fn loss(held_out: &HeldOut, n_rows: usize, ground: &Ground) -> Result<f64, Error> {
    let (classes, weights) = (classes(held_out, n_rows, ground), weights(held_out, n_rows, ground));
    ground.metric.loss(&first(&held_out.probabilities, n_rows), Truth::new(&classes, weights.as_deref()), THRESHOLD)
}

fn first(probabilities: &Matrix, n_rows: usize) -> Matrix {
    probabilities.select(&(0..n_rows).collect::<Vec<_>>())
}

fn classes(held_out: &HeldOut, n_rows: usize, ground: &Ground) -> Vec<u32> {
    held_out.rows[..n_rows].iter().map(|&row| ground.data.classes()[row]).collect()
}

fn weights(held_out: &HeldOut, n_rows: usize, ground: &Ground) -> Option<Vec<f32>> {
    ground.weights.as_ref().map(|weights| held_out.rows[..n_rows].iter().map(|&row| weights[row]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_to_the_leader_and_not_to_those_behind_or_at_their_end() {
        assert_eq!([share(true, false, 0), share(false, false, 0), share(false, true, 0)], [8, 4, 1]);
        assert_eq!([share(true, false, STALE_TRIALS), share(false, false, STALE_TRIALS)], [1, 1]);
        assert_eq!(share(true, false, STALE_TRIALS - 1), 8);
    }
}
