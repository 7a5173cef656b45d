//! Which columns moved a window's predictions, told by the model and by counts alone.
//!
//! If only one column had changed as it did, by how much would the mean probability of the followed class have changed? With the shares
//! r and c of its values in the reference and in the window, that is Σ (c − r) PD over the values, where PD (partial dependence) is the
//! model's mean probability over the background rows of its file with the column set to the value.
//!
//! It is about the model, not about the world: that rows of the same kind come true more or less often, no count of columns tells.
//! Columns that changed together have what they did together in neither or in both, so the causes need not add up to the whole change.
//!
//! Source: J. H. Friedman, "Greedy function approximation: a gradient boosting machine", Annals of Statistics 29, 2001, section 8.2.

use data_contract::{ColumnKind, RARE_LEVELS};
use inference_predictor::{PredictError, Predictor};
use monitor_drift::{CategoricalCounts, Counts, NumericCounts};

use crate::report_model::Cause;
use crate::sides;
use crate::tally::Tally;
use crate::versions::Version;

/// Background rows that are asked for each value, evenly spaced.
const N_ROWS: usize = 25;
/// Values of a column that are asked for, at most.
const N_VALUES: usize = 24;

/// A value as in a feature row, and by how much its share rose.
type Rise = (f32, f64);

/// The causes, largest first; none where the model's file carries no background. Columns of dates are left out: dates move on.
pub(crate) fn causes(predictor: &Predictor, version: &Version, traffic: &Tally) -> Result<Vec<Cause>, PredictError> {
    let rows = background(predictor);
    let mut causes = Vec::new();
    let sides = version.reference.columns.iter().zip(&traffic.columns);
    for (at, (column, (reference, current))) in version.contract.columns.iter().zip(sides).enumerate() {
        let rises = match (&column.kind, sides::reference(&reference.counts), current) {
            (ColumnKind::Numeric { .. }, Counts::Numeric(r), Counts::Numeric(c)) => of_numbers(&r, c),
            (ColumnKind::Categorical { levels }, Counts::Categorical(r), Counts::Categorical(c)) => of_levels(levels, &r, c),
            _ => continue,
        };
        if !rows.is_empty() {
            causes.push(Cause { column: column.name.clone(), by: change(predictor, &rows, at, &rises)? });
        }
    }
    causes.sort_by(|a, b| b.by.abs().total_cmp(&a.by.abs()));
    Ok(causes)
}

fn background(predictor: &Predictor) -> Vec<&[f32]> {
    let rows: Vec<&[f32]> = predictor.background().into_iter().flat_map(|background| background.rows()).collect();
    let n = rows.len().min(N_ROWS);
    (0..n).map(|at| rows[at * rows.len() / n]).collect()
}

/// Σ rise × partial dependence.
fn change(predictor: &Predictor, rows: &[&[f32]], column: usize, rises: &[Rise]) -> Result<f64, PredictError> {
    let mut features = Vec::new();
    for (value, _) in rises {
        for row in rows {
            features.extend_from_slice(row);
            let start = features.len() - row.len();
            features[start + column] = *value;
        }
    }
    let target = &predictor.contract().target;
    let scores = predictor.scores(&features, rises.len() * rows.len())?;
    let probabilities = scores.probabilities.iter().skip(target.followed()).step_by(target.classes.len());
    let rises = rises.iter().flat_map(|(_, rise)| std::iter::repeat_n(rise, rows.len()));
    Ok(probabilities.zip(rises).map(|(p, rise)| f64::from(*p) * rise).sum::<f64>() / rows.len() as f64)
}

/// Numbers in groups of about equal weight, each standing at its middle value.
fn of_numbers(reference: &NumericCounts, current: &NumericCounts) -> Vec<Rise> {
    let weight = |n_rows: u64| 1.0 / n_rows.max(1) as f64;
    let (r, c) = (weight(reference.n_rows()), weight(current.n_rows()));
    let of = |counts: &NumericCounts, r: f64, c: f64| -> Vec<(f64, f64, f64)> {
        counts.pairs().iter().map(|&(value, n)| (value, n as f64 * r, n as f64 * c)).collect()
    };
    let mut values = [of(reference, r, 0.0), of(current, 0.0, c)].concat();
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let limit = values.iter().map(|(_, r, c)| r + c).sum::<f64>() / N_VALUES as f64;
    let mut rises = vec![(f32::NAN, current.n_missing() as f64 * c - reference.n_missing() as f64 * r)];
    let (mut group, mut held) = (Vec::new(), 0.0);
    for (at, (value, r, c)) in values.iter().enumerate() {
        group.push((*value, c - r));
        held += r + c;
        let is_last = values.get(at + 1).is_none_or(|next| next.0 != *value && held >= limit);
        if is_last {
            rises.push((group[group.len() / 2].0 as f32, group.iter().map(|(_, rise)| rise).sum()));
            (group, held) = (Vec::new(), 0.0);
        }
    }
    rises
}

/// Levels whose share changed most; rare and unseen ones are missing to the model.
fn of_levels(levels: &[String], reference: &CategoricalCounts, current: &CategoricalCounts) -> Vec<Rise> {
    let share = |counts: &CategoricalCounts, level: &str| {
        counts.levels().get(level).copied().unwrap_or(0) as f64 / counts.n_rows().max(1) as f64
    };
    let listed = |level: &&String| level.as_str() != RARE_LEVELS;
    let rise = |level: &String| share(current, level) - share(reference, level);
    let mut rises: Vec<Rise> =
        levels.iter().enumerate().filter(|(_, level)| listed(level)).map(|(at, level)| (at as f32, rise(level))).collect();
    // Shares add up to 1 on both sides, so what is not listed rose by what the listed ones fell.
    let rest: f64 = rises.iter().map(|(_, rise)| rise).sum();
    rises.push((-1.0, -rest));
    rises.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    rises.truncate(N_VALUES);
    rises
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rises: &[Rise], expect: &[(f32, f64)]) {
        assert_eq!(rises.len(), expect.len(), "{rises:?}");
        for ((value, rise), (expected_value, expected)) in rises.iter().zip(expect) {
            assert!(value.total_cmp(expected_value).is_eq() && (rise - expected).abs() < 1e-12, "{rises:?}");
        }
    }

    #[test]
    fn levels_rise_and_fall_and_what_is_not_listed_is_missing() {
        let reference = CategoricalCounts::from_pairs([("basic", 60), ("plus", 40)]);
        let current = CategoricalCounts::from_pairs([("basic", 10), ("plus", 20), ("gold", 10)]).with_missing(10);
        check(&of_levels(&["basic".into(), "plus".into()], &reference, &current), &[(0.0, -0.4), (-1.0, 0.4), (1.0, 0.0)]);
    }

    #[test]
    fn numbers_rise_and_fall_in_groups() {
        let reference = NumericCounts::from_pairs([(1.0, 50), (2.0, 50)]);
        let current = NumericCounts::from_pairs([(2.0, 25), (3.0, 50)]).with_missing(25);
        check(&of_numbers(&reference, &current), &[(f32::NAN, 0.25), (1.0, -0.5), (2.0, -0.25), (3.0, 0.5)]);
        let many = |from: u32| NumericCounts::from_values((from..from + 1000).map(f64::from));
        let rises = of_numbers(&many(0), &many(500));
        assert!((N_VALUES..=N_VALUES + 2).contains(&rises.len()), "{}", rises.len());
        assert!(rises.iter().map(|(_, rise)| rise).sum::<f64>().abs() < 1e-12);
        check(&of_numbers(&reference, &NumericCounts::default()), &[(f32::NAN, 0.0), (1.0, -0.5), (2.0, -0.5)]);
    }
}
