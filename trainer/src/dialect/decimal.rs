//! Numbers with a comma before their fraction, as half of the world writes them: `1.234,5`.
//!
//! A comma may also stand between thousands (`1,234`), so a file is taken to use decimal commas only where some number cannot be read
//! otherwise, none must be, and the comma is not the separator.

use super::{Found, SAMPLE_ROWS};

/// Whether the fields of the first rows have decimal commas.
pub(super) fn is_comma(sample: &[u8], found: Found) -> bool {
    if found.separator == b',' {
        return false;
    }
    let mut reader = found.reader(sample);
    let records: Vec<csv::StringRecord> = reader.records().take(SAMPLE_ROWS).flatten().collect();
    let fields = || records.iter().flat_map(csv::StringRecord::iter).map(str::trim);
    let is_fraction = |field: &str| has_comma(field) && field.rsplit(',').next().is_some_and(|digits| digits.len() != 3);
    let n_commas = fields().filter(|&field| is_fraction(field)).count();
    let n_points = fields().filter(|&field| has_point(field)).count();
    n_commas > n_points && !fields().any(has_thousands_commas)
}

/// `12,5`, `-1.234,5`: digits, perhaps with points between thousands, one comma, digits.
pub(super) fn has_comma(field: &str) -> bool {
    let Some((whole, fraction)) = unsigned(field).split_once(',') else { return false };
    is_digits(fraction) && (is_digits(whole) || is_grouped(whole, '.'))
}

fn has_point(field: &str) -> bool {
    unsigned(field).split_once('.').is_some_and(|(whole, fraction)| is_digits(whole) && is_digits(fraction))
}

/// `1,234,567` or `1,234.5`.
fn has_thousands_commas(field: &str) -> bool {
    let (whole, fraction) = unsigned(field).split_once('.').unwrap_or((unsigned(field), ""));
    is_grouped(whole, ',') && (is_digits(fraction) || whole.matches(',').count() > 1)
}

fn unsigned(field: &str) -> &str {
    let field = field.trim();
    field.strip_prefix(['-', '+']).unwrap_or(field)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_grouped(text: &str, mark: char) -> bool {
    let mut groups = text.split(mark);
    let first = groups.next().is_some_and(|first| is_digits(first) && first.len() <= 3);
    first && text.contains(mark) && groups.all(|group| is_digits(group) && group.len() == 3)
}

#[cfg(test)]
mod tests {
    use super::super::Dialect;

    #[track_caller]
    fn check(text: &str, expect: bool) {
        assert_eq!(Dialect::default().complete(text.as_bytes()).unwrap().decimal_comma, expect, "{text}");
    }

    #[test]
    fn a_decimal_comma_is_found_where_nothing_else_fits() {
        check("a;b\n1,5;x\n2;y\n", true);
        check("a;b\n1.234,50;x\n-0,25;y\n", true);
        check("a;b\n1,234;x\n12,500;y\n", false);
        check("a\tb\n1,5\t1,234,567\n", false);
        check("a;b\n1.5;x, y\n2.5;3,1\n", false);
        check("a,b\n\"1,5\",x\n", false);
        check("a;b\n1;x\n", false);
    }

    #[test]
    fn only_numbers_are_changed() {
        let found = Dialect::default().complete(b"a;b\n1,5;x\n").unwrap();
        let plain = ["1,5", "-1.234,50", "12", "1.5", "a,5", "1,2,3", ",5"].map(|field| found.plain(field).into_owned());
        assert_eq!(plain, ["1.5", "-1234.50", "12", "1.5", "a,5", "1,2,3", ",5"]);
        let usual = Dialect::default().complete(b"a;b\n1.5;x\n").unwrap();
        assert_eq!(usual.plain("1,5"), "1,5");
    }
}
