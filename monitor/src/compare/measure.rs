//! The figures of columns, and the verdict on them once all are known.

use monitor_drift::{Counts, DATASET_DRIFT_SHARE, Drift, Kind, Statistic, benjamini_hochberg, compare, shift};

use crate::args::Rule;
use crate::compare::outcome::ColumnDrift;

/// The rule `tidemark` alarms on fewer than this share of files in which nothing changed.
const LEVEL: f64 = 0.005;
/// What its figure is called.
const SHIFT: &str = "shift-p-value";

/// The figures of a column.
pub(crate) struct Measured {
    column: String,
    kind: Kind,
    figure: Figure,
}

enum Figure {
    /// A statistic with a threshold of its own.
    Statistic(Drift),
    /// A p-value whose threshold follows from all columns.
    Shift(f64),
}

impl Measured {
    /// Measures a column; an error tells why it cannot be.
    pub(crate) fn new(
        column: &str,
        reference: &Counts,
        current: &Counts,
        rule: Rule,
        statistic: Option<Statistic>,
    ) -> Result<Self, String> {
        let figure = match rule {
            Rule::Evidently => compare(reference, current, statistic).map(Figure::Statistic),
            Rule::Tidemark => shift(reference, current).map(|shift| Figure::Shift(shift.p_value)),
        };
        let figure = figure.map_err(|error| error.to_string())?;
        Ok(Measured { column: column.to_owned(), kind: reference.kind(), figure })
    }

    fn judged(self, threshold: f64) -> ColumnDrift {
        match self.figure {
            Figure::Statistic(drift) => ColumnDrift::of_statistic(self.column, self.kind, drift),
            Figure::Shift(value) => ColumnDrift {
                column: self.column,
                kind: self.kind,
                statistic: SHIFT,
                method: None,
                value,
                threshold,
                drifted: value <= threshold,
            },
        }
    }
}

/// Columns waiting for a verdict.
pub(crate) struct Judge {
    rule: Rule,
    columns: Vec<Measured>,
}

impl Judge {
    /// No columns yet.
    pub(crate) fn new(rule: Rule) -> Self {
        Judge { rule, columns: Vec::new() }
    }

    /// Adds a column.
    pub(crate) fn add(&mut self, column: Measured) {
        self.columns.push(column);
    }

    /// The rule that is followed.
    pub(crate) fn rule(&self) -> Rule {
        self.rule
    }

    /// The share of drifted columns from which on the data set counts as drifted; 0 where one column is enough.
    pub(crate) fn drift_share(&self) -> f64 {
        match self.rule {
            Rule::Evidently => DATASET_DRIFT_SHARE,
            Rule::Tidemark => 0.0,
        }
    }

    /// The verdict on each column, in the order they came.
    pub(crate) fn verdicts(self) -> Vec<ColumnDrift> {
        let p_value = |column: &Measured| match column.figure {
            Figure::Shift(value) => Some(value),
            Figure::Statistic(_) => None,
        };
        let p_values: Vec<f64> = self.columns.iter().filter_map(p_value).collect();
        let threshold = if p_values.is_empty() { 0.0 } else { benjamini_hochberg(&p_values, LEVEL) };
        self.columns.into_iter().map(|column| column.judged(threshold)).collect()
    }
}
