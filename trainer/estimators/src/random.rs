//! A small random generator whose numbers depend on the seed alone.
//!
//! SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.

/// The generator.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Starts from a seed; neighbouring seeds give unrelated numbers.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The generator of one part of a larger job, so that parts may run in any order.
    pub(crate) fn of_part(seed: u64, part: usize) -> Self {
        Self(seed ^ (part as u64).wrapping_mul(0xD134_2543_DE82_EF95))
    }

    /// 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in `[0, 1)`.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Of the standard normal distribution, by Box and Muller, 1958.
    pub(crate) fn normal(&mut self) -> f64 {
        let distance = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        distance * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Uniform in `0..n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// `k` of `0..n` without repetition, ascending.
    pub(crate) fn choose(&mut self, n: usize, k: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..n).collect();
        for i in 0..k {
            let other = i + self.below(n - i);
            all.swap(i, other);
        }
        all.truncate(k);
        all.sort_unstable();
        all
    }
}
