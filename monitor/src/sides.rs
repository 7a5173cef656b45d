//! The two sides of a comparison: a version's reference counts, and values counted in the log.

use data_contract::{ColumnKind, ValueCounts};
use monitor_drift::{CategoricalCounts, Counts, NumericCounts};

use crate::grid::Grid;

/// Reference counts as the statistics take them: by the same cells as a window's, where those are counted by cells.
pub(crate) fn reference(counts: &ValueCounts) -> Counts {
    match counts {
        ValueCounts::Numeric { integer, n_missing, values, .. } => {
            let numbers = NumericCounts::from_pairs(values.iter().copied()).with_missing(*n_missing);
            match Grid::of(counts) {
                Some(grid) => grid.coarsen(&numbers).into(),
                None if *integer => numbers.of_integers().into(),
                None => numbers.into(),
            }
        }
        ValueCounts::Categorical { n_missing, levels } => {
            let pairs = levels.iter().map(|(level, n)| (level.clone(), *n));
            CategoricalCounts::from_pairs(pairs).with_missing(*n_missing).into()
        }
    }
}

/// Counts as a reference holds them.
pub(crate) fn value_counts(counts: &Counts) -> ValueCounts {
    match counts {
        Counts::Numeric(numbers) => ValueCounts::Numeric {
            integer: numbers.integer(),
            exact: true,
            n_missing: numbers.n_missing(),
            values: numbers.pairs().to_vec(),
        },
        Counts::Categorical(levels) => {
            ValueCounts::Categorical { n_missing: levels.n_missing(), levels: levels.levels().clone() }
        }
    }
}

/// The same counts, by the cells of a grid where there is one.
pub(crate) fn by_cells(counts: Counts, grid: Option<Grid>) -> Counts {
    match (counts, grid) {
        (Counts::Numeric(numbers), Some(grid)) => grid.coarsen(&numbers).into(),
        (counts, _) => counts,
    }
}

/// Counts of one column, gathered value by value.
#[derive(Debug)]
pub(crate) enum Gathering {
    /// Numbers; NaN is a missing one.
    Numbers(Vec<(f64, u64)>),
    /// Dates, which the log holds as texts, in days since 1970-01-01; NaN is a missing one.
    Dates(Vec<(f64, u64)>),
    /// Texts; none is a missing value.
    Texts(Vec<(Option<String>, u64)>),
}

impl Gathering {
    /// Nothing yet, of the kind of a column.
    pub(crate) fn of(kind: &ColumnKind) -> Self {
        match kind {
            ColumnKind::Numeric { .. } => Self::Numbers(Vec::new()),
            ColumnKind::Categorical { .. } => Self::Texts(Vec::new()),
            ColumnKind::Date { .. } => Self::Dates(Vec::new()),
        }
    }

    /// The counts. Numbers are of integers when all are whole, as a reference's are.
    pub(crate) fn finish(self) -> Counts {
        match self {
            Self::Numbers(pairs) | Self::Dates(pairs) => {
                let whole = pairs.iter().all(|(value, _)| value.is_nan() || value.fract() == 0.0);
                let counts = NumericCounts::from_pairs(pairs);
                if whole { counts.of_integers().into() } else { counts.into() }
            }
            Self::Texts(pairs) => {
                let n_missing = pairs.iter().filter(|(text, _)| text.is_none()).map(|(_, n)| n).sum();
                let texts = pairs.into_iter().filter_map(|(text, n)| Some((text?, n)));
                CategoricalCounts::from_pairs(texts).with_missing(n_missing).into()
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use data_contract::{Column, Contract, PredictionRecord, Probabilities, Target};

    /// A contract of one number and one text.
    pub(crate) fn churn() -> Contract {
        Contract {
            format: 1,
            dataset: "churn".into(),
            columns: vec![
                Column::new("age", ColumnKind::Numeric { integer: true, minimum: 18.0, maximum: 95.0, median: 39.0 }),
                Column::new("plan", ColumnKind::Categorical { levels: vec!["basic".into(), "plus".into()] }),
            ],
            target: Target { name: "churn".into(), classes: vec!["no".into(), "yes".into()], positive: Some(1) },
            missing_tokens: vec![String::new()],
        }
    }

    /// A prediction of a row of that contract.
    pub(crate) fn prediction(id: &str, date: &str, version: u32) -> PredictionRecord {
        let fields = serde_json::json!({"age": 41, "plan": "basic"});
        PredictionRecord {
            format: 1,
            id: id.into(),
            time: format!("{date}T12:00:00Z").parse().unwrap(),
            model: "churn".into(),
            version,
            contract: churn().digest(),
            source: "edge".into(),
            features: fields.as_object().unwrap().clone(),
            label: "no".into(),
            probabilities: Probabilities(vec![("no".into(), 0.75), ("yes".into(), 0.25)]),
            n_flags: 0,
        }
    }

    #[test]
    fn missing_values_are_counted_apart_and_whole_numbers_are_integers() {
        let numbers = Gathering::Numbers(vec![(41.0, 2), (f64::NAN, 3)]).finish();
        assert_eq!((numbers.n(), numbers.n_missing()), (2, 3));
        assert!(matches!(&numbers, Counts::Numeric(counts) if counts.integer()));
        let texts = Gathering::Texts(vec![(Some("basic".into()), 2), (None, 1)]).finish();
        assert_eq!((texts.n(), texts.n_missing()), (2, 1));
    }

    #[test]
    fn a_reference_becomes_counts_of_its_kind() {
        let counts =
            reference(&ValueCounts::Numeric { integer: true, exact: true, n_missing: 1, values: vec![(18.0, 1), (41.0, 3)] });
        assert_eq!((counts.n(), counts.n_rows()), (4, 5));
    }
}
