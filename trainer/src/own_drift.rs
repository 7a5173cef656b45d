//! How far the reference's rows drifted among themselves, when they are in time order: what the monitor takes for usual.

use chrono::NaiveDate;
use data_contract::{Column, Contract, OwnDrift};
use monitor_drift::{CategoricalCounts, Counts, NumericCounts, distance_shift, own_drift, shift};
use polars::prelude::*;

use crate::encode;

/// Rows of a chunk, at least: fewer differ by chance.
const LEAST_ROWS: usize = 500;
/// Fewer chunks than this tell nothing of what is usual.
const LEAST_CHUNKS: usize = 3;
const MOST_CHUNKS: usize = 10;
/// Rows of a chunk that are counted, at most.
const COUNTED_ROWS: usize = 5_000;

/// Measures columns of rows, and probabilities of the followed class on others; none where there are too few of either, or nothing tells their order.
pub(crate) fn measure(
    rows: &DataFrame,
    contract: &Contract,
    followed: &[f64],
    followed_dates: &[Option<NaiveDate>],
) -> anyhow::Result<Option<OwnDrift>> {
    let (Some(of_rows), Some(of_followed)) = (chunks(&encode::dates(rows)?), chunks(followed_dates)) else { return Ok(None) };
    let of_column = |column: &Column| -> anyhow::Result<f64> {
        let values = rows.column(&column.name)?;
        let counted = of_rows.iter().map(|chunk| counts(&values.take_slice(chunk)?, column)).collect::<PolarsResult<Vec<_>>>()?;
        Ok(own_drift(&counted, shift)?)
    };
    let probabilities: Vec<Counts> = of_followed
        .iter()
        .map(|chunk| NumericCounts::from_values(chunk.iter().map(|&row| followed[row as usize])).into())
        .collect();
    Ok(Some(OwnDrift {
        columns: contract.columns.iter().map(of_column).collect::<anyhow::Result<_>>()?,
        prediction: own_drift(&probabilities, distance_shift)?,
    }))
}

/// Rows of consecutive times, in chunks of equal size, of which every so many-th row counts; none where these would be too few, and
/// where a row has no date or all have the same.
fn chunks(dates: &[Option<NaiveDate>]) -> Option<Vec<Vec<IdxSize>>> {
    let dates: Vec<NaiveDate> = dates.iter().copied().collect::<Option<_>>()?;
    let n = (dates.len() / LEAST_ROWS).min(MOST_CHUNKS);
    if n < LEAST_CHUNKS || dates.iter().min() == dates.iter().max() {
        return None;
    }
    let mut order: Vec<IdxSize> = (0..dates.len() as IdxSize).collect();
    order.sort_by_key(|row| dates[*row as usize]);
    let chunk = |at: usize| {
        let chunk = &order[at * order.len() / n..(at + 1) * order.len() / n];
        chunk.iter().copied().step_by(chunk.len().div_ceil(COUNTED_ROWS)).collect()
    };
    Some((0..n).map(chunk).collect())
}

fn counts(values: &polars::prelude::Column, column: &Column) -> PolarsResult<Counts> {
    Ok(match encode::numbers(values, column)? {
        Some(numbers) => NumericCounts::from_values(numbers).with_missing(values.null_count() as u64).into(),
        None => CategoricalCounts::from_values(values.str()?.iter().map(|text| Some(column.counted_as(text?)))).into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_contract::{ColumnKind, Target, prepared_column};

    /// Dates of rows, as many a day.
    fn days(n_rows: usize, a_day: usize) -> Vec<Option<NaiveDate>> {
        (0..n_rows).map(|row| NaiveDate::from_yo_opt(2020, 1 + (row / a_day) as u32)).collect()
    }

    #[track_caller]
    fn check(n_rows: usize, a_day: usize, expect: Option<&[usize]>) {
        let sizes = chunks(&days(n_rows, a_day)).map(|chunks| chunks.iter().map(Vec::len).collect::<Vec<_>>());
        assert_eq!(sizes.as_deref(), expect);
    }

    #[test]
    fn chunks_are_large_enough_and_cover_all_rows_up_to_a_limit() {
        check(1_499, 10, None);
        check(1_501, 10, Some(&[500, 500, 501]));
        check(10_000, 1_000, Some(&[1_000; 10]));
        check(250_000, 10_000, Some(&[5_000; 10]));
    }

    #[test]
    fn without_an_order_there_are_no_chunks() {
        check(2_000, 2_000, None);
        assert_eq!(chunks(&vec![None; 2_000]), None);
    }

    #[test]
    fn chunks_follow_the_dates_and_not_the_rows() {
        let mut dates = days(1_500, 500);
        dates.reverse();
        assert_eq!(chunks(&dates).unwrap()[0], (1_000..1_500).collect::<Vec<IdxSize>>());
    }

    #[test]
    fn a_column_that_moved_on_drifts_and_one_that_did_not_does_not() {
        let dates = DateChunked::from_naive_date_options(prepared_column::DATE.into(), days(1_500, 500)).into_column();
        let ages: Vec<f64> = (0..1_500).map(|row| f64::from(row % 500 + 1_000 * (row / 1_000))).collect();
        let plans: Vec<&str> = (0..1_500).map(|row| if row % 2 == 0 { "basic" } else { "plus" }).collect();
        let columns =
            vec![dates, polars::prelude::Column::new("age".into(), ages), polars::prelude::Column::new("plan".into(), plans)];
        let column = |name: &str, kind| Column::new(name, kind);
        let contract = Contract {
            format: 1,
            dataset: "churn".into(),
            columns: vec![
                column("age", ColumnKind::Numeric { integer: true, minimum: 0.0, maximum: 1_500.0, median: 250.0 }),
                column("plan", ColumnKind::Categorical { levels: vec!["basic".into(), "plus".into()] }),
            ],
            target: Target { name: "churn".into(), classes: vec!["no".into(), "yes".into()], positive: Some(1) },
            missing_tokens: vec![],
        };
        let followed: Vec<f64> = (0..1_500).map(|row| f64::from(row % 100) / 100.0).collect();
        let rows = DataFrame::new(1_500, columns).unwrap();
        let own = measure(&rows, &contract, &followed, &days(1_500, 500)).unwrap().unwrap();
        assert!(own.columns[0] > 0.5 && own.columns[1] == 0.0 && own.prediction == 0.0, "{own:?}");
    }
}
