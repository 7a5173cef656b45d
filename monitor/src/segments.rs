//! Segments: the same report of the rows that have one value of a column, or lie in one range of it.
//!
//! A segment is judged by its own reference: the rows of the segment among those that the version knew, and the probabilities that the
//! version gives to such rows. Levels that are rare, and so too few to judge, are left out.

use data_contract::{ColumnKind, Value, ValueCounts, log_column};
use serde::{Deserialize, Serialize};

use crate::counting::Dialect;
use crate::failure::Failure;
use crate::report_model::WindowReport;
use crate::versions::Version;

/// Levels that are told of, at most.
const MAX_LEVELS: usize = 8;
/// Ranges of a column of numbers.
const N_RANGES: u64 = 4;

/// The report by the values of one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct Segments {
    /// The column.
    pub(crate) column: String,
    /// One per level or range, the most frequent first, ranges in order.
    pub(crate) segments: Vec<SegmentReport>,
    /// Levels of the reference that are too rare to tell of.
    pub(crate) n_left_out: usize,
    /// Of which versions nothing is told by segments, and why.
    #[serde(default)]
    pub(crate) problems: Vec<String>,
}

/// What became of one segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct SegmentReport {
    /// The level or range.
    pub(crate) name: String,
    /// Its share of the reference of the newest version.
    pub(crate) reference_share: f64,
    /// One per window and version, oldest first; none of versions that knew no such row.
    pub(crate) windows: Vec<WindowReport>,
}

/// Rows with one value of a column, or in one range of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Segment {
    column: String,
    rows: Rows,
    /// Its share of the reference.
    pub(crate) share: f64,
}

#[derive(Clone, Debug, PartialEq)]
enum Rows {
    Level(String),
    /// From the one number up to below the other.
    Range(Option<f64>, Option<f64>),
}

impl Segment {
    /// The level, or the range as people write it.
    pub(crate) fn name(&self) -> String {
        match &self.rows {
            Rows::Level(level) => level.clone(),
            Rows::Range(None, Some(below)) => format!("below {below}"),
            Rows::Range(Some(from), None) => format!("{from} and above"),
            Rows::Range(Some(from), Some(below)) => format!("{from} to below {below}"),
            Rows::Range(None, None) => "all".to_owned(),
        }
    }

    /// What is true of its rows in the log.
    pub(crate) fn filter(&self, dialect: Dialect) -> String {
        let name = dialect.name(&log_column::feature(&self.column));
        let number = |sign: &str, value: &Option<f64>| value.map(|value| format!("{name} {sign} {value}"));
        match &self.rows {
            Rows::Level(level) => format!("{name} = {}", dialect.text(level)),
            Rows::Range(from, below) => {
                let ends: Vec<String> = [number(">=", from), number("<", below)].into_iter().flatten().collect();
                if ends.is_empty() { format!("{name} IS NOT NULL") } else { ends.join(" AND ") }
            }
        }
    }

    /// The column whose values tell.
    pub(crate) fn column(&self) -> &str {
        &self.column
    }

    /// Whether a row with this value of the column belongs to it.
    pub(crate) fn holds(&self, value: &Value, kind: &ColumnKind) -> bool {
        match (&self.rows, value) {
            (Rows::Level(level), Value::Level(_)) => value.to_json(kind) == level.as_str(),
            (Rows::Range(from, below), Value::Number(number)) => {
                from.is_none_or(|from| *number >= from) && below.is_none_or(|below| *number < below)
            }
            _ => false,
        }
    }
}

/// The segments of a column by a version's reference, and how many levels are left out.
pub(crate) fn segments(version: &Version, column: &str) -> Result<(Vec<Segment>, usize), Failure> {
    let names = || version.contract.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>().join(", ");
    let missing = || Failure::NoSegment { column: column.to_owned(), names: names() };
    let at = version.contract.columns.iter().position(|other| other.name == column).ok_or_else(missing)?;
    let segment = |rows: Rows, share: f64| Segment { column: column.to_owned(), rows, share };
    match &version.reference.columns[at].counts {
        ValueCounts::Categorical { levels, .. } => {
            let total: u64 = levels.values().sum();
            let ColumnKind::Categorical { levels: listed } = &version.contract.columns[at].kind else { return Err(missing()) };
            let mut frequent: Vec<(&String, u64)> =
                levels.iter().filter(|(level, _)| listed.contains(level)).map(|(level, n)| (level, *n)).collect();
            frequent.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
            let n_left_out = levels.len() - frequent.len().min(MAX_LEVELS);
            frequent.truncate(MAX_LEVELS);
            let of = |(level, n): (&String, u64)| segment(Rows::Level(level.clone()), n as f64 / total as f64);
            Ok((frequent.into_iter().map(of).collect(), n_left_out))
        }
        ValueCounts::Numeric { values, .. } if matches!(version.contract.columns[at].kind, ColumnKind::Numeric { .. }) => {
            Ok((ranges(values).into_iter().map(|(from, below, share)| segment(Rows::Range(from, below), share)).collect(), 0))
        }
        ValueCounts::Numeric { .. } => Err(Failure::DatesAreNoSegments { column: column.to_owned() }),
    }
}

/// Ranges of about equal weight, with their shares.
fn ranges(values: &[(f64, u64)]) -> Vec<(Option<f64>, Option<f64>, f64)> {
    let total: u64 = values.iter().map(|(_, n)| n).sum();
    let mut ranges = Vec::new();
    let (mut from, mut held, mut seen) = (None, 0, 0);
    for (at, (_, n)) in values.iter().enumerate() {
        (held, seen) = (held + n, seen + n);
        let next = values.get(at + 1).map(|(value, _)| *value);
        if next.is_none() || seen * N_RANGES >= total * (ranges.len() as u64 + 1) {
            ranges.push((from, next, held as f64 / total as f64));
            (from, held) = (next, 0);
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::tests::version_of;

    #[test]
    fn a_column_of_levels_has_one_segment_a_level_and_one_of_numbers_four_ranges() {
        let version = version_of(7);
        let named = |column: &str| -> Vec<(String, f64)> {
            segments(&version, column).unwrap().0.iter().map(|segment| (segment.name(), segment.share)).collect()
        };
        assert_eq!(named("plan"), [("basic".to_owned(), 0.75), ("plus".to_owned(), 0.25)]);
        let ages = named("age");
        assert_eq!(
            ages.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["below 30", "30 to below 40", "40 to below 50", "50 and above"]
        );
        assert!(ages.iter().all(|(_, share)| *share == 0.25));
        assert!(segments(&version, "job").unwrap_err().to_string().contains("`job`"));
    }

    #[test]
    fn a_range_is_written_and_held_alike() {
        let (found, _) = segments(&version_of(7), "age").unwrap();
        assert_eq!(found[1].filter(Dialect::Duckdb), "\"feature_age\" >= 30 AND \"feature_age\" < 40");
        let columns = &version_of(7).contract.columns;
        let holds = |value: Value| found.iter().filter(|segment| segment.holds(&value, &columns[0].kind)).count();
        assert_eq!((holds(Value::Number(30.0)), holds(Value::Number(-5.0)), holds(Value::Missing)), (1, 1, 0));
        let (plans, _) = segments(&version_of(7), "plan").unwrap();
        assert!(plans[1].holds(&Value::Level(1), &columns[1].kind) && !plans[1].holds(&Value::Level(0), &columns[1].kind));
    }

    #[test]
    fn columns_of_few_numbers_have_as_many_ranges() {
        assert_eq!(ranges(&[(1.0, 9)]), [(None, None, 1.0)]);
        assert_eq!(ranges(&[(1.0, 9), (2.0, 1)]), [(None, Some(2.0), 0.9), (Some(2.0), None, 0.1)]);
    }
}
