//! Rows that a record is compared with when a prediction is explained.

/// Feature rows that stand for the rows a model was judged by, as [`crate::Record::features`] makes them.
///
/// In a model's metadata they are hexadecimal digits, eight for each float32, the highest byte first. In Python:
/// `numpy.frombuffer(bytes.fromhex(text), ">f4").reshape(-1, n_features)`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Background {
    /// Row-major `[n_rows, n_features]`, never half a row.
    values: Vec<f32>,
    n_features: usize,
}

/// The most rows of a background.
pub const MAX_BACKGROUND_ROWS: usize = 128;

const DIGITS: usize = 8;

impl Background {
    /// None where the values are no whole rows, or more than [`MAX_BACKGROUND_ROWS`].
    pub fn new(values: Vec<f32>, n_features: usize) -> Option<Self> {
        let is_fit = n_features > 0
            && values.len().is_multiple_of(n_features)
            && values.len() / n_features <= MAX_BACKGROUND_ROWS
            && !values.iter().any(|value| value.is_infinite());
        is_fit.then_some(Self { values, n_features })
    }

    /// Reads the digits of a model's metadata; none where they are no whole rows.
    // A function of its own in a small module, too: see `inference-wasm/predictor/src/lowered/trees/build.rs`.
    #[inline(never)]
    pub fn from_hex(text: &str, n_features: usize) -> Option<Self> {
        let is_hex = text.len().is_multiple_of(DIGITS) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex || text.len() / DIGITS > MAX_BACKGROUND_ROWS.saturating_mul(n_features) {
            return None;
        }
        let number = |digits: &[u8]| f32::from_bits(digits.iter().fold(0, |bits, digit| bits << 4 | nibble(*digit)));
        Self::new(text.as_bytes().chunks_exact(DIGITS).map(number).collect(), n_features)
    }

    /// The digits for a model's metadata.
    pub fn to_hex(&self) -> String {
        self.values.iter().map(|value| format!("{:08x}", value.to_bits())).collect()
    }

    /// Row-major `[n_rows, n_features]`.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// How many rows there are.
    pub fn n_rows(&self) -> usize {
        self.values.len().checked_div(self.n_features).unwrap_or(0)
    }

    /// The rows, in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.n_features.max(1))
    }
}

fn nibble(digit: u8) -> u32 {
    u32::from(if digit <= b'9' { digit - b'0' } else { (digit | 0x20) - b'a' + 10 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_background_survives_writing_and_reading() {
        let background = Background::new(vec![1.5, -1.0, f32::NAN, 3e38], 2).unwrap();
        let text = background.to_hex();
        assert_eq!(&text[..16], "3fc00000bf800000");
        let read = Background::from_hex(&text.to_uppercase(), 2).unwrap();
        assert_eq!(format!("{read:?}"), format!("{background:?}"));
        assert_eq!((read.n_rows(), read.rows().len()), (2, 2));
        assert_eq!(Background::from_hex("", 2).unwrap().n_rows(), 0);
    }

    #[test]
    fn half_rows_other_digits_and_too_many_rows_are_refused() {
        for text in ["3fc00000", "3fc00000bf80000", "3fc0000gbf800000", "3fc000éébf80000", "7f8000003fc00000"] {
            assert_eq!(Background::from_hex(text, 2), None, "{text}");
        }
        assert_eq!(Background::from_hex(&"3fc00000".repeat(2 * MAX_BACKGROUND_ROWS + 2), 2), None);
        assert_eq!(Background::new(vec![], 0), None);
    }
}
