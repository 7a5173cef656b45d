//! A node's rows by the bin of one column: how many, and the weight of each class.

use super::grow::Sample;
use crate::tree::binning::N_BINS;
use crate::tree::prefetch;

/// Histograms that rows are dealt out to, so that none waits for the one before it, which often lies in the same bin.
const N_LANES: usize = 4;

/// Bits of a class's weight where a row's count and the weights of two classes are added up in one word.
const WEIGHT_BITS: u32 = 21;

/// The bins of so many rows stay in the processor's cache, where nothing has to be fetched ahead.
const NEAR_ROWS: usize = 500_000;

/// Keeps its memory between nodes; only bins that were used are cleared.
pub(super) struct Tally {
    n_classes: usize,
    /// `[bins, C]`.
    sums: Vec<f32>,
    counts: [u32; N_BINS],
    /// Bins in use, as bits.
    used: [u64; N_BINS / 64],
    /// Words of two classes whose weights are small whole numbers; all 0 between fills.
    lanes: Option<Box<[[u64; N_BINS]; N_LANES]>>,
}

impl Tally {
    /// An empty one for nodes that hold some of these samples.
    pub(super) fn new(n_classes: usize, samples: &[Sample]) -> Self {
        let is_whole = samples.iter().all(|sample| sample.weight.fract() == 0.0);
        let total: f64 = samples.iter().map(|sample| f64::from(sample.weight)).sum();
        let fits = n_classes == 2 && is_whole && total < f64::from(1 << WEIGHT_BITS);
        Self {
            n_classes,
            sums: vec![0.0; N_BINS * n_classes],
            counts: [0; N_BINS],
            used: [0; N_BINS / 64],
            lanes: fits.then(|| Box::new([[0; N_BINS]; N_LANES])),
        }
    }

    /// Adds samples up by the bins of their rows, which are below `n_bins`.
    pub(super) fn fill(&mut self, bins: &[u8], n_bins: usize, samples: &[Sample]) {
        match self.lanes.as_deref_mut() {
            // With fewer samples it takes longer to go over all bins than over the samples.
            Some(lanes) if samples.len() >= n_bins => {
                add_words(lanes, bins, samples);
                self.take_lanes(n_bins);
            }
            _ => {
                for (at, sample) in samples.iter().enumerate() {
                    prefetch::ahead(samples, at, |sample| &bins[sample.row as usize]);
                    let bin = bins[sample.row as usize] as usize;
                    self.used[bin / 64] |= 1 << (bin % 64);
                    self.counts[bin] += 1;
                    self.sums[bin * self.n_classes + sample.class as usize] += sample.weight;
                }
            }
        }
    }

    /// Weight of each class among samples.
    pub(super) fn total(&self, samples: &[Sample]) -> Vec<f64> {
        if self.lanes.is_some() {
            let (no, yes) = weights(samples.iter().map(word).sum());
            return vec![no.into(), yes.into()];
        }
        let mut total = vec![0.0; self.n_classes];
        for sample in samples {
            total[sample.class as usize] += f64::from(sample.weight);
        }
        total
    }

    /// Takes over what the lanes hold, and clears them.
    fn take_lanes(&mut self, n_bins: usize) {
        let Some(lanes) = self.lanes.as_deref_mut() else { return };
        for bin in 0..n_bins {
            let word: u64 = lanes.iter_mut().map(|lane| std::mem::take(&mut lane[bin])).sum();
            if word > 0 {
                self.used[bin / 64] |= 1 << (bin % 64);
                self.counts[bin] = (word >> (2 * WEIGHT_BITS)) as u32;
                (self.sums[2 * bin], self.sums[2 * bin + 1]) = weights(word);
            }
        }
    }

    /// Empties it.
    pub(super) fn clear(&mut self) {
        for bin in bins(self.used) {
            self.counts[bin] = 0;
            self.sums[bin * self.n_classes..][..self.n_classes].fill(0.0);
        }
        self.used = [0; N_BINS / 64];
    }

    /// Bins that hold samples, ascending.
    pub(super) fn used(&self) -> impl Iterator<Item = usize> + use<> {
        bins(self.used)
    }

    /// Samples in a bin.
    pub(super) fn count(&self, bin: usize) -> u32 {
        self.counts[bin]
    }

    /// Weight of each class in a bin.
    pub(super) fn sums(&self, bin: usize) -> &[f32] {
        &self.sums[bin * self.n_classes..][..self.n_classes]
    }
}

fn add_words(lanes: &mut [[u64; N_BINS]; N_LANES], bins: &[u8], samples: &[Sample]) {
    let is_far = bins.len() > NEAR_ROWS;
    let mut done = 0;
    for together in samples.chunks(N_LANES) {
        if is_far {
            (done..done + N_LANES).for_each(|at| prefetch::ahead(samples, at, |sample| &bins[sample.row as usize]));
            done += N_LANES;
        }
        for (lane, sample) in lanes.iter_mut().zip(together) {
            lane[bins[sample.row as usize] as usize] += word(sample);
        }
    }
}

/// A sample's count, and its weight in the place of its class.
#[inline(always)]
fn word(sample: &Sample) -> u64 {
    // In a float32 of 2^23 and more the last bits are those of a whole number; to convert one takes three times as long.
    let weight = u64::from((sample.weight + 8_388_608.0).to_bits() & ((1 << WEIGHT_BITS) - 1));
    (1 << (2 * WEIGHT_BITS)) | (weight << (WEIGHT_BITS * sample.class))
}

/// The weights of both classes in a sum of words.
fn weights(sum: u64) -> (f32, f32) {
    let weight = |word: u64| (word & ((1 << WEIGHT_BITS) - 1)) as f32;
    (weight(sum), weight(sum >> WEIGHT_BITS))
}

fn bins(used: [u64; N_BINS / 64]) -> impl Iterator<Item = usize> {
    used.into_iter().enumerate().flat_map(|(word, mut bits)| {
        std::iter::from_fn(move || {
            let bit = bits.trailing_zeros();
            (bits != 0).then(|| {
                bits &= bits - 1;
                word * 64 + bit as usize
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// What a tally holds of every bin.
    fn held(tally: &mut Tally, bins: &[u8], n_bins: usize, samples: &[Sample]) -> Vec<(usize, u32, Vec<f32>)> {
        tally.fill(bins, n_bins, samples);
        let held = tally.used().map(|bin| (bin, tally.count(bin), tally.sums(bin).to_vec())).collect();
        tally.clear();
        held
    }

    #[test]
    fn words_add_up_to_what_samples_do_one_by_one() {
        let mut random = Random::new(4);
        let bins: Vec<u8> = (0..3000).map(|row| if row % 7 == 0 { 255 } else { random.below(90) as u8 }).collect();
        let sample = |row| Sample { row, class: row % 3 % 2, weight: (row % 5) as f32 };
        let samples: Vec<Sample> = (0..3000).map(sample).collect();
        let mut tally = Tally::new(2, &samples);
        assert!(tally.lanes.is_some());
        let by_words = held(&mut tally, &bins, 256, &samples);
        tally.lanes = None;
        assert_eq!(held(&mut tally, &bins, 256, &samples), by_words);
        let total = tally.total(&samples);
        assert_eq!(Tally::new(2, &samples).total(&samples), total);
        assert_eq!(by_words.iter().map(|(_, _, sums)| f64::from(sums[1])).sum::<f64>(), total[1]);
        assert_eq!(by_words.len(), 91);
        assert_eq!(by_words.iter().map(|(_, count, _)| count).sum::<u32>(), 3000);
        assert!(held(&mut tally, &bins, 256, &[]).is_empty());
    }

    #[test]
    fn weights_that_fit_no_word_are_added_up_one_by_one() {
        let of = |n_classes, weight| Tally::new(n_classes, &[Sample { row: 0, class: 1, weight }]);
        assert!(of(2, 3.0).lanes.is_some());
        assert!(of(3, 3.0).lanes.is_none() && of(2, 0.5).lanes.is_none() && of(2, 3e6).lanes.is_none());
        assert_eq!(held(&mut of(2, 0.5), &[9], 10, &[Sample { row: 0, class: 1, weight: 0.5 }]), [(9, 1, vec![0.0, 0.5])]);
    }
}
