//! The best question about a node's rows, among a few random columns.
//!
//! The gain is the decrease of weighted Gini impurity over all classes. Levels are put in the order of their smoothed share of one class
//! (of two classes the second, of more the node's most frequent one), and a set is a run from either end of that order: exact for two
//! classes (Breiman, Friedman, Olshen and Stone, "Classification and regression trees", 1984, theorem 4.5).

use super::grow::{Ground, Sample};
use super::tally::Tally;
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
    ground: &'a Ground<'a>,
    random: Random,
    n_classes: usize,
    columns: Vec<usize>,
    tally: Tally,
    scratch: Scratch,
}

/// Memory that a search of a column works in.
#[derive(Default)]
struct Scratch {
    yes: Side,
    levels: Vec<(f64, usize)>,
}

/// Rows on one side of a question.
#[derive(Default)]
struct Side {
    count: u32,
    sums: Vec<f64>,
}

impl Side {
    fn clear(&mut self, n_classes: usize) {
        self.count = 0;
        self.sums.clear();
        self.sums.resize(n_classes, 0.0);
    }

    fn add(&mut self, count: u32, sums: &[f32]) {
        self.count += count;
        self.sums.iter_mut().zip(sums).for_each(|(sum, other)| *sum += f64::from(*other));
    }

    /// Weight less weighted Gini impurity.
    fn purity(&self) -> f64 {
        let (squares, total) = self.sums.iter().fold((0.0, 0.0), |(squares, total), sum| (squares + sum * sum, total + sum));
        if total > 0.0 { squares / total } else { 0.0 }
    }
}

/// A column of a node under search.
struct Search<'s, 'a> {
    searcher: &'s Searcher<'a>,
    scratch: Scratch,
    column: usize,
    total: &'s Side,
    parent: f64,
    best: Option<NodeSplit>,
}

impl<'a> Searcher<'a> {
    /// For the nodes of a tree on these samples.
    pub(super) fn new(ground: &'a Ground<'a>, random: Random, samples: &[Sample]) -> Self {
        let n_classes = ground.data.n_classes();
        Self {
            ground,
            random,
            n_classes,
            columns: ground.columns.clone(),
            tally: Tally::new(n_classes, samples),
            scratch: Scratch::default(),
        }
    }

    /// The best question among a few random columns; more are tried while none gains.
    pub(super) fn best(&mut self, samples: &[Sample]) -> Option<NodeSplit> {
        if samples.len() < 2 * self.ground.min_leaf_rows as usize || samples.len() < 2 {
            return None;
        }
        let total = Side { count: samples.len() as u32, sums: self.tally.total(samples) };
        let parent = total.purity();
        let weight: f64 = total.sums.iter().sum();
        if weight - parent <= MIN_GAIN * weight {
            return None;
        }
        let mut best: Option<NodeSplit> = None;
        for tried in 0..self.columns.len() {
            if tried >= self.ground.n_tried && best.is_some() {
                break;
            }
            let other = tried + self.random.below(self.columns.len() - tried);
            self.columns.swap(tried, other);
            let column = self.columns[tried];
            self.tally.fill(self.ground.binned.column(column), self.ground.binning.n_bins(column), samples);
            let (scratch, parent) = (std::mem::take(&mut self.scratch), parent + MIN_GAIN * weight);
            let mut search = Search { searcher: self, scratch, column, total: &total, parent, best: best.take() };
            search.search();
            (self.scratch, best) = (search.scratch, search.best);
            self.tally.clear();
        }
        best
    }
}

impl Search<'_, '_> {
    fn search(&mut self) {
        if self.searcher.ground.is_categorical(self.column) {
            return self.sets();
        }
        let has_missing = self.searcher.tally.count(0) > 0;
        self.thresholds(false, has_missing);
        if has_missing {
            self.thresholds(true, true);
        }
    }

    fn thresholds(&mut self, missing_yes: bool, has_missing: bool) {
        let tally = &self.searcher.tally;
        let mut yes = self.no_rows();
        if missing_yes {
            yes.add(tally.count(0), tally.sums(0));
        }
        for bin in tally.used().filter(|&bin| bin > 0) {
            yes.add(tally.count(bin), tally.sums(bin));
            let n_no = self.total.count - yes.count;
            if n_no < self.searcher.ground.min_leaf_rows.max(1) {
                break;
            }
            let missing_yes = if has_missing { missing_yes } else { yes.count > n_no };
            self.offer(&yes, || Question::AtMost { bin: bin as u8, missing_yes });
        }
        self.scratch.yes = yes;
    }

    fn sets(&mut self) {
        let tally = &self.searcher.tally;
        let key = match self.searcher.n_classes {
            2 => 1,
            n => (0..n).max_by(|&a, &b| self.total.sums[a].total_cmp(&self.total.sums[b])).unwrap_or(0),
        };
        let smoothing = self.searcher.ground.params.category_smoothing;
        let weight: f64 = self.total.sums.iter().sum();
        let average = self.total.sums[key] / weight;
        let share = |bin: usize| {
            let sums = tally.sums(bin);
            let total: f64 = sums.iter().map(|sum| f64::from(*sum)).sum();
            (f64::from(sums[key]) + smoothing * average) / (total + smoothing).max(f64::MIN_POSITIVE)
        };
        let mut levels = std::mem::take(&mut self.scratch.levels);
        levels.clear();
        levels.extend(tally.used().filter(|&bin| bin > 0).map(|bin| (share(bin), bin)));
        levels.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        self.runs(levels.iter());
        self.runs(levels.iter().rev());
        self.scratch.levels = levels;
    }

    fn runs<'b>(&mut self, levels: impl Iterator<Item = &'b (f64, usize)>) {
        let (mut yes, mut set) = (self.no_rows(), BinSet::default());
        for &(_, bin) in levels.take(MAX_SET) {
            yes.add(self.searcher.tally.count(bin), self.searcher.tally.sums(bin));
            set.insert(bin as u8);
            if self.total.count - yes.count < self.searcher.ground.min_leaf_rows.max(1) {
                break;
            }
            self.offer(&yes, || Question::OneOf(set));
        }
        self.scratch.yes = yes;
    }

    /// A side without rows, in memory that was used before.
    fn no_rows(&mut self) -> Side {
        let mut side = std::mem::take(&mut self.scratch.yes);
        side.clear(self.searcher.n_classes);
        side
    }

    fn offer(&mut self, yes: &Side, question: impl FnOnce() -> Question) {
        if yes.count < self.searcher.ground.min_leaf_rows {
            return;
        }
        let (mut squares, mut weight) = (0.0, 0.0);
        for (total, yes) in self.total.sums.iter().zip(&yes.sums) {
            let no = (total - yes).max(0.0);
            squares += no * no;
            weight += no;
        }
        let gain = yes.purity() + if weight > 0.0 { squares / weight } else { 0.0 } - self.parent;
        if gain > self.best.as_ref().map_or(0.0, |best| best.gain) {
            self.best = Some(NodeSplit { gain, column: self.column, question: question() });
        }
    }
}
