//! How long a search may take.

use std::str::FromStr;
use std::time::Duration;

/// How long a search may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Budget {
    /// So much time for all families together.
    Time(Duration),
    /// So many trials of each family, those of an earlier search included.
    Trials(usize),
}

impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c.is_whitespace());
        let unit = text[digits.len()..].trim();
        let refused = || format!("`{text}` is no budget; write a time as `60s`, `5m` or `1h`, or a number of trials as `40`");
        let number: f64 = digits.parse().ok().filter(|number: &f64| *number > 0.0 && number.is_finite()).ok_or_else(refused)?;
        let time = |secs: f64| Duration::try_from_secs_f64(number * secs).map(Self::Time).map_err(|_| refused());
        match unit {
            "s" => time(1.0),
            "m" | "min" => time(60.0),
            "h" => time(3600.0),
            "" | "trials" if number.fract() == 0.0 => Ok(Self::Trials(number as usize)),
            _ => Err(refused()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_trials_are_told_apart() {
        let secs = |secs| Ok(Budget::Time(Duration::from_secs(secs)));
        assert_eq!("60s".parse(), secs(60));
        assert_eq!("1.5 m".parse(), secs(90));
        assert_eq!("2h".parse(), secs(7200));
        assert_eq!("40".parse(), Ok(Budget::Trials(40)));
        assert_eq!("40 trials".parse(), Ok(Budget::Trials(40)));
        for wrong in ["", "s", "-3s", "0", "3.5", "60 days", "1e300h", "NaN"] {
            assert!(wrong.parse::<Budget>().unwrap_err().contains("`60s`"), "{wrong}");
        }
    }
}
