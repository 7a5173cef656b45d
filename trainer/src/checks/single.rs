//! How well one column alone tells classes apart.
//!
//! The column is cut into bins; on one half of the rows each bin learns its share of a class, and the other half is ranked by it.
//! Measured on the rows that it learned from, a column with a value of its own in every row would tell everything.

/// Bins of a column of numbers at most, beside the one for missing values.
const MAX_BINS: usize = 64;
/// Rows of a class, and of the others, that an area is measured on at least.
const MIN_ROWS: u64 = 10;
/// Rows of average share that each bin is given before bins are compared.
const PRIOR_ROWS: f64 = 2.0;

/// The bin of each row; bin 0 holds what is missing, unseen or rare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binned {
    bins: Vec<u32>,
    n_bins: usize,
}

impl Binned {
    /// Bins of about equally many rows.
    pub(super) fn numbers(values: &[f32]) -> Self {
        let mut sorted: Vec<f32> = values.iter().copied().filter(|value| !value.is_nan()).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let cut = |bin: usize| sorted.get(sorted.len() * bin / MAX_BINS).copied();
        let mut cuts: Vec<f32> = (1..MAX_BINS).filter_map(cut).collect();
        cuts.dedup();
        let bin = |value: &f32| if value.is_nan() { 0 } else { 1 + cuts.partition_point(|cut| cut <= value) as u32 };
        Self { bins: values.iter().map(bin).collect(), n_bins: cuts.len() + 2 }
    }

    /// A bin for each level.
    pub(super) fn levels(values: &[f32], n_levels: usize) -> Self {
        let bin = |value: &f32| if *value >= 0.0 { *value as u32 + 1 } else { 0 };
        Self { bins: values.iter().map(bin).collect(), n_bins: n_levels + 1 }
    }

    /// The area under the ROC curve of the column alone, the mean over classes of several; none where rows are too few.
    /// `rows` must be in random order: the first half teaches, the second is measured.
    pub(super) fn area(&self, rows: &[usize], class_of: impl Fn(usize) -> usize, n_classes: usize) -> Option<f64> {
        let (first, second) = rows.split_at(rows.len() / 2);
        let learned = self.count(first, &class_of, n_classes);
        let measured = self.count(second, &class_of, n_classes);
        let followed = if n_classes == 2 { 1..2 } else { 0..n_classes };
        let areas: Vec<f64> = followed.filter_map(|class| area_of(&learned, &measured, class)).collect();
        (!areas.is_empty()).then(|| areas.iter().sum::<f64>() / areas.len() as f64)
    }

    /// Rows of each class in each bin.
    fn count(&self, rows: &[usize], class_of: impl Fn(usize) -> usize, n_classes: usize) -> Vec<Vec<u64>> {
        let mut counts = vec![vec![0; n_classes]; self.n_bins];
        rows.iter().for_each(|row| counts[self.bins[*row] as usize][class_of(*row)] += 1);
        counts
    }
}

/// One class against the rest.
fn area_of(learned: &[Vec<u64>], measured: &[Vec<u64>], class: usize) -> Option<f64> {
    let split = |bin: &[u64]| (bin[class], bin.iter().sum::<u64>() - bin[class]);
    let total = |counts: &[Vec<u64>]| counts.iter().map(|bin| split(bin)).fold((0, 0), |sum, bin| (sum.0 + bin.0, sum.1 + bin.1));
    let ((inside, outside), (n_in, n_out)) = (total(learned), total(measured));
    if n_in < MIN_ROWS || n_out < MIN_ROWS {
        return None;
    }
    let prior = PRIOR_ROWS * inside as f64 / (inside + outside).max(1) as f64;
    let share = |bin: &[u64]| (split(bin).0 as f64 + prior) / (bin.iter().sum::<u64>() as f64 + PRIOR_ROWS);
    let mut ranked: Vec<(f64, (u64, u64))> = learned.iter().zip(measured).map(|(l, m)| (share(l), split(m))).collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut won) = (0.0, 0.0);
    for ties in ranked.chunk_by(|a, b| a.0 == b.0) {
        let (n_in, n_out) = ties.iter().fold((0, 0), |sum, (_, bin)| (sum.0 + bin.0, sum.1 + bin.1));
        won += n_in as f64 * (below + n_out as f64 / 2.0);
        below += n_out as f64;
    }
    Some(won / (n_in as f64 * n_out as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::split::Random;

    #[track_caller]
    fn check(binned: &Binned, classes: &[usize], low: f64, high: f64) {
        let rows: Vec<usize> = (0..classes.len()).collect();
        let n_classes = classes.iter().max().unwrap() + 1;
        let area = binned.area(&rows, |row| classes[row], n_classes).unwrap();
        assert!((low..=high).contains(&area), "{area}");
    }

    fn random_classes(n_rows: usize, n_classes: usize) -> Vec<usize> {
        let mut random = Random(5);
        (0..n_rows).map(|_| random.below(n_classes)).collect()
    }

    #[test]
    fn a_copy_of_the_target_tells_everything_in_either_direction() {
        let classes = random_classes(400, 2);
        let values: Vec<f32> = classes.iter().map(|class| -(*class as f32)).collect();
        check(&Binned::numbers(&values), &classes, 1.0, 1.0);
        let several = random_classes(400, 5);
        let levels: Vec<f32> = several.iter().map(|class| ((class + 2) % 5) as f32).collect();
        check(&Binned::levels(&levels, 5), &several, 1.0, 1.0);
    }

    #[test]
    fn a_value_of_its_own_in_every_row_tells_nothing() {
        let classes = random_classes(400, 2);
        let own: Vec<f32> = (0..400).map(|row| row as f32).collect();
        check(&Binned::levels(&own, 400), &classes, 0.5, 0.5);
        check(&Binned::numbers(&own), &classes, 0.35, 0.65);
    }

    #[test]
    fn missing_values_tell_too() {
        let classes = random_classes(400, 2);
        let values: Vec<f32> = classes.iter().map(|class| if *class == 1 { f32::NAN } else { 3.0 }).collect();
        check(&Binned::numbers(&values), &classes, 1.0, 1.0);
    }

    #[test]
    fn few_rows_tell_nothing() {
        assert_eq!(Binned::numbers(&[1.0, 2.0]).area(&[0, 1], |row| row, 2), None);
    }
}
