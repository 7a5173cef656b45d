//! Prepared rows to the numbers that learners and the predictor take.

use std::collections::HashMap;

use chrono::NaiveDate;
use data_contract::{Column, ColumnKind, Contract, Moment, prepared_column};
use polars::prelude::*;
use trainer_estimators::{Data, FeatureKind, Matrix};

/// The feature rows of a frame, by the contract: numbers as they are and dates as days (NaN when missing), levels by index (-1 when missing or unseen).
pub(crate) fn features(frame: &DataFrame, contract: &Contract) -> anyhow::Result<Matrix> {
    let (n_rows, n_features) = (frame.height(), contract.n_features());
    let mut values = vec![0.0f32; n_rows * n_features];
    for (index, column) in contract.columns.iter().enumerate() {
        let encoded = encode(frame, column)?;
        values.iter_mut().skip(index).step_by(n_features).zip(encoded).for_each(|(place, value)| *place = value);
    }
    Ok(Matrix::new(n_rows, n_features, values)?)
}

/// The index of each row's class.
pub(crate) fn classes(frame: &DataFrame, contract: &Contract) -> anyhow::Result<Vec<u32>> {
    let index: HashMap<&str, u32> = contract.target.classes.iter().map(String::as_str).zip(0..).collect();
    let column = frame.column(&contract.target.name)?.str()?;
    let class = |text: Option<&str>| text.and_then(|text| index.get(text).copied());
    let classes: Option<Vec<u32>> = column.iter().map(class).collect();
    classes.ok_or_else(|| anyhow::anyhow!("column `{}` holds a value that is not a class", contract.target.name))
}

/// Labelled rows for a learner. A row counts as much as its own weight says, where rows have one, times the weight given.
pub(crate) fn data(frame: &DataFrame, contract: &Contract, weights: Option<Vec<f32>>) -> anyhow::Result<Data> {
    let kinds = contract.columns.iter().map(|column| kind_of(&column.kind)).collect();
    let classes = classes(frame, contract)?;
    let weights = weights_with_own(frame, weights)?;
    Ok(Data::new(features(frame, contract)?, kinds, classes, contract.target.classes.len(), weights)?)
}

/// The numbers of a prepared column, or its dates in days, without the missing ones; none of texts.
pub(crate) fn numbers(values: &polars::prelude::Column, column: &Column) -> PolarsResult<Option<Vec<f64>>> {
    Ok(match column.kind {
        ColumnKind::Numeric { .. } => Some(values.f64()?.iter().flatten().collect()),
        ColumnKind::Date { .. } => Some(moments(values.str()?).flatten().map(Moment::days).collect()),
        ColumnKind::Categorical { .. } => None,
    })
}

/// The date of each row, where they have one.
pub(crate) fn dates(frame: &DataFrame) -> PolarsResult<Vec<Option<NaiveDate>>> {
    Ok(frame.column(prepared_column::DATE)?.date()?.as_date_iter().collect())
}

/// How much each row counts by its own weight, where rows have one.
pub(crate) fn weights(frame: &DataFrame) -> anyhow::Result<Option<Vec<f32>>> {
    weights_with_own(frame, None)
}

/// What a column is to a learner.
pub(crate) fn kind_of(kind: &ColumnKind) -> FeatureKind {
    match kind {
        ColumnKind::Numeric { .. } => FeatureKind::Numeric,
        ColumnKind::Categorical { levels } => FeatureKind::Categorical { n_levels: levels.len() },
        ColumnKind::Date { time, .. } => FeatureKind::Date { has_time: *time },
    }
}

/// The moments of a prepared column, which holds them as texts.
pub(crate) fn moments(values: &StringChunked) -> impl Iterator<Item = Option<Moment>> + '_ {
    values.iter().map(|text| text.and_then(|text| text.parse().ok()))
}

/// The weight given times the own weight of each row, where rows have one.
pub(crate) fn weights_with_own(frame: &DataFrame, given: Option<Vec<f32>>) -> anyhow::Result<Option<Vec<f32>>> {
    let Ok(own) = frame.column(prepared_column::WEIGHT) else { return Ok(given) };
    let own = own.f64()?.iter().map(|weight| weight.unwrap_or(1.0) as f32);
    Ok(Some(match given {
        Some(given) => own.zip(given).map(|(own, given)| own * given).collect(),
        None => own.collect(),
    }))
}

fn encode(frame: &DataFrame, column: &Column) -> anyhow::Result<Vec<f32>> {
    let values = frame.column(&column.name)?;
    Ok(match &column.kind {
        ColumnKind::Numeric { .. } => values.f64()?.iter().map(|value| value.map_or(f32::NAN, |value| value as f32)).collect(),
        ColumnKind::Date { .. } => moments(values.str()?).map(|moment| moment.map_or(f32::NAN, Moment::feature)).collect(),
        ColumnKind::Categorical { levels } => {
            let index: HashMap<&str, f32> = levels.iter().enumerate().map(|(i, level)| (level.as_str(), i as f32)).collect();
            let level = |text: Option<&str>| text.and_then(|text| index.get(text).copied()).unwrap_or(-1.0);
            values.str()?.iter().map(level).collect()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::weights_with_own;
    use data_contract::prepared_column;
    use polars::prelude::{Column, DataFrame};

    #[track_caller]
    fn check(own: Option<[f64; 2]>, given: Option<[f32; 2]>, expect: Option<[f32; 2]>) {
        let mut columns = vec![Column::new("x".into(), [1.0, 2.0])];
        columns.extend(own.map(|own| Column::new(prepared_column::WEIGHT.into(), own)));
        let frame = DataFrame::new(2, columns).unwrap();
        let weights = weights_with_own(&frame, given.map(|given| given.to_vec())).unwrap();
        assert_eq!(weights, expect.map(|expect| expect.to_vec()));
    }

    #[test]
    fn weights_of_rows_and_weights_given_are_multiplied() {
        check(None, None, None);
        check(None, Some([2.0, 3.0]), Some([2.0, 3.0]));
        check(Some([0.0, 0.5]), None, Some([0.0, 0.5]));
        check(Some([0.0, 0.5]), Some([2.0, 3.0]), Some([0.0, 1.5]));
    }
}
