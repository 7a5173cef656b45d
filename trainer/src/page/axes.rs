//! A scale of numbers: where a value lies, and which round numbers to write beside it.

/// A coordinate with one decimal, which keeps the page small.
pub(super) fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// Numbers from `low` to `high` laid out between two coordinates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    step: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// A scale that holds all values, widened to round numbers.
    pub(super) fn around(values: impl IntoIterator<Item = f64>, from: f64, to: f64) -> Self {
        let ends = |(low, high): (f64, f64), value: f64| (low.min(value), high.max(value));
        let (low, high) = values.into_iter().filter(|value| value.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), ends);
        let (low, high) = if low.is_finite() { (low, high) } else { (0.0, 1.0) };
        let high = if high > low { high } else { low + low.abs().max(0.1) * 0.1 };
        let step = nice_step((high - low) / 4.0);
        Self { low: (low / step).floor() * step, high: (high / step).ceil() * step, step, from, to }
    }

    /// From 0 to 1.
    pub(super) fn unit(from: f64, to: f64) -> Self {
        Self::to(1.0, from, to)
    }

    /// From 0 to an end.
    pub(super) fn to(end: f64, from: f64, to: f64) -> Self {
        Self { low: 0.0, high: end, step: end / 4.0, from, to }
    }

    /// Where a value lies.
    pub(super) fn at(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// The round numbers on it.
    pub(super) fn ticks(&self) -> impl Iterator<Item = f64> + '_ {
        let n_steps = ((self.high - self.low) / self.step).round() as usize;
        (0..=n_steps).map(|index| self.low + self.step * index as f64)
    }

    /// A tick with as many decimals as the steps need.
    pub(super) fn label(&self, tick: f64) -> String {
        let decimals = decimals(self.step);
        format!("{tick:.decimals$}")
    }

    /// A tick as per cent.
    pub(super) fn percent(&self, tick: f64) -> String {
        let (percent, decimals) = (tick * 100.0, decimals(self.step * 100.0));
        format!("{percent:.decimals$} %")
    }
}

/// Decimals that tell ticks of a step apart.
fn decimals(step: f64) -> usize {
    let decimals = (-step.log10()).ceil().max(0.0) as usize;
    let rest = (step * 10f64.powi(decimals as i32)).fract();
    decimals + usize::from(rest > 1e-6 && rest < 1.0 - 1e-6)
}

fn nice_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let nice = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|nice| nice * power >= rough * (1.0 - 1e-9));
    nice.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[f64], expect: &[&str]) {
        let scale = Scale::around(values.iter().copied(), 0.0, 100.0);
        assert_eq!(scale.ticks().map(|tick| scale.label(tick)).collect::<Vec<_>>(), expect);
    }

    #[test]
    fn ticks_are_round_numbers_around_the_values() {
        check(&[0.271, 0.289], &["0.270", "0.275", "0.280", "0.285", "0.290"]);
        check(&[0.0, 1.0], &["0.00", "0.25", "0.50", "0.75", "1.00"]);
        check(&[0.0, 37.0], &["0", "10", "20", "30", "40"]);
        check(&[5.0, 5.0], &["5.0", "5.2", "5.4", "5.6"]);
        check(&[], &["0.00", "0.25", "0.50", "0.75", "1.00"]);
    }

    #[test]
    fn a_value_lies_between_the_ends() {
        let scale = Scale::unit(100.0, 0.0);
        assert_eq!([scale.at(0.0), scale.at(0.25), scale.at(1.0)], [100.0, 75.0, 0.0]);
        assert_eq!([scale.percent(0.25), Scale::around([0.0, 0.01], 0.0, 9.0).percent(0.0025)], ["25 %", "0.25 %"]);
        assert_eq!([px(12.0), px(12.34)], ["12", "12.3"]);
    }
}
