//! How far a column's reference drifts within itself: what is usual there is no news in a window.
//!
//! The reference, in time order, is cut into chunks. Each is held against the others; where they differ for sure, its distance from the
//! whole counts, and the largest is the column's own drift. A window that is no further from the reference than this looks like something
//! that the reference has seen. Rows without an order give chunks that differ by chance only, and no drift of their own.
//!
//! Both effects are distances between shares, so one from the whole is that from the others times the others' share.
//! The idea is NannyML's, whose thresholds follow from the chunks of its reference period; theirs are three standard deviations from the
//! mean over chunks, chance among small ones included.

use crate::{Counts, Error, Shift};

/// The chance that any chunk of a column that does not drift is said to differ.
const LEVEL: f64 = 0.005;

/// The largest effect that a chunk shows against the whole, by `compare` ([`crate::shift`], [`crate::distance_shift`]); 0 where none differs for sure.
///
/// # Errors
/// [`Error::Kinds`] when chunks differ in kind, and those of `compare`.
pub fn own_drift(chunks: &[Counts], compare: impl Fn(&Counts, &Counts) -> Result<Shift, Error>) -> Result<f64, Error> {
    let mut largest: f64 = 0.0;
    for (at, chunk) in chunks.iter().enumerate() {
        let Some(others) = merged(chunks[..at].iter().chain(&chunks[at + 1..]))? else { break };
        let Shift { p_value, effect } = compare(&others, chunk)?;
        let share = others.n_rows() as f64 / (others.n_rows() + chunk.n_rows()).max(1) as f64;
        if p_value * chunks.len() as f64 <= LEVEL {
            largest = largest.max(effect * share);
        }
    }
    Ok(largest)
}

fn merged<'a>(mut chunks: impl Iterator<Item = &'a Counts>) -> Result<Option<Counts>, Error> {
    let Some(mut whole) = chunks.next().cloned() else { return Ok(None) };
    chunks.try_for_each(|chunk| whole.merge(chunk))?;
    Ok(Some(whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CategoricalCounts, NumericCounts, distance_shift, shift};

    fn plans(n_basic: u64) -> Counts {
        CategoricalCounts::from_pairs([("basic", n_basic), ("plus", 1000 - n_basic)]).into()
    }

    #[test]
    fn chunks_alike_have_no_drift() {
        assert_eq!(own_drift(&[plans(500), plans(520), plans(490), plans(505)], shift), Ok(0.0));
        assert_eq!(own_drift(&[plans(500)], shift), Ok(0.0));
        assert_eq!(own_drift(&[], shift), Ok(0.0));
    }

    #[test]
    fn the_drift_is_that_of_the_chunk_furthest_from_the_whole() {
        // The whole has 0.55, the last chunk 0.7: w² = 2 (0.15² / 1.25 + 0.15² / 0.75) = 0.096.
        let found = own_drift(&[plans(500), plans(500), plans(500), plans(700)], shift).unwrap();
        assert!((found - 0.31).abs() < 0.01, "{found}");
    }

    #[test]
    fn numbers_drift_by_their_distance() {
        let ages = |from: u32| Counts::from(NumericCounts::from_values((0..1000).map(|age| f64::from(from + age))));
        let found = own_drift(&[ages(0), ages(0), ages(0), ages(500)], distance_shift).unwrap();
        assert!((found - 375.0 / 288.7).abs() < 0.02, "{found}");
    }
}
