//! Reading a CSV file row by row, so that a bad row is known by its line.

use std::path::Path;

use anyhow::Context;
use polars::prelude::*;

use crate::dialect::Dialect;
use crate::failure::{Hint, failure};
use crate::frame::Table;

/// Reads a CSV file with a header line into text columns; rows of another width are kept as broken.
pub(crate) fn read(path: &Path, dialect: Dialect) -> anyhow::Result<Table> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    parse(&file, &bytes, dialect)
}

fn parse(file: &str, bytes: &[u8], dialect: Dialect) -> anyhow::Result<Table> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(failure(format!("{file} is empty"), "it should hold a header line and one line per row"));
    }
    let found = dialect.complete(bytes)?;
    let mut reader = found.reader(bytes);
    let names = header(file, &mut reader)?;
    let read: Vec<usize> = (0..names.len()).filter(|index| is_read(&names, *index)).collect();
    let mut columns: Vec<_> = read.iter().map(|index| StringChunkedBuilder::new(names[*index].as_str().into(), 1024)).collect();
    let mut table = Table::new(file, DataFrame::empty());
    table.dialect = Some(found);
    let mut record = csv::ByteRecord::new();
    let mut ends_open = false;
    while reader.read_byte_record(&mut record).with_context(|| format!("cannot read {file}"))? {
        table.broken.extend(problem(&record, names.len()).map(|problem| (table.lines.len(), problem)));
        table.lines.push(record.position().map_or(0, csv::Position::line));
        ends_open = record.iter().next_back().is_some_and(|field| field.contains(&b'\n'));
        for (index, column) in read.iter().zip(&mut columns) {
            let field = record.get(*index).and_then(|field| std::str::from_utf8(field).ok());
            column.append_option(field.map(|field| found.plain(field)));
        }
    }
    if ends_open && !found.closes(bytes) {
        table.broken.push((table.lines.len() - 1, "a quote is left open from here to the end of the file".into()));
    }
    table.frame = DataFrame::new(table.lines.len(), columns.into_iter().map(|c| c.finish().into_column()).collect())?;
    Ok(table)
}

fn header(file: &str, reader: &mut csv::Reader<&[u8]>) -> anyhow::Result<Vec<String>> {
    let header =
        reader.headers().with_context(|| format!("cannot read the header line of {file}")).hint("is it a CSV file in UTF-8?")?;
    let names: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    let mut seen = std::collections::BTreeSet::new();
    match names.iter().find(|name| !name.is_empty() && !seen.insert(name.as_str())) {
        Some(twice) => Err(failure(format!("{file} has two columns named `{twice}`"), "rename one of them")),
        None => Ok(names),
    }
}

/// Of the columns without a name, which come of separators at the end of every line, one is enough.
fn is_read(names: &[String], index: usize) -> bool {
    !names[index].is_empty() || names[..index].iter().all(|name| !name.is_empty())
}

fn problem(record: &csv::ByteRecord, n_columns: usize) -> Option<String> {
    if record.len() != n_columns {
        let open = record.iter().any(|field| field.contains(&b'\n'));
        let advice = if open { "; is a quote left open?" } else { "" };
        return Some(format!("{} fields, the header has {n_columns}{advice}", record.len()));
    }
    record.iter().any(|field| std::str::from_utf8(field).is_err()).then(|| "a field is not UTF-8 text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_another_width_are_broken() {
        let table = parse("a.csv", b"\xef\xbb\xbfa;b\n1;\"x\ny\"\n2\n3;z\n4;5;6\n", Dialect::default()).unwrap();
        assert_eq!((table.frame.height(), table.lines.as_slice()), (4, &[2, 4, 5, 6][..]));
        let broken: Vec<_> = table.broken.iter().map(|(row, problem)| (*row, problem.as_str())).collect();
        assert_eq!(broken, [(1, "1 fields, the header has 2"), (3, "3 fields, the header has 2")]);
    }

    #[test]
    fn a_quote_that_is_left_open_is_seen() {
        let broken = |bytes| parse("a.csv", bytes, Dialect::default()).unwrap().broken;
        assert_eq!(broken(b"a,b\n1,x\n2,\"y\n3\"\n"), []);
        let open = "a quote is left open from here to the end of the file".to_owned();
        assert_eq!(broken(b"a,b\n1,x\n2,\"y\n3,z\n4,5\n"), [(1, open)]);
        assert_eq!(broken(b"a,b\n1,x\n\"2,y\n3,z\n")[0], (1, "1 fields, the header has 2; is a quote left open?".to_owned()));
    }

    #[test]
    fn columns_without_a_name_do_not_stand_in_the_way() {
        let table = parse("a.csv", b"a,b,,\r\n1,2,,\r\n3,4,x,y\r\n", Dialect::default()).unwrap();
        let names: Vec<&str> = table.frame.columns().iter().map(|column| column.name().as_str()).collect();
        assert_eq!((names, table.broken.len()), (vec!["a", "b", ""], 0));
    }

    #[test]
    fn names_that_differ_in_case_only_are_two_names() {
        assert_eq!(parse("a.csv", b"a,A\n1,2\n", Dialect::default()).unwrap().frame.width(), 2);
    }

    #[test]
    fn a_file_that_is_no_table_is_an_error() {
        let error = |bytes| parse("a.csv", bytes, Dialect::default()).unwrap_err().to_string();
        assert_eq!(error(b" \n"), "a.csv is empty");
        assert_eq!(error(b"a,a\n1,2\n"), "a.csv has two columns named `a`");
    }
}
