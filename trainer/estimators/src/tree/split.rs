//! The best question to ask about a leaf's rows.
//!
//! The gain is that of Chen and Guestrin, "XGBoost", KDD 2016, equation 7. Levels are sorted by their smoothed mean gradient and a set is a
//! run from either end of that order: Fisher, "On grouping for maximum homogeneity", 1958, as in LightGBM.

use super::binning::{Binning, N_BINS};
use super::histogram::Sums;
use super::quantise::Quantised;

/// A leaf needs at least this much curvature.
const MIN_SECOND: f64 = 1e-3;

/// A question has to gain more than rounding does.
const MIN_GAIN: f64 = 1e-9;

/// A set of levels holds at most this many.
const MAX_SET: usize = 32;

/// What limits questions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SplitParams {
    /// Added to the second derivatives of a leaf.
    pub(crate) l2: f64,
    /// Rows a leaf has at least.
    pub(crate) min_leaf_rows: usize,
    /// Rows of average gradient that each level is given before levels are sorted.
    pub(crate) category_smoothing: f64,
    /// Added to `l2` for a question about levels.
    pub(crate) category_l2: f64,
    /// Rows by which a set of levels grows at least from one candidate to the next.
    pub(crate) min_group_rows: usize,
}

/// A question and what it gains.
#[derive(Clone, Debug)]
pub(crate) struct Split {
    pub(crate) gain: f64,
    pub(crate) column: usize,
    pub(crate) question: Question,
}

/// A question about bins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Question {
    /// The bin is at most this one, or it is the missing bin and that goes to `yes`.
    AtMost { bin: u8, missing_yes: bool },
    /// The bin is one of these.
    OneOf(BinSet),
}

/// A set of bins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BinSet([u64; N_BINS / 64]);

impl BinSet {
    /// Whether a bin is in the set.
    pub(crate) fn contains(&self, bin: u8) -> bool {
        self.0[bin as usize / 64] >> (bin % 64) & 1 == 1
    }

    /// Adds a bin.
    pub(crate) fn insert(&mut self, bin: u8) {
        self.0[bin as usize / 64] |= 1 << (bin % 64);
    }
}

impl Question {
    /// The answer for every bin.
    pub(crate) fn answers(&self) -> [bool; N_BINS] {
        std::array::from_fn(|bin| match self {
            Question::AtMost { missing_yes, .. } if bin == 0 => *missing_yes,
            Question::AtMost { bin: last, .. } => bin <= *last as usize,
            Question::OneOf(bins) => bins.contains(bin as u8),
        })
    }
}

/// Finds splits of one tree.
pub(crate) struct Splitter<'a> {
    params: &'a SplitParams,
    binning: &'a Binning,
    first_unit: f64,
    second_unit: f64,
    /// Second derivative of an average row of the tree, in which smoothing is measured.
    second_per_row: f64,
}

/// A leaf whose column is being searched.
struct Search<'a> {
    splitter: &'a Splitter<'a>,
    total: Sums,
    l2: f64,
    parent: f64,
    column: usize,
    best: Option<Split>,
}

impl<'a> Splitter<'a> {
    /// Splits of a tree whose rows sum to `total`.
    pub(crate) fn new(params: &'a SplitParams, binning: &'a Binning, quantised: &Quantised, total: Sums) -> Self {
        let (first_unit, second_unit) = (quantised.first_unit, quantised.second_unit);
        let second_per_row = f64::from(total.second) * second_unit / f64::from(total.count.max(1));
        Self { params, binning, first_unit, second_unit, second_per_row }
    }

    /// The best question about a column of a leaf, if any gains.
    pub(crate) fn best(&self, column: usize, bins: &[Sums; N_BINS], total: Sums) -> Option<Split> {
        let categorical = self.binning.is_categorical(column);
        let l2 = self.params.l2 + if categorical { self.params.category_l2 } else { 0.0 };
        let parent = self.strength(total, self.params.l2);
        let mut search = Search { splitter: self, total, l2, parent, column, best: None };
        let bins = &bins[..self.binning.n_bins(column)];
        match categorical {
            true => search.sets(bins),
            false => search.thresholds(bins),
        }
        search.best
    }

    fn first(&self, sums: Sums) -> f64 {
        f64::from(sums.first) * self.first_unit
    }

    fn second(&self, sums: Sums) -> f64 {
        f64::from(sums.second) * self.second_unit
    }

    fn strength(&self, sums: Sums, l2: f64) -> f64 {
        let first = self.first(sums);
        first * first / (self.second(sums) + l2).max(f64::MIN_POSITIVE)
    }

    fn is_leaf(&self, sums: Sums) -> bool {
        sums.count >= self.params.min_leaf_rows as i32 && self.second(sums) >= MIN_SECOND
    }

    fn smoothed_mean(&self, sums: Sums) -> f64 {
        self.first(sums) / (self.second(sums) + self.params.category_smoothing * self.second_per_row)
    }
}

impl Search<'_> {
    fn thresholds(&mut self, bins: &[Sums]) {
        let missing = bins[0];
        self.thresholds_with(bins, Sums::default(), missing.count > 0);
        if missing.count > 0 {
            self.thresholds_with(bins, missing, true);
        }
    }

    /// Every threshold, when `yes` starts with these rows.
    fn thresholds_with(&mut self, bins: &[Sums], start: Sums, has_missing: bool) {
        let mut yes = start;
        for (bin, sums) in bins.iter().enumerate().skip(1).filter(|(_, sums)| sums.count > 0) {
            yes.add(*sums);
            let no = self.total.minus(yes);
            if !self.splitter.is_leaf(no) {
                break;
            }
            let missing_yes = if has_missing { start.count > 0 } else { yes.count > no.count };
            self.offer(yes, no, || Question::AtMost { bin: bin as u8, missing_yes });
        }
    }

    /// Runs of levels from both ends of their order.
    fn sets(&mut self, bins: &[Sums]) {
        let params = self.splitter.params;
        let min_count = params.category_smoothing.min(params.min_leaf_rows as f64);
        let mut levels: Vec<(f64, u8, Sums)> = bins
            .iter()
            .enumerate()
            .skip(1)
            .filter(|(_, sums)| sums.count > 0 && f64::from(sums.count) >= min_count)
            .map(|(bin, sums)| (self.splitter.smoothed_mean(*sums), bin as u8, *sums))
            .collect();
        levels.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        self.runs(levels.iter());
        self.runs(levels.iter().rev());
    }

    fn runs<'b>(&mut self, levels: impl Iterator<Item = &'b (f64, u8, Sums)>) {
        let (mut yes, mut set, mut group_rows) = (Sums::default(), BinSet::default(), 0);
        for (_, bin, sums) in levels.take(MAX_SET) {
            yes.add(*sums);
            set.insert(*bin);
            group_rows += sums.count as usize;
            let no = self.total.minus(yes);
            if !self.splitter.is_leaf(no) {
                break;
            }
            if group_rows >= self.splitter.params.min_group_rows && self.splitter.is_leaf(yes) {
                group_rows = 0;
                self.offer(yes, no, || Question::OneOf(set));
            }
        }
    }

    fn offer(&mut self, yes: Sums, no: Sums, question: impl FnOnce() -> Question) {
        if !self.splitter.is_leaf(yes) {
            return;
        }
        let gain = self.splitter.strength(yes, self.l2) + self.splitter.strength(no, self.l2) - self.parent;
        if gain > self.best.as_ref().map_or(MIN_GAIN, |best| best.gain) {
            self.best = Some(Split { gain, column: self.column, question: question() });
        }
    }
}
