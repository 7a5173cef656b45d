//! Decisions to log-odds: `slope * decision + intercept`.
//!
//! Platt, 1999, with his smoothed targets; Newton's method with a line search as in Lin, Lin and Weng, "A note on Platt's probabilistic
//! outputs for support vector machines", 2007.

const MAX_STEPS: usize = 100;

/// Keeps the Hessian positive definite.
const RIDGE: f64 = 1e-12;

/// The slope, which is not negative, and the intercept, given decisions and for each whether it is positive and its weight. Where decisions
/// on rows held out point the wrong way, nothing was learned that holds: the slope is 0 then.
pub(super) fn fit(decisions: &[f64], rows: &[(bool, f64)]) -> (f64, f64) {
    match with_any_slope(decisions, rows) {
        (slope, _) if slope < 0.0 => with_any_slope(&vec![0.0; decisions.len()], rows),
        found => found,
    }
}

fn with_any_slope(decisions: &[f64], rows: &[(bool, f64)]) -> (f64, f64) {
    let weight = |positive: bool| -> f64 { rows.iter().filter(|row| row.0 == positive).map(|row| row.1).sum() };
    let (positive, negative) = (weight(true), weight(false));
    let (high, low) = ((positive + 1.0) / (positive + 2.0), 1.0 / (negative + 2.0));
    let target = |is_positive: bool| if is_positive { high } else { low };
    let loss = |slope: f64, intercept: f64| -> f64 {
        let of_row = |(f, (is_positive, weight)): (&f64, &(bool, f64))| {
            let logit = slope * f + intercept;
            weight * (softplus(logit) - target(*is_positive) * logit)
        };
        decisions.iter().zip(rows).map(of_row).sum()
    };
    let (mut slope, mut intercept) = (0.0, ((positive + 1.0) / (negative + 1.0)).ln());
    let mut best = loss(slope, intercept);
    for _ in 0..MAX_STEPS {
        let (mut g, mut h) = ([0.0; 2], [RIDGE, 0.0, RIDGE]);
        for (f, (is_positive, weight)) in decisions.iter().zip(rows) {
            let p = 1.0 / (1.0 + (-(slope * f + intercept)).exp());
            let (first, second) = (weight * (p - target(*is_positive)), weight * p * (1.0 - p));
            g = [g[0] + first * f, g[1] + first];
            h = [h[0] + second * f * f, h[1] + second * f, h[2] + second];
        }
        let determinant = h[0] * h[2] - h[1] * h[1];
        let step = [(h[2] * g[0] - h[1] * g[1]) / determinant, (h[0] * g[1] - h[1] * g[0]) / determinant];
        let Some((tried, share)) = descend(|share| loss(slope - share * step[0], intercept - share * step[1]), best) else {
            break;
        };
        (slope, intercept) = (slope - share * step[0], intercept - share * step[1]);
        let gained = best - tried;
        best = tried;
        if gained < 1e-10 * best.abs() {
            break;
        }
    }
    (slope, intercept)
}

/// The first share of a step that lowers the loss, with that loss.
fn descend(loss: impl Fn(f64) -> f64, best: f64) -> Option<(f64, f64)> {
    let shares = (0..30).map(|halvings| 0.5_f64.powi(halvings));
    shares.map(|share| (loss(share), share)).find(|(loss, _)| *loss < best)
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn the_log_odds_that_made_the_rows_are_found_again() {
        let mut random = Random::new(1);
        let decisions: Vec<f64> = (0..20_000).map(|_| 4.0 * random.unit() - 2.0).collect();
        let rows: Vec<(bool, f64)> =
            decisions.iter().map(|f| (random.unit() < 1.0 / (1.0 + (-(1.5 * f - 0.7)).exp()), 1.0)).collect();
        let (slope, intercept) = fit(&decisions, &rows);
        assert!((slope - 1.5).abs() < 0.08 && (intercept + 0.7).abs() < 0.06, "{slope} {intercept}");
    }

    #[test]
    fn decisions_that_point_the_wrong_way_leave_the_share_of_the_classes() {
        let rows = [(true, 1.0), (true, 1.0), (false, 1.0), (true, 1.0)];
        let (slope, intercept) = fit(&[-1.0, -2.0, 1.5, 0.5], &rows);
        let share = (3.0 * 4.0 / 5.0 + 1.0 / 3.0) / 4.0;
        assert!(slope == 0.0 && (intercept - f64::ln(share / (1.0 - share))).abs() < 1e-6, "{slope} {intercept}");
    }

    #[test]
    fn separated_rows_keep_finite_log_odds() {
        let (slope, intercept) = fit(&[-1.0, -1.0, 1.0, 1.0], &[(false, 1.0), (false, 1.0), (true, 1.0), (true, 1.0)]);
        assert!((slope - 3.0_f64.ln()).abs() < 1e-6 && intercept.abs() < 1e-6, "{slope} {intercept}");
    }
}
