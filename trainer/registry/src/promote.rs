//! What gets promoted: a pure function of the candidates and of where they stand.

use data_contract::Stage;

/// The 97.5% quantile of the normal distribution.
const Z: f64 = 1.96;

/// What a smaller file may cost at most, in log loss: few rows tell hardly anything apart.
const WORTH_OF_SIZE: f64 = 0.005;

/// A version as the ranking sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Its number.
    pub version: u32,
    /// The ranking metric on rows that all candidates share, turned so that less is better.
    pub loss: f64,
    /// Upper end of the 95% interval of `loss`.
    pub loss_high: f64,
    /// Losses of the shared rows one by one, where the metric is their mean: then candidates are compared in pairs. Else empty.
    pub row_losses: Vec<f32>,
    /// How much those rows count; empty when they count alike.
    pub row_weights: Vec<f32>,
    /// Size of its model file.
    pub bytes: u64,
    /// Where it stands.
    pub stage: Stage,
}

/// How many versions each stage holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    /// In staging, beside production.
    pub staging: usize,
}

impl Default for Slots {
    fn default() -> Self {
        Self { staging: 3 }
    }
}

/// One version's change of stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// The version.
    pub version: u32,
    /// Where it was.
    pub from: Stage,
    /// Where it goes.
    pub to: Stage,
    /// Why.
    pub reason: String,
}

/// Candidates from best to worst. Those that cannot be told from the best go by size, the smaller file first; then the next best, and so on.
///
/// A loss that is not a number ranks last.
pub fn rank(candidates: &[Candidate]) -> Vec<&Candidate> {
    let mut rest: Vec<&Candidate> = candidates.iter().collect();
    let key = |c: &Candidate| if c.loss.is_nan() { f64::INFINITY } else { c.loss };
    rest.sort_by(|a, b| key(a).total_cmp(&key(b)).then(a.bytes.cmp(&b.bytes)).then(a.version.cmp(&b.version)));
    let mut ranked = Vec::with_capacity(rest.len());
    while let Some(&best) = rest.first() {
        let tied = (0..rest.len()).filter(|&place| place == 0 || ties(best, rest[place]));
        let place = tied.min_by_key(|&place| rest[place].bytes).unwrap_or(0);
        ranked.push(rest.remove(place));
    }
    ranked
}

/// Whether a candidate cannot be told from the best: the 95% interval of their difference holds 0 and the difference is small, or, where
/// they are not compared in pairs, its loss lies in the best one's interval.
fn ties(best: &Candidate, other: &Candidate) -> bool {
    if best.row_losses.is_empty() || best.row_losses.len() != other.row_losses.len() {
        return other.loss <= best.loss_high;
    }
    let pairs = best.row_losses.iter().zip(&other.row_losses);
    let differences: Vec<f64> = pairs.map(|(best, other)| f64::from(*other) - f64::from(*best)).collect();
    let weight = |row: usize| best.row_weights.get(row).map_or(1.0, |weight| f64::from(*weight));
    let total: f64 = (0..differences.len()).map(weight).sum();
    let n = (0..differences.len()).filter(|&row| weight(row) > 0.0).count() as f64;
    let sum = |of: &dyn Fn(usize, f64) -> f64| differences.iter().enumerate().map(|(row, value)| of(row, *value)).sum::<f64>();
    let mean = sum(&|row, difference| weight(row) * difference) / total;
    let squares = sum(&|row, difference| (weight(row) * (difference - mean)).powi(2));
    mean <= WORTH_OF_SIZE && mean <= Z * (squares * n / (n - 1.0).max(1.0)).sqrt() / total
}

/// The moves after which the best candidate is in production, the next best are in staging, and what stood there before is archived.
///
/// Promoting again changes nothing. Reasons name the metric.
pub fn promote(candidates: &[Candidate], metric: &str, slots: Slots) -> Vec<Move> {
    let ranked = rank(candidates);
    let total = ranked.len();
    let place = |(position, candidate): (usize, &&Candidate)| {
        let to = match position {
            0 if candidate.loss.is_finite() => Stage::Production,
            _ if position < slots.staging => Stage::Staging,
            _ if matches!(candidate.stage, Stage::Production | Stage::Staging) => Stage::Archived,
            _ => candidate.stage,
        };
        let reason = reason(candidate, &ranked[position + 1..], metric, position + 1, total);
        (to != candidate.stage).then_some(Move { version: candidate.version, from: candidate.stage, to, reason })
    };
    ranked.iter().enumerate().filter_map(place).collect()
}

/// Says so when a larger file with a lower loss had to stand back.
fn reason(candidate: &Candidate, behind: &[&Candidate], metric: &str, position: usize, total: usize) -> String {
    let better = behind.iter().filter(|other| other.loss < candidate.loss).min_by(|a, b| a.loss.total_cmp(&b.loss));
    let tie = better.map_or(String::new(), |other| format!("; smaller than version {} and not told apart", other.version));
    format!("{metric} {:.4}, number {position} of {total}{tie}", candidate.loss.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidate(version: u32, log_loss: f64, stage: Stage) -> Candidate {
        Candidate { version, loss: log_loss, loss_high: log_loss, row_losses: vec![], row_weights: vec![], bytes: 1000, stage }
    }

    fn apply(mut candidates: Vec<Candidate>, moves: &[Move]) -> Vec<Candidate> {
        for change in moves {
            candidates.iter_mut().filter(|c| c.version == change.version).for_each(|c| c.stage = change.to);
        }
        candidates
    }

    #[test]
    fn the_best_is_served_and_the_former_one_steps_back() {
        let all = [
            candidate(1, 0.30, Stage::Production),
            candidate(2, 0.28, Stage::Registered),
            candidate(3, 0.29, Stage::Registered),
            candidate(4, 0.40, Stage::Staging),
        ];
        let moves: Vec<_> = promote(&all, "log_loss", Slots::default()).into_iter().map(|m| (m.version, m.to)).collect();
        assert_eq!(moves, [(2, Stage::Production), (3, Stage::Staging), (1, Stage::Staging), (4, Stage::Archived)]);
    }

    #[test]
    fn a_model_that_has_no_log_loss_is_never_served() {
        assert!(
            promote(&[candidate(1, f64::NAN, Stage::Registered)], "log_loss", Slots::default())
                .iter()
                .all(|m| m.to != Stage::Production)
        );
    }

    #[test]
    fn equal_models_rank_by_size() {
        let small = Candidate { bytes: 10, ..candidate(2, 0.3, Stage::Registered) };
        let all = [candidate(1, 0.3, Stage::Registered), small];
        assert_eq!(rank(&all)[0].version, 2);
    }

    #[test]
    fn what_cannot_be_told_from_the_best_goes_by_size() {
        let small = Candidate { bytes: 10, ..candidate(2, 0.31, Stage::Registered) };
        let best = Candidate { loss_high: 0.32, ..candidate(1, 0.30, Stage::Registered) };
        let all = [best.clone(), small.clone(), candidate(3, 0.33, Stage::Registered)];
        assert_eq!(rank(&all).iter().map(|c| c.version).collect::<Vec<_>>(), [2, 1, 3]);
        let reason = &promote(&all, "log_loss", Slots::default())[0].reason;
        assert_eq!(reason, "log_loss 0.3100, number 1 of 3; smaller than version 1 and not told apart");
        let better = |shift: f32| (0..100).map(|row| row as f32 / 100.0 + shift).collect::<Vec<_>>();
        let paired = [Candidate { row_losses: better(0.0), ..best }, Candidate { row_losses: better(0.01), ..small }];
        assert_eq!(rank(&paired)[0].version, 1, "every row is worse, so that pairs tell what intervals hide");
        let [mut first, mut second] = paired;
        second.row_losses[..50].iter_mut().for_each(|loss| *loss -= 0.05);
        let heavy_end: Vec<f32> = (0..100).map(|row| if row < 50 { 0.0 } else { 2.0 }).collect();
        (first.row_weights, second.row_weights) = (heavy_end.clone(), heavy_end);
        assert_eq!(rank(&[first, second])[0].version, 1, "the rows on which it is better count for nothing");
    }

    #[test]
    fn a_smaller_file_is_worth_so_much_and_no_more() {
        let ranked = |worse: f32| {
            let of = |version, row_losses, bytes| Candidate { row_losses, bytes, ..candidate(version, 0.0, Stage::Registered) };
            let noise = (0..100).map(|row| if row % 2 == 0 { worse + 1.0 } else { worse }).collect();
            let [best, small] = [of(1, vec![0.5; 100], 1000), Candidate { loss: 0.1, ..of(2, noise, 10) }];
            rank(&[best, small])[0].version
        };
        assert_eq!(ranked(0.004), 2, "a small loss that pairs do not tell");
        assert_eq!(ranked(0.006), 1, "more than a smaller file is worth");
    }

    proptest! {
        #[test]
        fn promoting_twice_changes_nothing(losses in prop::collection::vec(0.0f64..2.0, 1..12), stages in prop::collection::vec(0usize..4, 12)) {
            let stage = [Stage::Registered, Stage::Staging, Stage::Production, Stage::Archived];
            let all: Vec<_> = losses.iter().zip(&stages).enumerate().map(|(i, (l, s))| candidate(i as u32, *l, stage[*s])).collect();
            let after = apply(all.clone(), &promote(&all, "log_loss", Slots::default()));
            prop_assert!(promote(&after, "log_loss", Slots::default()).is_empty());
            prop_assert_eq!(after.iter().filter(|c| c.stage == Stage::Production).count(), 1);
        }
    }
}
