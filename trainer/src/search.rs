//! Looking for better settings of every family by cross-validation on the training rows.
//!
//! Each family has a track of its own, whose trials follow one another; tracks run beside each other. What a track tries depends on the seed
//! and on its own trials alone. Every trial is written down when it ends, so that a search that was stopped goes on where it stood.

mod journal;
mod track;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use data_contract::{Dataset, Home, sha256_hex};
use trainer_estimators::cross_validation::Folds;
use trainer_estimators::metrics::Selection;
use trainer_estimators::{Data, Family, Params};

use crate::budget::Budget;
use crate::failure::failure;
use crate::material::Material;
use crate::{encode, interrupt, progress};
use journal::Journal;
use track::{Ended, Track};

/// Changes when points stand for other settings than before, or losses for other sums.
const FORMAT: u32 = 9;

/// Trials see at most this many rows, evenly spaced.
const MAX_ROWS: usize = 100_000;

/// With fewer rows than this trials take five folds, else three.
const FEW_ROWS: usize = 10_000;

/// Rows times columns times classes from which on trials hold out a quarter of the rows once: a fit takes so long that a budget
/// would have room for few.
const MANY_CELLS: usize = 1_000_000;

/// What came of a family's search.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Found {
    /// The family.
    pub(crate) family: Family,
    /// The best settings.
    pub(crate) params: Params,
    /// Trials in all, those of earlier searches included.
    pub(crate) n_trials: usize,
    /// The metric that ranks, of the defaults and of the best settings, turned so that less is better; none without a trial that ended.
    pub(crate) losses: Option<[f64; 2]>,
}

/// What trials are measured on.
pub(crate) struct Ground<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) data: Data,
    /// How much rows count when a trial is measured, which balanced classes do not change.
    pub(crate) weights: Option<Vec<f32>>,
    pub(crate) folds: Folds,
    /// Whether the first fold is the only one.
    pub(crate) holds_out_once: bool,
    pub(crate) metric: Selection,
    pub(crate) seed: u64,
    pub(crate) deadline: Option<Instant>,
    pub(crate) stopped: &'static AtomicBool,
}

/// Searches until the budget is used up, or until Ctrl-C.
pub(crate) fn search(
    home: &Home,
    families: &[Family],
    budget: Budget,
    material: &Material,
    dataset: &Dataset,
) -> anyhow::Result<Vec<Found>> {
    let ground = ground(budget, material, dataset)?;
    let folder = home.root().join("search").join(key(material, &ground));
    let mut tracks = Vec::new();
    for &family in families {
        let (journal, past) = Journal::open(&folder, family)?;
        tracks.push(Track::start(family, &ground, journal, past)?);
    }
    let n_past: usize = tracks.iter().map(|track| track.n_trials).sum();
    if n_past > 0 {
        tracing::info!("the search goes on after {n_past} trials in {}", folder.display());
    }
    let board = Board {
        tracks: Mutex::new(tracks),
        changed: Condvar::new(),
        budget,
        started: Instant::now(),
        has_failed: AtomicBool::new(false),
    };
    let bar = progress::bar("search", material.quiet);
    let n_workers = std::thread::available_parallelism().map_or(1, usize::from).min(families.len());
    let results: Vec<anyhow::Result<()>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..n_workers).map(|_| scope.spawn(|| work(&board, &ground, &bar))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    bar.finish_and_clear();
    interrupt::unwatch();
    results.into_iter().collect::<anyhow::Result<()>>()?;
    let tracks = board.tracks.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    Ok(tracks.into_iter().map(|track| track.found(material.train.height())).collect())
}

fn ground<'a>(budget: Budget, material: &Material, dataset: &'a Dataset) -> anyhow::Result<Ground<'a>> {
    let name = &material.training.metric;
    let metric = Selection::named(name).ok_or_else(|| {
        let known = Selection::ALL.map(Selection::name).join(", ");
        failure(format!("models cannot be ranked by `{name}`"), format!("`training.metric` is one of {known}"))
    })?;
    let step = material.train.height().div_ceil(MAX_ROWS).max(1);
    let rows = material.train.filter(&(0..material.train.height()).map(|row| Some(row % step == 0)).collect())?;
    let data = material.data(&rows)?;
    let holds_out_once = rows.height() * material.contract.columns.len() * data.n_classes() >= MANY_CELLS;
    let n_folds = match rows.height() {
        _ if holds_out_once => 4,
        few if few < FEW_ROWS => 5,
        _ => 3,
    };
    let folds = material.folds(&rows, n_folds, 0)?;
    if !folds.leave_two_classes(data.classes()) {
        let hint = "train without --budget, or bring more rows of each class and more groups (`split.group`)";
        return Err(failure(
            "the training rows cannot be held out in folds: the rest of one would hold fewer than two classes",
            hint,
        ));
    }
    let deadline = match budget {
        Budget::Time(time) => Instant::now().checked_add(time),
        Budget::Trials(_) => None,
    };
    let weights = encode::weights(&rows)?;
    Ok(Ground {
        dataset,
        data,
        weights,
        folds,
        holds_out_once,
        metric,
        seed: material.seed,
        deadline,
        stopped: interrupt::watch()?,
    })
}

/// Names the rows and the rules of a search: trials of others are not comparable.
fn key(material: &Material, ground: &Ground) -> String {
    let rules = format!(
        "{FORMAT} {} {} {} {} {:?} {} {:?}",
        material.origin.digest,
        material.contract.digest(),
        ground.metric.name(),
        ground.folds.n_folds(),
        material.training.class_weights,
        material.seed,
        ground.dataset.columns.iter().map(|rule| rule.monotone).collect::<Vec<_>>()
    );
    data_contract::short(&sha256_hex(rules.as_bytes())).to_owned()
}

/// All tracks, for the workers to choose from.
struct Board {
    tracks: Mutex<Vec<Track>>,
    changed: Condvar,
    budget: Budget,
    started: Instant,
    /// Whether a worker met an error, which ends the search.
    has_failed: AtomicBool,
}

impl Ground<'_> {
    /// Whether to begin nothing new and to leave what is under way.
    pub(crate) fn is_over(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Vec<Track>> {
        self.tracks.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The idle track whose turn it is: the one that has had the least time for its share, or fewest trials. None when all are done or busy.
    fn next(&self, tracks: &[Track]) -> Option<usize> {
        let idle = (0..tracks.len()).filter(|&at| !tracks[at].is_busy && !self.is_done(&tracks[at]));
        idle.min_by_key(|&at| match self.budget {
            Budget::Time(_) => (tracks[at].spent / tracks[at].share, at),
            Budget::Trials(_) => (Duration::from_secs(tracks[at].n_trials as u64), at),
        })
    }

    fn is_done(&self, track: &Track) -> bool {
        track.has_failed || matches!(self.budget, Budget::Trials(most) if track.n_trials >= most)
    }

    fn show(&self, tracks: &[Track], bar: &indicatif::ProgressBar) {
        let best = tracks.iter().filter_map(|track| Some((track.best_loss()?, track.family)));
        let best = best.min_by(|a, b| a.0.total_cmp(&b.0));
        let n_trials: usize = tracks.iter().map(|track| track.n_trials).sum();
        let best = best.map_or(String::new(), |(loss, family)| format!(", {family} {:.4}", loss.abs()));
        bar.set_message(format!("search: {n_trials} trials{best}"));
        match self.budget {
            Budget::Time(time) => {
                bar.set_length(time.as_secs());
                bar.set_position(self.started.elapsed().as_secs());
            }
            Budget::Trials(most) => {
                bar.set_length(most.saturating_mul(tracks.len()) as u64);
                bar.set_position(n_trials as u64);
            }
        }
    }
}

/// Takes one trial after the other from whichever track's turn it is.
fn work(board: &Board, ground: &Ground, bar: &indicatif::ProgressBar) -> anyhow::Result<()> {
    let mut tracks = board.lock();
    while !ground.is_over() && !board.has_failed.load(Ordering::Relaxed) && !tracks.iter().all(|track| board.is_done(track)) {
        let Some(at) = board.next(&tracks) else {
            let waited = board.changed.wait_timeout(tracks, Duration::from_millis(100));
            tracks = waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
            continue;
        };
        let (trial, champion) = tracks[at].begin();
        drop(tracks);
        let started = Instant::now();
        let ended = track::run(&trial, champion.as_deref(), ground);
        tracks = board.lock();
        let told = ended.and_then(|ended| match ended {
            Ended::Left => Ok(()),
            Ended::Failed(error) => {
                tracing::warn!("no more trials of {}: {error}", tracks[at].family);
                tracks[at].has_failed = true;
                Ok(())
            }
            Ended::Measured(measured) => tracks[at].end(&trial, measured, started.elapsed()),
        });
        track::share_out(&mut tracks, ground);
        tracks[at].is_busy = false;
        board.has_failed.fetch_or(told.is_err(), Ordering::Relaxed);
        board.changed.notify_all();
        told?;
        board.show(&tracks, bar);
    }
    Ok(())
}
