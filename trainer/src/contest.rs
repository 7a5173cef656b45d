//! Versions on the same rows, as the ranking sees them.
//!
//! A version has learned from the validation rows in the end; what it said about them when it was held back stands in its evaluation.

use std::collections::BTreeMap;

use data_contract::{Bundle, Evaluation, Prepared};
use inference_predictor::Predictor;
use trainer_estimators::metrics::{Selection, mean, row_losses};
use trainer_registry::{Candidate, Version};

use crate::deploy::{Judges, MIN_JUDGES};
use crate::failure::failure;
use crate::leaderboard::model_bytes;
use crate::{bundle, encode};

/// Versions that were trained on the same prepared rows.
pub(crate) struct Contest<'a> {
    /// What ranks them.
    pub(crate) metric: Selection,
    entries: Vec<Entry<'a>>,
    n_train: usize,
}

struct Entry<'a> {
    version: &'a Version,
    evaluation: Evaluation,
}

impl<'a> Contest<'a> {
    /// Reads the versions' evaluations; the newest version says what ranks. Versions without one take no part.
    pub(crate) fn of(versions: &[&'a Version], prepared: &Prepared) -> anyhow::Result<Self> {
        let entry = |version: &&'a Version| {
            let bytes = std::fs::read(version.folder.join(Bundle::EVALUATION)).ok()?;
            Some(Entry { version, evaluation: serde_json::from_slice(&bytes).ok()? })
        };
        let entries: Vec<Entry> = versions.iter().filter_map(entry).collect();
        let newest = entries.iter().max_by_key(|entry| entry.version.manifest.version);
        let nothing = || failure("no version was trained on the prepared rows", "`trainer train` makes some");
        let name = &newest.ok_or_else(nothing)?.evaluation.selected_by;
        let metric = Selection::named(name).ok_or_else(|| {
            let known = Selection::ALL.map(Selection::name).join(", ");
            failure(format!("versions cannot be ranked by `{name}`"), format!("`training.metric` is one of {known}"))
        })?;
        Ok(Self { metric, entries, n_train: prepared.n_train as usize })
    }

    /// Every version with what ranks it: the metric; the log loss of the validation rows where not all were judged on the same rows, as an
    /// imported version beside some that were held back fold by fold.
    pub(crate) fn candidates(&self) -> (Vec<Candidate>, Selection) {
        let rows = |entry: &Entry| (entry.evaluation.n_rows, entry.evaluation.n_folds);
        let alike = self.entries.windows(2).all(|pair| rows(&pair[0]) == rows(&pair[1]));
        if !alike {
            let all = self.all_validation_losses();
            let numbers: Vec<usize> = all[0].1.keys().copied().collect();
            if let Some(shared) = on_shared_rows(&all, &numbers, &self.validation_weights(), 1) {
                return (shared, Selection::LogLoss);
            }
        }
        (self.entries.iter().map(|entry| self.candidate(entry)).collect(), self.metric)
    }

    /// Whether a version takes part.
    pub(crate) fn has(&self, version: &Version) -> bool {
        self.entries.iter().any(|entry| entry.version.manifest.version == version.manifest.version)
    }

    fn candidate(&self, entry: &Entry) -> Candidate {
        let estimate = entry.evaluation.metrics.get(self.metric.name());
        let loss = |value: f64| self.metric.as_loss(value);
        let row_losses = if self.metric == Selection::LogLoss { entry.evaluation.losses.clone() } else { vec![] };
        let row_weights = entry.evaluation.weights.clone();
        let high = estimate.map_or(f64::NAN, |estimate| loss(estimate.low).max(loss(estimate.high)));
        Candidate {
            loss_high: high,
            row_losses,
            row_weights,
            ..blank(entry.version, estimate.map_or(f64::NAN, |e| loss(e.value)))
        }
    }

    /// The versions with the one in production, by the log loss of the rows that may judge it; none when all were judged on too few of them.
    pub(crate) fn with_champion(&self, champion: &Version, judges: &Judges) -> anyhow::Result<Option<Vec<Candidate>>> {
        let mut all = self.all_validation_losses();
        all.push((champion, champion_losses(champion, judges)?));
        Ok(on_shared_rows(&all, &judges.numbers, &self.validation_weights(), MIN_JUDGES))
    }

    fn all_validation_losses(&self) -> Vec<(&Version, BTreeMap<usize, f32>)> {
        self.entries.iter().map(|entry| (entry.version, self.validation_losses(&entry.evaluation))).collect()
    }

    /// The log losses of validation rows, by their number.
    fn validation_losses(&self, evaluation: &Evaluation) -> BTreeMap<usize, f32> {
        self.of_validation(evaluation, &evaluation.losses)
    }

    /// How much validation rows count, by their number; nothing where they count alike.
    fn validation_weights(&self) -> BTreeMap<usize, f32> {
        let of = |entry: &Entry| self.of_validation(&entry.evaluation, &entry.evaluation.weights);
        self.entries.iter().flat_map(of).collect()
    }

    /// The numbers of an evaluation that are about validation rows; it holds those of evenly spaced rows of many.
    fn of_validation(&self, evaluation: &Evaluation, of_rows: &[f32]) -> BTreeMap<usize, f32> {
        let n_before = if evaluation.n_folds > 1 { self.n_train } else { 0 };
        let step = (evaluation.n_rows as usize).div_ceil(evaluation.losses.len().max(1)).max(1);
        let numbered = of_rows.iter().enumerate().map(|(place, number)| (place * step, *number));
        numbered.filter_map(|(row, number)| Some((row.checked_sub(n_before)?, number))).collect()
    }
}

/// Versions by the mean log loss of those of the numbered rows that all were judged on, if they are enough.
fn on_shared_rows(
    all: &[(&Version, BTreeMap<usize, f32>)],
    numbers: &[usize],
    weights: &BTreeMap<usize, f32>,
    n_needed: usize,
) -> Option<Vec<Candidate>> {
    let weight = |row: &usize| weights.get(row).copied().unwrap_or(1.0);
    let is_shared = |row: &usize| weight(row) > 0.0 && all.iter().all(|(_, losses)| losses.contains_key(row));
    let shared: Vec<usize> = numbers.iter().copied().filter(is_shared).collect();
    let row_weights: Vec<f32> = shared.iter().map(weight).collect();
    let candidate = |(version, losses): &(&Version, BTreeMap<usize, f32>)| {
        let row_losses: Vec<f32> = shared.iter().map(|row| losses[row]).collect();
        let estimate = mean(&row_losses.iter().map(|loss| f64::from(*loss)).collect::<Vec<_>>(), Some(&row_weights));
        Candidate { loss_high: estimate.high, row_losses, row_weights: row_weights.clone(), ..blank(version, estimate.value) }
    };
    (shared.len() >= n_needed).then(|| all.iter().map(candidate).collect())
}

fn blank(version: &Version, loss: f64) -> Candidate {
    Candidate {
        version: version.manifest.version,
        loss,
        loss_high: loss,
        row_losses: vec![],
        row_weights: vec![],
        bytes: model_bytes(version),
        stage: version.stage,
    }
}

fn champion_losses(champion: &Version, judges: &Judges) -> anyhow::Result<BTreeMap<usize, f32>> {
    let predictor = Predictor::load(&champion.model()?)?;
    let features = encode::features(&judges.rows, predictor.contract())?;
    let scores = predictor.scores(features.values(), features.n_rows())?;
    let probabilities = bundle::probabilities(&scores, predictor.contract())?;
    let losses = row_losses(&probabilities, &encode::classes(&judges.rows, predictor.contract())?);
    Ok(judges.numbers.iter().copied().zip(losses.into_iter().map(|loss| loss as f32)).collect())
}
