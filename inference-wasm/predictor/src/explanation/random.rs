//! Orders of columns, the same at every call.

/// SplitMix64 (Steele, Lea, Flood 2014).
pub(super) struct Random(pub(super) u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Puts a list into random order.
    pub(super) fn shuffle(&mut self, list: &mut [usize]) {
        for last in (1..list.len()).rev() {
            // The upper half of the bits times the number of choices: no choice is likelier by more than 2^-32 of it.
            list.swap(last, (((self.bits() >> 32) * (last as u64 + 1)) >> 32) as usize);
        }
    }
}
