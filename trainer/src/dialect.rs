//! How a CSV file is written: the separator of its fields, what is put around a field that holds one, and the sign before a fraction.
//!
//! Files from anywhere use commas, semicolons, tabs or bars. The right one is the one by which the first rows all have the width of the
//! header; looking at the header alone goes wrong where a name holds another separator.

mod decimal;

use std::borrow::Cow;

use anyhow::Context;
use data_contract::Source;

const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// How much of a file is looked at.
const SAMPLE_BYTES: usize = 256 << 10;
const SAMPLE_ROWS: usize = 200;

/// A separator, a quote and a sign before fractions; what is none is found out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dialect {
    separator: Option<char>,
    quote: Option<char>,
    decimal: Option<char>,
}

/// A separator, a quote and a sign before fractions that were given or found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    separator: u8,
    quote: u8,
    decimal_comma: bool,
}

impl Dialect {
    /// What a dataset says about its source.
    pub(crate) fn of(source: &Source) -> Self {
        Self { separator: source.separator, quote: source.quote, decimal: source.decimal }
    }

    /// Of another file with the same columns: what it writes before a fraction is the dataset's, the rest is found out.
    pub(crate) fn of_another_file(source: &Source) -> Self {
        Self { decimal: source.decimal, ..Self::default() }
    }

    /// Finds out what is not given.
    pub(crate) fn complete(self, bytes: &[u8]) -> anyhow::Result<Found> {
        let ascii = |sign: char| u8::try_from(sign).context("a separator or quote is not an ASCII character");
        let sample = sample(bytes);
        let quote = self.quote.map(ascii).transpose()?.unwrap_or_else(|| find_quote(sample));
        let separator = self.separator.map(ascii).transpose()?.unwrap_or_else(|| find_separator(sample, quote));
        let found = Found { separator, quote, decimal_comma: false };
        let decimal_comma = self.decimal.map_or_else(|| decimal::is_comma(sample, found), |sign| sign == ',');
        Ok(Found { decimal_comma, ..found })
    }
}

impl Found {
    /// A reader of a file's bytes.
    pub(crate) fn reader(self, bytes: &[u8]) -> csv::Reader<&[u8]> {
        csv::ReaderBuilder::new().delimiter(self.separator).quote(self.quote).flexible(true).from_reader(bytes)
    }

    /// A field with a point before its fraction, as numbers are read everywhere else.
    pub(crate) fn plain(self, field: &str) -> Cow<'_, str> {
        match self.decimal_comma && decimal::has_comma(field) {
            true => field.replace('.', "").replace(',', ".").into(),
            false => field.into(),
        }
    }

    /// Whether the last field of a file that ends in a quoted one is closed.
    pub(crate) fn closes(self, bytes: &[u8]) -> bool {
        bytes.trim_ascii_end().last() == Some(&self.quote)
    }

    /// Writes it into a dataset's source; what is usual is not worth a line.
    pub(crate) fn note(self, source: &mut Source) {
        source.separator = Some(self.separator.into());
        source.quote = (self.quote != b'"').then(|| self.quote.into());
        source.decimal = self.decimal_comma.then_some(',');
    }
}

/// The first lines, whole ones if there is more than one.
fn sample(bytes: &[u8]) -> &[u8] {
    let start = &bytes[..bytes.len().min(SAMPLE_BYTES)];
    let end = start.iter().rposition(|byte| *byte == b'\n').filter(|_| start.len() < bytes.len());
    end.map_or(start, |end| &start[..end])
}

/// The double quote, unless fields begin and end with single ones as often, and none with a double one.
fn find_quote(sample: &[u8]) -> u8 {
    let is_edge = |byte: Option<&u8>| byte.is_none_or(|byte| SEPARATORS.contains(byte) || matches!(byte, b'\n' | b'\r'));
    let count = |quote: u8| {
        let places = (0..sample.len()).filter(|at| sample[*at] == quote);
        places.fold((0, 0), |(opens, closes), at| {
            let opens_here = is_edge(at.checked_sub(1).map(|before| &sample[before]));
            (opens + usize::from(opens_here), closes + usize::from(is_edge(sample.get(at + 1))))
        })
    };
    let (opens, closes) = count(b'\'');
    if opens > 0 && opens == closes && count(b'"').0 == 0 { b'\'' } else { b'"' }
}

fn find_separator(sample: &[u8], quote: u8) -> u8 {
    let mut best = (0.0, b',');
    for separator in SEPARATORS {
        let worth = worth(sample, Found { separator, quote, decimal_comma: false });
        if worth > best.0 {
            best = (worth, separator);
        }
    }
    best.1
}

/// The share of rows as wide as the header, times the root of that width; nothing for a table of one column.
fn worth(sample: &[u8], found: Found) -> f64 {
    let mut reader = found.reader(sample);
    let Ok(width) = reader.byte_headers().map(csv::ByteRecord::len) else { return 0.0 };
    let widths: Vec<usize> = reader.byte_records().take(SAMPLE_ROWS).flatten().map(|record| record.len()).collect();
    let fitting = widths.iter().filter(|other| **other == width).count();
    let share = if widths.is_empty() { 1.0 } else { fitting as f64 / widths.len() as f64 };
    if width > 1 { share * (width as f64).sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, separator: char, quote: char) {
        let found = Dialect::default().complete(text.as_bytes()).unwrap();
        assert_eq!((char::from(found.separator), char::from(found.quote)), (separator, quote), "{text:?}");
    }

    #[test]
    fn each_separator_is_found() {
        check("a,b\n1,2\n", ',', '"');
        check("a;b\n1,5;2,5\n", ';', '"');
        check("a\tb\r\nx y\tz, w\r\n", '\t', '"');
        check("a|b|c\n1|2|3\n", '|', '"');
        check("a\n1\n", ',', '"');
        check("a;b", ';', '"');
    }

    #[test]
    fn a_separator_inside_names_or_fields_does_not_mislead() {
        check("\"size, weight, age\";b\n1;2\n", ';', '"');
        check("size, weight, age;b\n1;2\n3;4\n", ';', '"');
        check("a,b\n\"x;y;z\",\"1\n;;;\"\n", ',', '"');
        check("when;note\n1;a, b, c, d\n2;e\n", ';', '"');
    }

    #[test]
    fn single_quotes_are_quotes_only_where_they_enclose_fields() {
        check("a,b\n'x,y',1\n'z',2\n", ',', '\'');
        check("a,b\nO'Brien,1\n'tis,2\n", ',', '"');
        check("a,b\n\"'x'\",1\n", ',', '"');
    }

    #[test]
    fn what_is_given_is_taken() {
        let given = Dialect { separator: Some(';'), quote: Some('\''), decimal: Some(',') };
        assert_eq!(given.complete(b"a,b\n1,2\n").unwrap(), Found { separator: b';', quote: b'\'', decimal_comma: true });
        assert!(Dialect { separator: Some('→'), ..Dialect::default() }.complete(b"a").is_err());
    }
}
