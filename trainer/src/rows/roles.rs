//! Columns with a role of their own: how much a row counts, and to whom it belongs.

use data_contract::{Dataset, prepared_column};
use polars::prelude::*;

use super::{Faults, is_missing};
use crate::frame::texts;

/// The prepared columns of the roles that the dataset gives; `find` finds a column of the file.
pub(super) fn check<'a>(
    dataset: &Dataset,
    find: impl Fn(&str) -> anyhow::Result<&'a Column>,
    faults: &mut Faults,
) -> anyhow::Result<Vec<Column>> {
    let mut columns = Vec::new();
    if let Some(name) = &dataset.weights {
        columns.push(weights(find(name)?, name, &dataset.missing, faults)?);
    }
    if let Some(name) = &dataset.split.group {
        columns.push(groups(find(name)?, &dataset.missing)?);
    }
    Ok(columns)
}

fn weights(column: &Column, name: &str, missing: &[String], faults: &mut Faults) -> anyhow::Result<Column> {
    let texts = texts(column)?;
    let weight = |(row, text): (usize, Option<&str>)| {
        let weight = parse_weight(text, missing);
        weight.map_err(|problem| faults.add(row, Some(name), problem)).ok()
    };
    let weights: Float64Chunked = texts.iter().enumerate().map(weight).collect();
    Ok(weights.with_name(prepared_column::WEIGHT.into()).into_column())
}

fn parse_weight(text: Option<&str>, missing: &[String]) -> Result<f64, String> {
    let Some(text) = text.map(str::trim).filter(|text| !is_missing(text, missing)) else {
        return Err("the weight is missing".into());
    };
    // Learners take weights in float32.
    let is_weight = |weight: &f64| *weight >= 0.0 && (*weight as f32).is_finite();
    let weight = text.parse::<f64>().ok().filter(is_weight);
    weight.ok_or_else(|| format!("`{text}` is not a weight, which is a finite number of at least 0"))
}

fn groups(column: &Column, missing: &[String]) -> anyhow::Result<Column> {
    let texts = texts(column)?;
    let known = |text: Option<&'_ str>| text.map(str::trim).filter(|text| !is_missing(text, missing)).map(str::to_owned);
    let groups: StringChunked = texts.iter().map(known).collect();
    Ok(groups.with_name(prepared_column::GROUP.into()).into_column())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<f64, &str>) {
        let missing = ["NA".to_owned()];
        assert_eq!(parse_weight(Some(text), &missing), expect.map_err(str::to_owned));
    }

    #[test]
    fn a_weight_is_a_finite_number_of_at_least_0() {
        check(" 2.5 ", Ok(2.5));
        check("0", Ok(0.0));
        check("NA", Err("the weight is missing"));
        check("-1", Err("`-1` is not a weight, which is a finite number of at least 0"));
        for text in ["inf", "1e39", "heavy", "NaN"] {
            check(text, Err(&format!("`{text}` is not a weight, which is a finite number of at least 0")));
        }
    }
}
