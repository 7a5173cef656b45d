//! Which share of the traffic a request falls into: by the hash of its id, so that a repeated request meets the same model.

/// What the request is shared out for; each purpose shares out independently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Which model answers, or is asked as well.
    Model,
    /// Whether a prediction is logged.
    Log,
}

/// Whether an id falls into a share of the traffic, from 0 (none) to 1 (all).
pub(crate) fn falls_into(id: &str, purpose: Purpose, share: f64) -> bool {
    if share >= 1.0 {
        return true;
    }
    // The upper 53 bits are a fraction from 0 to 1, exactly.
    ((hash(id, purpose) >> 11) as f64) / ((1u64 << 53) as f64) < share
}

/// FNV-1a, mixed by the finalizer of MurmurHash3, as FNV's upper bits hardly differ between short ids that end alike.
fn hash(id: &str, purpose: Purpose) -> u64 {
    let start = match purpose {
        Purpose::Model => 0xcbf2_9ce4_8422_2325,
        Purpose::Log => 0x9e37_79b9_7f4a_7c15,
    };
    let hash = id.bytes().fold(start, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(share: f64) {
        let n = 20_000;
        let inside = (0..n).filter(|id| falls_into(&format!("request-{id}"), Purpose::Model, share)).count() as f64;
        let deviation = (f64::from(n) * share * (1.0 - share)).sqrt();
        assert!((inside - f64::from(n) * share).abs() <= 4.0 * deviation, "{inside} of {n} for {share}");
    }

    #[test]
    fn a_share_is_met() {
        [0.0, 0.01, 0.1, 0.5, 0.9, 1.0].into_iter().for_each(check);
    }

    #[test]
    fn a_larger_share_holds_the_smaller_one() {
        let ids = (0..1000).map(|id| format!("{id}"));
        assert!(ids.filter(|id| falls_into(id, Purpose::Model, 0.1)).all(|id| falls_into(&id, Purpose::Model, 0.2)));
    }

    #[test]
    fn purposes_do_not_depend_on_one_another() {
        let ids: Vec<String> = (0..10_000).map(|id| format!("{id}")).collect();
        let both = ids.iter().filter(|id| falls_into(id, Purpose::Model, 0.5) && falls_into(id, Purpose::Log, 0.5)).count();
        assert!((2300..2700).contains(&both), "{both}");
    }
}
