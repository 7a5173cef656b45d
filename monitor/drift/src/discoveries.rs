//! False discoveries over columns and windows: how strictly the next window is judged, given what was found before.
//!
//! Each window is a batch of hypotheses, one a column, judged by Benjamini and Hochberg at a level of its own. Window t with n hypotheses gets
//! level α γₜ (n + R) / n, where R is what earlier windows found and the γ sum to 1. Of all verdicts on all windows, at
//! whatever time one looks, at most the share α is then wrong on average; while nothing ever changes, the chance of a single one is at most α. It holds
//! where columns of a window depend on each other positively, and takes windows for independent (they share the reference, which is the larger side as
//! a rule). A level follows from earlier windows alone, so a verdict is never taken back.
//!
//! γₜ ∝ ln(max(t, 2)) / (t exp √ln t) falls slowly: alone among 16 columns, a move must be 3.8 standard errors in the first window and 5.3 in the thousandth.
//! Where windows keep finding something, R grows with them and the level hardly falls.
//!
//! Sources: T. Zrnic, D. L. Jiang, A. Ramdas, M. I. Jordan, "The power of batching in multiple hypothesis testing", AISTATS 2020 (BatchPRDS); A. Javanmard and
//! A. Montanari, "Online rules for control of false discovery rate and false discovery exceedance", Ann. Statist. 46, 2018 (γ).

/// What makes the γ sum to 1.
const GAMMA_SCALE: f64 = 0.077_208_38;

/// What windows found so far, in time order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Discoveries {
    rate: f64,
    n_windows: u32,
    n_found: u64,
}

impl Discoveries {
    /// Before the first window; of all verdicts the share `rate` may be wrong, between 0 and 1.
    #[must_use]
    pub fn at_rate(rate: f64) -> Self {
        Discoveries { rate, n_windows: 0, n_found: 0 }
    }

    /// The level at which the next window's hypotheses are judged by Benjamini and Hochberg; 0 where it has none.
    #[must_use]
    pub fn level(&self, n_hypotheses: usize) -> f64 {
        let n = n_hypotheses as f64;
        if n_hypotheses == 0 { 0.0 } else { self.rate * gamma(f64::from(self.n_windows) + 1.0) * (n + self.n_found as f64) / n }
    }

    /// Adds a window that was judged at this level.
    pub fn add(&mut self, n_found: usize) {
        self.n_windows += 1;
        self.n_found += n_found as u64;
    }
}

fn gamma(t: f64) -> f64 {
    GAMMA_SCALE * t.max(2.0).ln() / (t * t.ln().sqrt().exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benjamini_hochberg;

    /// Numbers in [0, 1) by the splitmix64 generator.
    struct Dice(u64);

    impl Dice {
        fn throw(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    #[test]
    fn the_shares_sum_to_one_and_no_more() {
        let sum: f64 = (1..1_000_000).map(|t| gamma(f64::from(t))).sum();
        // The integral from there on: 2 scale exp(-u) (u³ + 3u² + 6u + 6), where u = √ln T.
        let u = 1e6f64.ln().sqrt();
        let rest = 2.0 * GAMMA_SCALE * (-u).exp() * (u.powi(3) + 3.0 * u * u + 6.0 * u + 6.0);
        assert!((0.95..=1.0).contains(&(sum + rest)), "{sum} and {rest}");
    }

    #[test]
    fn what_was_found_pays_for_what_comes() {
        let mut discoveries = Discoveries::at_rate(0.05);
        let first = discoveries.level(10);
        discoveries.add(0);
        let calm = discoveries.level(10);
        discoveries.add(10);
        assert!(first > calm && (first - 0.05 * 0.0535).abs() < 1e-5, "{first}, {calm}");
        assert!((discoveries.level(10) / (0.05 * gamma(3.0)) - 2.0).abs() < 1e-12);
        assert_eq!(discoveries.level(0), 0.0);
    }

    /// Mean share of wrong verdicts among all of a stream of 60 windows, of which every `every`-th has four columns of 16 that drifted.
    fn share_of_wrong(every: usize, level: impl Fn(&Discoveries) -> f64) -> f64 {
        const STREAMS: usize = 500;
        let mut dice = Dice(7);
        let mut stream = || {
            let mut discoveries = Discoveries::at_rate(RATE);
            let (mut wrong, mut found) = (0, 0);
            for window in 1..=60 {
                let drifted = |column: usize| window % every == 0 && column % 4 == 0;
                let p_values: Vec<f64> = (0..COLUMNS).map(|c| dice.throw() * if drifted(c) { 1e-6 } else { 1.0 }).collect();
                let threshold = benjamini_hochberg(&p_values, level(&discoveries));
                let taken: Vec<usize> = (0..COLUMNS).filter(|&column| p_values[column] <= threshold).collect();
                wrong += taken.iter().filter(|&&column| !drifted(column)).count();
                found += taken.len();
                discoveries.add(taken.len());
            }
            wrong as f64 / found.max(1) as f64
        };
        (0..STREAMS).map(|_| stream()).sum::<f64>() / STREAMS as f64
    }

    const RATE: f64 = 0.2;
    const COLUMNS: usize = 16;

    #[test]
    fn the_share_of_wrong_verdicts_stays_below_the_rate() {
        for every in [usize::MAX, 30, 10, 2, 1] {
            let share = share_of_wrong(every, |discoveries| discoveries.level(COLUMNS));
            assert!(share <= RATE, "{every}: {share}");
        }
    }

    #[test]
    fn windows_judged_one_by_one_at_the_rate_would_not_keep_it() {
        assert!(share_of_wrong(usize::MAX, |_| RATE) > 0.99);
        assert!(share_of_wrong(10, |_| RATE) > 1.2 * RATE);
    }
}
