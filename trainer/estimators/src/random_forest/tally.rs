//! A node's rows by the bin of one column: how many, and the weight of each class.

use super::grow::Sample;
use crate::tree::binning::N_BINS;
use crate::tree::prefetch;

/// Histograms that rows are dealt out to, so that none waits for the one before it, which often lies in the same bin.
const N_LANES: usize = 4;

/// Bits of a class's weight in a [`Word`].
const WEIGHT_BITS: u32 = 21;

/// The bins of so many rows stay in the processor's cache, where nothing has to be fetched ahead.
const NEAR_ROWS: usize = 500_000;

/// One bit for every bin.
pub(super) type Bits = [u64; N_BINS / 64];

/// A node's rows by bin. It keeps its memory between nodes; only bins that were used are cleared.
pub(super) trait Tally {
    /// What rows add up to.
    type Sum: Sum;

    /// What all of these add up to.
    fn total(&self, samples: &[Sample]) -> Self::Sum;

    /// Adds samples up by the bins of their rows, which are below `n_bins`.
    fn fill(&mut self, bins: &[u8], n_bins: usize, samples: &[Sample]);

    /// Empties it.
    fn clear(&mut self);

    /// Bins that hold samples.
    fn used(&self) -> Bits;

    /// Adds a bin's rows to others.
    fn add(&self, bin: usize, sum: &mut Self::Sum);

    /// Weight of a class in a bin, and of all classes.
    fn weights(&self, bin: usize, class: usize) -> (f64, f64);
}

/// What rows add up to; by default of no rows.
pub(super) trait Sum: Default {
    /// Takes all rows away.
    fn clear(&mut self);

    /// How many they are.
    fn count(&self) -> u32;

    /// The weight of each class.
    fn weights(&self) -> impl Iterator<Item = f64>;

    /// Weight less weighted Gini impurity.
    fn purity(&self) -> f64 {
        purity(self.weights())
    }

    /// The same of the other rows of a whole.
    fn purity_of_rest(&self, whole: &Self) -> f64 {
        purity(whole.weights().zip(self.weights()).map(|(whole, part)| (whole - part).max(0.0)))
    }
}

#[inline(always)]
fn purity(weights: impl Iterator<Item = f64>) -> f64 {
    let (squares, total) = weights.fold((0.0, 0.0), |(squares, total), weight| (squares + weight * weight, total + weight));
    if total > 0.0 { squares / total } else { 0.0 }
}

/// Bins from their bits, ascending.
pub(super) fn bins(bits: Bits) -> impl Iterator<Item = usize> {
    bits.into_iter().enumerate().flat_map(|(word, mut bits)| {
        std::iter::from_fn(move || {
            let bit = bits.trailing_zeros();
            (bits != 0).then(|| {
                bits &= bits - 1;
                word * 64 + bit as usize
            })
        })
    })
}

/// Any number of classes, and any weights.
pub(super) struct Sums {
    n_classes: usize,
    /// `[bins, C]`.
    weights: Vec<f32>,
    counts: [u32; N_BINS],
    used: Bits,
}

/// A count, and weights.
#[derive(Default)]
pub(super) struct Counted {
    count: u32,
    weights: Vec<f64>,
}

impl Sums {
    /// An empty one.
    pub(super) fn new(n_classes: usize) -> Self {
        Self { n_classes, weights: vec![0.0; N_BINS * n_classes], counts: [0; N_BINS], used: [0; N_BINS / 64] }
    }

    fn of(&self, bin: usize) -> &[f32] {
        &self.weights[bin * self.n_classes..][..self.n_classes]
    }
}

impl Tally for Sums {
    type Sum = Counted;

    fn total(&self, samples: &[Sample]) -> Counted {
        let mut weights = vec![0.0; self.n_classes];
        for sample in samples {
            weights[sample.class as usize] += f64::from(sample.weight);
        }
        Counted { count: samples.len() as u32, weights }
    }

    fn fill(&mut self, bins: &[u8], _: usize, samples: &[Sample]) {
        for (at, sample) in samples.iter().enumerate() {
            prefetch::ahead(samples, at, |sample| &bins[sample.row as usize]);
            let bin = bins[sample.row as usize] as usize;
            self.used[bin / 64] |= 1 << (bin % 64);
            self.counts[bin] += 1;
            self.weights[bin * self.n_classes + sample.class as usize] += sample.weight;
        }
    }

    fn clear(&mut self) {
        for bin in bins(self.used) {
            self.counts[bin] = 0;
            self.weights[bin * self.n_classes..][..self.n_classes].fill(0.0);
        }
        self.used = [0; N_BINS / 64];
    }

    fn used(&self) -> Bits {
        self.used
    }

    fn add(&self, bin: usize, sum: &mut Counted) {
        sum.count += self.counts[bin];
        sum.weights.resize(self.n_classes, 0.0);
        sum.weights.iter_mut().zip(self.of(bin)).for_each(|(sum, other)| *sum += f64::from(*other));
    }

    fn weights(&self, bin: usize, class: usize) -> (f64, f64) {
        let of = self.of(bin);
        (of[class].into(), of.iter().map(|weight| f64::from(*weight)).sum())
    }
}

impl Sum for Counted {
    fn clear(&mut self) {
        self.count = 0;
        self.weights.fill(0.0);
    }

    fn count(&self) -> u32 {
        self.count
    }

    fn weights(&self) -> impl Iterator<Item = f64> {
        self.weights.iter().copied()
    }
}

/// Two classes whose weights are small whole numbers, as draws are: a bin's count and weights lie in one word and are added at once.
pub(super) struct Words {
    /// What they hold together counts.
    halves: [Half; 2],
    /// All 0 between fills.
    lanes: [[u64; N_BINS]; N_LANES],
}

/// Every second row of few.
struct Half {
    words: [u64; N_BINS],
    used: Bits,
}

/// From low bits to high ones: the weight of class 0, of class 1, the count.
#[derive(Clone, Copy, Default)]
pub(super) struct Word(u64);

impl Words {
    /// An empty one, if samples are of its kind.
    pub(super) fn for_samples(n_classes: usize, samples: &[Sample]) -> Option<Box<Self>> {
        let is_whole = samples.iter().all(|sample| sample.weight.fract() == 0.0);
        let total: f64 = samples.iter().map(|sample| f64::from(sample.weight)).sum();
        let fits = n_classes == 2 && is_whole && total < f64::from(1 << WEIGHT_BITS);
        let half = || Half { words: [0; N_BINS], used: [0; N_BINS / 64] };
        let empty = || Self { halves: [half(), half()], lanes: [[0; N_BINS]; N_LANES] };
        fits.then(|| Box::new(empty()))
    }

    #[inline(always)]
    fn of(&self, bin: usize) -> Word {
        Word(self.halves[0].words[bin] + self.halves[1].words[bin])
    }

    fn fill_lanes(&mut self, bins: &[u8], samples: &[Sample]) {
        let is_far = bins.len() > NEAR_ROWS;
        let mut done = 0;
        for together in samples.chunks(N_LANES) {
            if is_far {
                (done..done + N_LANES).for_each(|at| prefetch::ahead(samples, at, |sample| &bins[sample.row as usize]));
                done += N_LANES;
            }
            for (lane, sample) in self.lanes.iter_mut().zip(together) {
                lane[bins[sample.row as usize] as usize] += Word::of(sample).0;
            }
        }
    }

    /// Takes over what the lanes hold, and clears them.
    fn take_lanes(&mut self, n_bins: usize) {
        for bin in 0..n_bins {
            let word: u64 = self.lanes.iter_mut().map(|lane| std::mem::take(&mut lane[bin])).sum();
            self.halves[0].words[bin] = word;
            self.halves[0].used[bin / 64] |= u64::from(word > 0) << (bin % 64);
        }
    }
}

impl Tally for Words {
    type Sum = Word;

    fn total(&self, samples: &[Sample]) -> Word {
        Word(samples.iter().map(|sample| Word::of(sample).0).sum())
    }

    fn fill(&mut self, bins: &[u8], n_bins: usize, samples: &[Sample]) {
        // With fewer samples it takes longer to go over all bins than over the samples.
        if samples.len() >= n_bins {
            self.fill_lanes(bins, samples);
            return self.take_lanes(n_bins);
        }
        for pair in samples.chunks(2) {
            for (half, sample) in self.halves.iter_mut().zip(pair) {
                let bin = bins[sample.row as usize] as usize;
                half.used[bin / 64] |= 1 << (bin % 64);
                half.words[bin] += Word::of(sample).0;
            }
        }
    }

    fn clear(&mut self) {
        for half in &mut self.halves {
            bins(half.used).for_each(|bin| half.words[bin] = 0);
            half.used = [0; N_BINS / 64];
        }
    }

    fn used(&self) -> Bits {
        std::array::from_fn(|word| self.halves[0].used[word] | self.halves[1].used[word])
    }

    #[inline(always)]
    fn add(&self, bin: usize, sum: &mut Word) {
        sum.0 += self.of(bin).0;
    }

    fn weights(&self, bin: usize, class: usize) -> (f64, f64) {
        let both = self.of(bin).both();
        (both[class], both[0] + both[1])
    }
}

impl Word {
    #[inline(always)]
    fn of(sample: &Sample) -> Self {
        // In a float32 of 2^23 and more the last bits are those of a whole number; to convert one takes three times as long.
        let weight = u64::from((sample.weight + 8_388_608.0).to_bits() & ((1 << WEIGHT_BITS) - 1));
        Self((1 << (2 * WEIGHT_BITS)) | (weight << (WEIGHT_BITS * sample.class)))
    }

    /// The weights of both classes.
    #[inline(always)]
    fn both(self) -> [f64; 2] {
        let weight = |word: u64| (word & ((1 << WEIGHT_BITS) - 1)) as i64 as f64;
        [weight(self.0), weight(self.0 >> WEIGHT_BITS)]
    }
}

impl Sum for Word {
    fn clear(&mut self) {
        self.0 = 0;
    }

    #[inline(always)]
    fn count(&self) -> u32 {
        (self.0 >> (2 * WEIGHT_BITS)) as u32
    }

    #[inline(always)]
    fn weights(&self) -> impl Iterator<Item = f64> {
        self.both().into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// What a tally holds of every bin: the count, and both weights.
    fn held(tally: &mut impl Tally, in_column: &[u8], n_bins: usize, samples: &[Sample]) -> Vec<(usize, u32, [f64; 2])> {
        tally.fill(in_column, n_bins, samples);
        let of = |bin| {
            let mut sum = Default::default();
            tally.add(bin, &mut sum);
            let weights = [0, 1].map(|class| tally.weights(bin, class).0);
            assert_eq!(Sum::weights(&sum).collect::<Vec<_>>(), weights);
            (bin, sum.count(), weights)
        };
        let held = bins(tally.used()).map(of).collect();
        tally.clear();
        held
    }

    #[test]
    fn words_add_up_to_what_samples_do_one_by_one() {
        let mut random = Random::new(4);
        let in_column: Vec<u8> = (0..3000).map(|row| if row % 7 == 0 { 255 } else { random.below(90) as u8 }).collect();
        let sample = |row| Sample { row, class: row % 3 % 2, weight: (row % 5) as f32 };
        let samples: Vec<Sample> = (0..3000).map(sample).collect();
        let (mut words, mut sums) = (Words::for_samples(2, &samples).unwrap(), Sums::new(2));
        for few in [&samples[..], &samples[5..90], &samples[..1], &[]] {
            let by_words = held(&mut *words, &in_column, 256, few);
            assert_eq!(held(&mut sums, &in_column, 256, few), by_words);
            let (total, same) = (words.total(few), sums.total(few));
            assert_eq!(total.weights().collect::<Vec<_>>(), same.weights().collect::<Vec<_>>());
            assert_eq!((total.count(), same.count()), (few.len() as u32, few.len() as u32));
            assert_eq!(by_words.iter().map(|(_, count, _)| count).sum::<u32>(), few.len() as u32);
            assert_eq!((total.purity(), words.total(&[]).purity_of_rest(&total)), (same.purity(), same.purity()));
        }
        assert_eq!(held(&mut *words, &in_column, 256, &samples).len(), 91);
    }

    #[test]
    fn weights_that_fit_no_word_are_added_up_one_by_one() {
        let fit = |n_classes, weight| Words::for_samples(n_classes, &[Sample { row: 0, class: 1, weight }]).is_some();
        assert!(fit(2, 3.0) && !fit(3, 3.0) && !fit(2, 0.5) && !fit(2, 3e6));
        let half = [Sample { row: 0, class: 1, weight: 0.5 }];
        assert_eq!(held(&mut Sums::new(2), &[9], 10, &half), [(9, 1, [0.0, 0.5])]);
    }
}
