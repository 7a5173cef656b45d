//! The rows that explanations compare a record with.
//!
//! A model file goes to browsers, and no client's row should. So each background row is blended from a row and those most like it among the
//! rows with about its probability: every column is taken from one of them at random. Of several such blends the one is kept of which the
//! model says most nearly what it says of the row. So the background is to the model what the rows are, and yet its rows are nobody's, unless
//! several are the same.

use data_contract::{Background, ColumnKind, Contract, MAX_BACKGROUND_ROWS};
use trainer_estimators::Matrix;

use crate::split::Random;

/// Rows, evenly spread over the probabilities; an explanation in a page takes a time that grows with them.
const N_ROWS: usize = 64;
/// Rows that a background row is blended from, where there are so many.
const N_BLENDED: usize = 5;
/// Blends that the model is asked about.
const N_TRIED: usize = 8;
/// Values in all, as each takes eight bytes of the model file.
const MAX_VALUES: usize = 1 << 14;

const _: () = assert!(N_ROWS <= MAX_BACKGROUND_ROWS);

/// Draws rows from feature rows `[N, F]` and what a model says of them, `[N, C]`; each is followed by its blends, for [`choose`].
pub(crate) fn blend(contract: &Contract, features: &Matrix, probabilities: &Matrix, seed: u64) -> Matrix {
    let width = features.n_features();
    let n_rows = (features.n_rows() / N_BLENDED).min(N_ROWS).min(MAX_VALUES / width).max(1);
    let mut random = Random(seed);
    let mut values = Vec::with_capacity(n_rows * (1 + N_TRIED) * width);
    for rows in strata(&in_order(probabilities, contract.target.followed()), n_rows) {
        let alike = most_alike(contract, features, rows[random.below(rows.len())], rows);
        values.extend_from_slice(features.row(alike[0]));
        for _ in 0..N_TRIED {
            values.extend((0..width).map(|column| features.row(alike[random.below(alike.len())])[column]));
        }
    }
    Matrix::new(n_rows * (1 + N_TRIED), width, values).expect("every row has all columns")
}

/// Keeps of each row's blends the one of which the model says most nearly what it says of the row. `probabilities` are of all of them.
pub(crate) fn choose(blends: &Matrix, probabilities: &Matrix) -> Background {
    let mut values = Vec::new();
    for row in (0..blends.n_rows()).step_by(1 + N_TRIED) {
        let own = probabilities.row(row);
        let apart = |blend: usize| -> f32 { own.iter().zip(probabilities.row(blend)).map(|(a, b)| (a - b).abs()).sum() };
        let nearest = (row + 1..=row + N_TRIED).min_by(|&a, &b| apart(a).total_cmp(&apart(b)));
        values.extend_from_slice(blends.row(nearest.expect("a row has blends")));
    }
    Background::new(values, blends.n_features()).expect("every row has all columns")
}

/// Of some rows those that are most like one of them, itself first.
fn most_alike(contract: &Contract, features: &Matrix, row: usize, rows: &[usize]) -> Vec<usize> {
    let own = features.row(row);
    let mut alike: Vec<(f64, usize)> = rows
        .iter()
        .map(|&other| (if other == row { -1.0 } else { distance(contract, own, features.row(other)) }, other))
        .collect();
    alike.sort_by(|a, b| a.0.total_cmp(&b.0));
    alike.into_iter().take(N_BLENDED).map(|(_, row)| row).collect()
}

/// Gower's distance (1971): in each column 0 to 1, a number's by the range of the training rows.
fn distance(contract: &Contract, a: &[f32], b: &[f32]) -> f64 {
    let of_range = |a: f32, b: f32, range: f64| if a.is_nan() || b.is_nan() { 1.0 } else { f64::from((a - b).abs()) / range };
    let pairs = contract.columns.iter().zip(a.iter().zip(b));
    let distances = pairs.map(|(column, (&a, &b))| match &column.kind {
        _ if a == b || (a.is_nan() && b.is_nan()) => 0.0,
        ColumnKind::Categorical { .. } => 1.0,
        ColumnKind::Numeric { minimum, maximum, .. } => of_range(a, b, maximum - minimum).min(1.0),
        ColumnKind::Date { minimum, maximum, .. } => of_range(a, b, maximum.days() - minimum.days()).min(1.0),
    });
    distances.sum()
}

/// Row numbers by the likeliest class, then by the probability of the followed one.
fn in_order(probabilities: &Matrix, followed: usize) -> Vec<usize> {
    let n_classes = probabilities.n_features();
    let likeliest = |row: &[f32]| (0..n_classes).fold(0, |best, class| if row[class] > row[best] { class } else { best });
    let key = |row: &[f32]| (if n_classes > 2 { likeliest(row) } else { 0 }, row[followed]);
    let mut rows: Vec<usize> = (0..probabilities.n_rows()).collect();
    rows.sort_by(|&a, &b| {
        let ((class_a, a), (class_b, b)) = (key(probabilities.row(a)), key(probabilities.row(b)));
        class_a.cmp(&class_b).then(a.total_cmp(&b))
    });
    rows
}

/// Neighbours in order, in groups of about equal size; none is empty as long as there are as many rows.
fn strata(rows: &[usize], n: usize) -> impl Iterator<Item = &[usize]> {
    (0..n).map(move |at| &rows[rows.len() * at / n..rows.len() * (at + 1) / n])
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_contract::{Column, Target};

    /// Two numbers that hang together, a level, and a probability that follows them.
    fn drawn(n_rows: usize) -> Background {
        let number = ColumnKind::Numeric { integer: true, minimum: 0.0, maximum: n_rows as f64, median: 0.0 };
        let plan = ColumnKind::Categorical { levels: vec!["basic".into(), "plus".into()] };
        let contract = Contract {
            format: 1,
            dataset: "churn".into(),
            columns: vec![Column::new("a", number.clone()), Column::new("b", number), Column::new("plan", plan)],
            target: Target { name: "churn".into(), classes: vec!["no".into(), "yes".into()], positive: Some(1) },
            missing_tokens: vec![],
        };
        let features = (0..n_rows).flat_map(|row| [row as f32, -(row as f32), (row % 2) as f32]).collect();
        let probabilities = (0..n_rows).map(|row| row as f32 / n_rows as f32).flat_map(|p| [1.0 - p, p]).collect();
        let matrix = |width: usize, values| Matrix::new(n_rows, width, values).unwrap();
        let blends = blend(&contract, &matrix(3, features), &matrix(2, probabilities), 42);
        // A model that goes by the first number alone.
        let says = blends.column(0).map(|a| a / n_rows as f32).flat_map(|p| [1.0 - p, p]).collect();
        choose(&blends, &Matrix::new(blends.n_rows(), 2, says).unwrap())
    }

    #[test]
    fn background_rows_are_spread_as_the_rows_and_are_none_of_them() {
        let background = drawn(10_000);
        assert_eq!(background.n_rows(), N_ROWS);
        let mean = background.rows().map(|row| row[0]).sum::<f32>() / N_ROWS as f32;
        assert!((mean - 5_000.0).abs() < 10.0, "{mean}");
        // The five most alike are within ten of one another, and of one plan.
        assert!(background.rows().all(|row| (row[0] + row[1]).abs() <= 10.0 && row[0] as usize % 2 == row[2] as usize));
        assert!(background.rows().filter(|row| row[0] == -row[1]).count() < 40);
    }

    #[test]
    fn few_rows_have_few_background_rows() {
        assert_eq!([2, 9, 10, 319, 499].map(|n_rows| drawn(n_rows).n_rows()), [1, 1, 2, 63, 64]);
    }
}
