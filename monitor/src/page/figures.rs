//! Numbers as people read them.

/// Two significant places of a distance or p-value: `0.53`, `0.014`, `12`.
pub(crate) fn distance(value: f64) -> String {
    match value {
        value if value == 0.0 || (0.1..10.0).contains(&value) => format!("{value:.2}"),
        value if value >= 10.0 => format!("{value:.0}"),
        value if value < 0.0005 => "<0.001".into(),
        value => format!("{value:.3}"),
    }
}

/// A p-value: `0.31`, `0.0004`, `2e-12`.
pub(crate) fn p_value(value: f64) -> String {
    match value {
        value if value < 1e-99 => "<1e-99".into(),
        value if value < 0.0001 => format!("{value:.0e}"),
        value if value < 0.01 => format!("{value:.4}"),
        value => format!("{value:.2}"),
    }
}

/// A share as per cent.
pub(crate) fn percent(value: f64) -> String {
    let percent = value * 100.0;
    match percent {
        percent if percent == 0.0 || percent >= 99.95 => format!("{percent:.0} %"),
        percent if percent < 0.1 => "<0.1 %".into(),
        percent => format!("{percent:.1} %"),
    }
}

/// A metric to three places; a dash where there is none.
pub(crate) fn metric(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{value:.3}"))
}

/// A difference with its sign, to three places: `+0.012`; `0.000` has none.
pub(crate) fn signed(value: f64) -> String {
    let size = format!("{:.3}", value.abs());
    match value {
        _ if size == "0.000" => size,
        value if value < 0.0 => format!("−{size}"),
        _ => format!("+{size}"),
    }
}

/// A count with thin spaces between thousands.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).expect("digits")).collect();
    groups.join("\u{202f}")
}

/// `1 month`, `18 months`.
pub(crate) fn plural(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            [distance(0.5301), distance(0.0142), distance(0.00001), distance(0.0), distance(12.4)],
            ["0.53", "0.014", "<0.001", "0.00", "12"]
        );
        assert_eq!([percent(0.0), percent(0.1234), percent(1.0), percent(0.0001)], ["0 %", "12.3 %", "100 %", "<0.1 %"]);
        assert_eq!([p_value(0.312), p_value(0.00042), p_value(2e-12), p_value(0.0)], ["0.31", "0.0004", "2e-12", "<1e-99"]);
        assert_eq!([count(7), count(1234), count(1234567)], ["7", "1\u{202f}234", "1\u{202f}234\u{202f}567"]);
        assert_eq!([signed(0.0123), signed(-0.5), signed(-0.0004)], ["+0.012", "−0.500", "0.000"]);
        assert_eq!((plural(1, "month"), plural(2, "month")), ("1 month".into(), "2 months".into()));
    }
}
