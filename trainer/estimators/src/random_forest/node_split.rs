//! The best question about a node's rows, among a few random columns.
//!
//! The gain is the decrease of weighted Gini impurity over all classes. Levels are put in the order of their smoothed share of one class
//! (of two classes the second, of more the node's most frequent one), and a set is a run from either end of that order: exact for two
//! classes (Breiman, Friedman, Olshen and Stone, "Classification and regression trees", 1984, theorem 4.5).

use super::grow::{Ground, Sample};
use super::tally::{Bits, Sum, Sums, Tally, Words, bins};
use crate::random::Random;
use crate::tree::split::{BinSet, Question};

/// A set of levels holds at most this many.
const MAX_SET: usize = 32;

/// A question has to gain more than rounding does, relative to the node's weight.
const MIN_GAIN: f64 = 1e-7;

/// A question and what it gains.
#[derive(Clone, Debug)]
pub(super) struct NodeSplit {
    pub(super) gain: f64,
    pub(super) column: usize,
    pub(super) question: Question,
}

/// Looks for questions.
pub(super) struct Searcher<'a> {
    draw: Draw<'a>,
    kept: Kept,
}

/// Random columns.
struct Draw<'a> {
    ground: &'a Ground<'a>,
    random: Random,
    columns: Vec<usize>,
}

/// Memory that searches work in, by how weights are added up.
enum Kept {
    Words(Box<Scratch<Words>>),
    Sums(Box<Scratch<Sums>>),
}

struct Scratch<T: Tally> {
    tally: Box<T>,
    yes: T::Sum,
    levels: Vec<(f64, usize)>,
}

/// A column of a node under search.
struct Search<'s, T: Tally> {
    ground: &'s Ground<'s>,
    scratch: &'s mut Scratch<T>,
    column: usize,
    total: &'s T::Sum,
    parent: f64,
    best: Option<NodeSplit>,
}

impl<'a> Searcher<'a> {
    /// For the nodes of a tree on these samples.
    pub(super) fn new(ground: &'a Ground<'a>, random: Random, samples: &[Sample]) -> Self {
        let n_classes = ground.data.n_classes();
        let kept = match Words::for_samples(n_classes, samples) {
            Some(words) => Kept::Words(Scratch::new(words)),
            None => Kept::Sums(Scratch::new(Box::new(Sums::new(n_classes)))),
        };
        Self { draw: Draw { ground, random, columns: ground.columns.clone() }, kept }
    }

    /// The best question among a few random columns; more are tried while none gains.
    pub(super) fn best(&mut self, samples: &[Sample]) -> Option<NodeSplit> {
        match &mut self.kept {
            Kept::Words(scratch) => self.draw.best(scratch, samples),
            Kept::Sums(scratch) => self.draw.best(scratch, samples),
        }
    }
}

impl<T: Tally> Scratch<T> {
    fn new(tally: Box<T>) -> Box<Self> {
        Box::new(Self { tally, yes: T::Sum::default(), levels: vec![] })
    }

    /// No rows, in memory that was used before.
    fn no_rows(&mut self) -> T::Sum {
        let mut sum = std::mem::take(&mut self.yes);
        sum.clear();
        sum
    }
}

impl Draw<'_> {
    fn best<T: Tally>(&mut self, scratch: &mut Scratch<T>, samples: &[Sample]) -> Option<NodeSplit> {
        let Self { ground, random, columns } = self;
        if samples.len() < 2 * ground.min_leaf_rows as usize || samples.len() < 2 {
            return None;
        }
        let total = scratch.tally.total(samples);
        let weight: f64 = total.weights().sum();
        let parent = total.purity();
        if weight - parent <= MIN_GAIN * weight {
            return None;
        }
        let mut best: Option<NodeSplit> = None;
        for tried in 0..columns.len() {
            if tried >= ground.n_tried && best.is_some() {
                break;
            }
            let other = tried + random.below(columns.len() - tried);
            columns.swap(tried, other);
            let column = columns[tried];
            scratch.tally.fill(ground.binned.column(column), ground.binning.n_bins(column), samples);
            let parent = parent + MIN_GAIN * weight;
            let mut search = Search { ground, scratch, column, total: &total, parent, best: best.take() };
            search.search();
            best = search.best;
            scratch.tally.clear();
        }
        best
    }
}

impl<T: Tally> Search<'_, T> {
    fn search(&mut self) {
        if self.ground.is_categorical(self.column) {
            return self.sets();
        }
        let has_missing = has_missing(self.scratch.tally.used());
        self.thresholds(false, has_missing);
        if has_missing {
            self.thresholds(true, true);
        }
    }

    fn thresholds(&mut self, missing_yes: bool, has_missing: bool) {
        let mut yes = self.scratch.no_rows();
        if missing_yes {
            self.scratch.tally.add(0, &mut yes);
        }
        for bin in bins(self.scratch.tally.used()).filter(|&bin| bin > 0) {
            self.scratch.tally.add(bin, &mut yes);
            let n_no = self.total.count() - yes.count();
            if n_no < self.ground.min_leaf_rows.max(1) {
                break;
            }
            let missing_yes = if has_missing { missing_yes } else { yes.count() > n_no };
            self.offer(&yes, || Question::AtMost { bin: bin as u8, missing_yes });
        }
        self.scratch.yes = yes;
    }

    fn sets(&mut self) {
        let key = match self.ground.data.n_classes() {
            2 => 1,
            _ => self.total.weights().enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(class, _)| class),
        };
        let smoothing = self.ground.params.category_smoothing;
        let average = self.total.weights().nth(key).unwrap_or(0.0) / self.total.weights().sum::<f64>();
        let tally = &self.scratch.tally;
        let share = |bin: usize| {
            let (weight, total) = tally.weights(bin, key);
            (weight + smoothing * average) / (total + smoothing).max(f64::MIN_POSITIVE)
        };
        let used = tally.used();
        let mut levels = std::mem::take(&mut self.scratch.levels);
        levels.clear();
        levels.extend(bins(used).filter(|&bin| bin > 0).map(|bin| (share(bin), bin)));
        levels.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        self.runs(levels.iter());
        // A run from one end leaves one from the other, unless missing values are left with it, or it would be too long.
        if has_missing(used) || levels.len() > MAX_SET {
            self.runs(levels.iter().rev());
        }
        self.scratch.levels = levels;
    }

    fn runs<'b>(&mut self, levels: impl Iterator<Item = &'b (f64, usize)>) {
        let (mut yes, mut set) = (self.scratch.no_rows(), BinSet::default());
        for &(_, bin) in levels.take(MAX_SET) {
            self.scratch.tally.add(bin, &mut yes);
            set.insert(bin as u8);
            if self.total.count() - yes.count() < self.ground.min_leaf_rows.max(1) {
                break;
            }
            self.offer(&yes, || Question::OneOf(set));
        }
        self.scratch.yes = yes;
    }

    fn offer(&mut self, yes: &T::Sum, question: impl FnOnce() -> Question) {
        if yes.count() < self.ground.min_leaf_rows {
            return;
        }
        let gain = yes.purity() + yes.purity_of_rest(self.total) - self.parent;
        if gain > self.best.as_ref().map_or(0.0, |best| best.gain) {
            self.best = Some(NodeSplit { gain, column: self.column, question: question() });
        }
    }
}

/// Whether the bin of missing values is one of these.
fn has_missing(bits: Bits) -> bool {
    bits[0] & 1 == 1
}
