//! How much of a class is found in the tenth of the rows that it is likeliest for.

use super::ranking::{Ranked, descending_ties, totals};

/// The share of all positive rows among the likeliest tenth; rows of equal probability count by their share. None without positive rows.
pub(super) fn recall_at_top_10(rows: &[Ranked]) -> Option<f64> {
    let ties = descending_ties(rows);
    let total = totals(&ties);
    let mut room = (total.positives + total.negatives) / 10.0;
    let mut found = 0.0;
    for tie in &ties {
        let size = tie.positives + tie.negatives;
        let taken = (room / size).min(1.0);
        found += tie.positives * taken;
        room -= size * taken;
        if room <= 0.0 {
            break;
        }
    }
    (total.positives > 0.0).then(|| found / total.positives)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(probability: f32, positive: bool) -> Ranked {
        Ranked { probability, positive, weight: 1.0 }
    }

    #[test]
    fn ties_count_by_their_share() {
        let rows = |probability: f32| (0..20).map(|at| row(probability * at as f32, at >= 15)).collect::<Vec<_>>();
        assert_eq!(recall_at_top_10(&rows(0.05)), Some(0.4));
        assert_eq!(recall_at_top_10(&rows(0.0)), Some(0.1));
        assert_eq!(recall_at_top_10(&[row(0.5, false)]), None);
    }
}
