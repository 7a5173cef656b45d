//! Exact contributions of columns that add up, each on its own: what a column's value adds, less the mean of what the background's add.

use super::Question;
use crate::lowered::Member;

/// Each column's contribution on the scale and in probability.
pub(super) fn explain(question: &Question, model: &Member, stretches: &[f64]) -> Vec<[f64; 2]> {
    let n_rows = stretches.len() as f64;
    let contribution = |column: usize| {
        let values = question.values(model, &changed(question, column));
        let Some((own, background)) = values.split_last() else { return [0.0; 2] };
        let differences = background.iter().zip(stretches).map(|(value, stretch)| (own - value, stretch));
        let sums = differences.fold([0.0; 2], |[sum, points], (d, stretch)| [sum + d, points + d * stretch]);
        sums.map(|sum| sum / n_rows)
    };
    (0..question.own.len()).map(contribution).collect()
}

/// The record with one column's value of each background row, and last as it is.
fn changed(question: &Question, column: usize) -> Vec<f32> {
    let values = question.background.rows().map(|row| row[column]).chain([question.own[column]]);
    let mut rows = Vec::with_capacity((question.background.n_rows() + 1) * question.own.len());
    for value in values {
        rows.extend_from_slice(question.own);
        let start = rows.len() - question.own.len();
        rows[start + column] = value;
    }
    rows
}
