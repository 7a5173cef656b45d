//! The exponential function of many numbers that are not above 0, in a form that compilers turn into vector instructions.
//!
//! `exp(x) = 2^n exp(r)` with `n` the whole number nearest to `x / ln 2` and r within ±0.35, where the power series up to `r^13 / 13!` is
//! within half a unit in the last place of 1. Source: W. J. Cody and W. Waite, "Software Manual for the Elementary Functions", 1980.

/// Below, the result counts for 0.
const LEAST: f64 = -708.0;
/// Adding it to a small number leaves the nearest whole number in the lowest bits.
const ROUNDING: f64 = 6_755_399_441_055_744.0;
/// The upper bits of ln 2, whose products with whole numbers are exact, and the rest of it.
const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
/// `1 / k!` from `k = 13` down to 0.
const SERIES: [f64; 14] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
    1.0,
    1.0,
];

/// Replaces every number by its exponential. Numbers are at most 0, or not a number.
pub(crate) fn exp_all(values: &mut [f64]) {
    values.iter_mut().for_each(|value| *value = exp(*value));
}

fn exp(value: f64) -> f64 {
    // A comparison that does not hold keeps what is not a number.
    let bounded = if value < LEAST { LEAST } else { value };
    let shifted = bounded * std::f64::consts::LOG2_E + ROUNDING;
    let whole = shifted - ROUNDING;
    let rest = bounded - whole * LN_2[0] - whole * LN_2[1];
    let series = SERIES.iter().fold(0.0, |sum, factor| sum * rest + factor);
    let power = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1.0_f64.to_bits()));
    if value < LEAST { 0.0 } else { series * power }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_exponential_function() {
        for step in 0..200_000 {
            let value = -f64::from(step) * 0.003_7;
            let expected = if value < LEAST { 0.0 } else { value.exp() };
            let error = (exp(value) - expected).abs();
            assert!(error <= 2.0 * f64::EPSILON * expected, "{value}: {} {expected}", exp(value));
        }
        assert_eq!((exp(0.0), exp(f64::NEG_INFINITY), exp(-1e300)), (1.0, 0.0, 0.0));
        assert!(exp(f64::NAN).is_nan());
    }
}
