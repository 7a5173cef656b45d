//! The best question to ask about a leaf's rows.
//!
//! The gain is that of Chen and Guestrin, "XGBoost", KDD 2016, equation 7. Levels are sorted by their smoothed mean gradient and a set is a
//! run from either end of that order: Fisher, "On grouping for maximum homogeneity", 1958, as in LightGBM. Columns with a direction bound the
//! values of the leaves below a question, as LightGBM's basic method does.

mod runs;

use super::binning::{Binning, N_BINS};
use super::histogram::Sums;
use super::quantise::Quantised;
pub(super) use runs::Run;

/// A leaf needs at least this much curvature.
const MIN_SECOND: f64 = 1e-3;

/// A question has to gain more than rounding does.
const MIN_GAIN: f64 = 1e-9;

/// What limits questions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SplitParams<'a> {
    /// For each column, whether leaf values must not fall (1) or not rise (-1) with it, or may do either (0); empty when no column limits them.
    pub(crate) monotone: &'a [i8],
    /// Added to the second derivatives of a leaf.
    pub(crate) l2: f64,
    /// Rows a leaf has at least.
    pub(crate) min_leaf_rows: usize,
    /// Rows of average gradient that each level is given before levels are sorted.
    pub(crate) category_smoothing: f64,
    /// Added to `l2` for a question about levels.
    pub(crate) category_l2: f64,
    /// Levels of a set at most.
    pub(crate) max_set_levels: usize,
    /// Rows by which a set of several levels grows at least from one candidate to the next; 1 where sets hold one.
    pub(crate) min_group_rows: usize,
}

/// A question and what it gains.
#[derive(Clone, Debug)]
pub(crate) struct Split {
    pub(crate) gain: f64,
    pub(crate) column: usize,
    pub(crate) question: Question,
    /// What bounds the values of the leaves on either side.
    pub(crate) yes: Bounds,
    pub(crate) no: Bounds,
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
    /// One bin alone.
    pub(crate) fn of(bin: u8) -> Self {
        let mut set = Self::default();
        set.insert(bin);
        set
    }

    /// Whether a bin is in the set.
    pub(crate) fn contains(&self, bin: u8) -> bool {
        self.0[bin as usize / 64] >> (bin % 64) & 1 == 1
    }

    /// Adds a bin.
    pub(crate) fn insert(&mut self, bin: u8) {
        self.0[bin as usize / 64] |= 1 << (bin % 64);
    }
}

/// What a leaf's value may be. Bounds keep a tree monotone: children of a question about a column with a direction may not pass each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    low: f64,
    high: f64,
}

impl Bounds {
    /// Anything.
    pub(crate) const NONE: Self = Self { low: f64::NEG_INFINITY, high: f64::INFINITY };

    /// The nearest value within.
    pub(crate) fn clamp(self, value: f64) -> f64 {
        value.max(self.low).min(self.high)
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
    params: &'a SplitParams<'a>,
    binning: &'a Binning,
    first_unit: f64,
    second_unit: f64,
    /// Second derivative of an average row of the tree, in which smoothing is measured.
    second_per_row: f64,
}

/// A leaf that is asked about a column.
pub(super) struct Asked<'a> {
    splitter: &'a Splitter<'a>,
    total: Sums,
    bounds: Bounds,
    l2: f64,
    parent: f64,
    column: usize,
}

/// A leaf whose column is being searched.
struct Search<'a> {
    asked: Asked<'a>,
    best: Option<(f64, Question)>,
    /// The rows that answer yes to the best question.
    best_yes: Sums,
}

impl<'a> Splitter<'a> {
    /// Splits of a tree whose rows sum to `total`.
    pub(crate) fn new(params: &'a SplitParams, binning: &'a Binning, quantised: &Quantised, total: Sums) -> Self {
        let (first_unit, second_unit) = (quantised.first_unit, quantised.second_unit);
        let second_per_row = f64::from(total.second) * second_unit / f64::from(total.count.max(1));
        Self { params, binning, first_unit, second_unit, second_per_row }
    }

    /// The best question about a column of a leaf, if any gains.
    pub(crate) fn best(&self, column: usize, bins: &[Sums], total: Sums, bounds: Bounds) -> Option<Split> {
        let mut search = Search { asked: self.asked(column, total, bounds), best: None, best_yes: Sums::default() };
        match self.binning.is_categorical(column) {
            true => search.sets(bins),
            false => search.thresholds(bins),
        }
        search.into_split()
    }

    /// A leaf whose rows sum to `total`, and a column.
    pub(super) fn asked(&self, column: usize, total: Sums, bounds: Bounds) -> Asked<'_> {
        let l2 = self.params.l2 + if self.binning.is_categorical(column) { self.params.category_l2 } else { 0.0 };
        Asked { splitter: self, total, bounds, l2, parent: self.strength(total, self.params.l2, bounds), column }
    }

    fn direction(&self, column: usize) -> i8 {
        self.params.monotone.get(column).copied().unwrap_or(0)
    }

    fn first(&self, sums: Sums) -> f64 {
        f64::from(sums.first) * self.first_unit
    }

    fn second(&self, sums: Sums) -> f64 {
        f64::from(sums.second) * self.second_unit
    }

    /// What a leaf of these rows takes from twice the loss, its value being bounded.
    #[inline]
    fn strength(&self, sums: Sums, l2: f64, bounds: Bounds) -> f64 {
        let (first, second) = (self.first(sums), (self.second(sums) + l2).max(f64::MIN_POSITIVE));
        if self.params.monotone.is_empty() {
            return first * first / second;
        }
        let value = bounds.clamp(-first / second);
        -(2.0 * first + second * value) * value
    }

    /// The value of a leaf of these rows.
    fn value(&self, sums: Sums, l2: f64, bounds: Bounds) -> f64 {
        bounds.clamp(-self.first(sums) / (self.second(sums) + l2).max(f64::MIN_POSITIVE))
    }

    fn is_leaf(&self, sums: Sums) -> bool {
        sums.count >= self.params.min_leaf_rows as i32 && self.second(sums) >= MIN_SECOND
    }
}

impl Asked<'_> {
    /// What a question gains to which these rows answer yes; nothing where it may not be asked.
    pub(super) fn gain(&self, yes: Sums) -> f64 {
        let no = self.total.minus(yes);
        if !self.splitter.is_leaf(yes) || !self.splitter.is_leaf(no) {
            return 0.0;
        }
        match self.gain_of_leaves(yes, no) {
            gain if gain > MIN_GAIN && self.goes_the_right_way(yes, no) => gain,
            _ => 0.0,
        }
    }

    #[inline]
    fn gain_of_leaves(&self, yes: Sums, no: Sums) -> f64 {
        let strength = |sums| self.splitter.strength(sums, self.l2, self.bounds);
        strength(yes) + strength(no) - self.parent
    }

    fn goes_the_right_way(&self, yes: Sums, no: Sums) -> bool {
        let value = |sums| self.splitter.value(sums, self.l2, self.bounds);
        match self.splitter.direction(self.column) {
            0 => true,
            direction => f64::from(direction) * (value(no) - value(yes)) >= 0.0,
        }
    }

    /// What bounds either side of a question to which these rows answer yes. Below one about a column with a direction, neither side may
    /// pass the middle of both.
    pub(super) fn bounds_of_sides(&self, yes: Sums) -> (Bounds, Bounds) {
        let value = |sums| self.splitter.value(sums, self.l2, self.bounds);
        let middle = f64::midpoint(value(yes), value(self.total.minus(yes)));
        let (below, above) = (Bounds { high: middle, ..self.bounds }, Bounds { low: middle, ..self.bounds });
        match self.splitter.direction(self.column) {
            0 => (self.bounds, self.bounds),
            1 => (below, above),
            _ => (above, below),
        }
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
            let no = self.asked.total.minus(yes);
            if !self.asked.splitter.is_leaf(no) {
                break;
            }
            let missing_yes = if has_missing { start.count > 0 } else { yes.count > no.count };
            self.offer(yes, no, || Question::AtMost { bin: bin as u8, missing_yes });
        }
    }

    fn sets(&mut self, bins: &[Sums]) {
        let splitter = self.asked.splitter;
        for run in splitter.runs_of_levels(bins) {
            let (mut yes, mut set) = (Sums::default(), BinSet::default());
            for step in run.steps {
                yes.add(bins[step.bin as usize]);
                set.insert(step.bin);
                let no = self.asked.total.minus(yes);
                if !splitter.is_leaf(no) {
                    break;
                }
                if step.is_offered {
                    self.offer(yes, no, || Question::OneOf(set));
                }
            }
        }
    }

    fn offer(&mut self, yes: Sums, no: Sums, question: impl FnOnce() -> Question) {
        if !self.asked.splitter.is_leaf(yes) {
            return;
        }
        let gain = self.asked.gain_of_leaves(yes, no);
        if gain > self.best.as_ref().map_or(MIN_GAIN, |best| best.0) && self.asked.goes_the_right_way(yes, no) {
            self.best = Some((gain, question()));
            self.best_yes = yes;
        }
    }

    fn into_split(self) -> Option<Split> {
        let (gain, question) = self.best?;
        let (yes, no) = self.asked.bounds_of_sides(self.best_yes);
        Some(Split { gain, column: self.asked.column, question, yes, no })
    }
}
