//! What a comparison came to.

use anyhow::Result;
use monitor_drift::{Kind, Statistic};
use serde::Serialize;

use crate::args::Rule;
use crate::compare::missing::Missing;
use crate::compare::plan::Plan;
use crate::compare::{Findings, Sides};
use crate::failure::Failure;
use crate::page::percent;

/// Most reasons that are told when nothing could be compared.
const MAX_REASONS: usize = 3;

/// The outcome, as it is printed as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    /// The outcome in a sentence.
    pub(crate) verdict: String,
    /// How columns were judged.
    pub(crate) rule: Rule,
    /// Whether numbers were counted in cells.
    pub(crate) binned: bool,
    /// Rows of the reference.
    pub(crate) n_reference: u64,
    /// Rows of the current file.
    pub(crate) n_current: u64,
    /// Columns compared.
    pub(crate) n_columns: usize,
    /// Columns that drifted.
    pub(crate) n_drifted: usize,
    /// Drifted columns over compared ones.
    pub(crate) share_drifted: f64,
    /// The share from which on the data set counts as drifted; 0 where one column is enough.
    pub(crate) drift_share: f64,
    /// Whether the data set drifted.
    pub(crate) dataset_drift: bool,
    /// What is missing.
    pub(crate) missing: BothMissing,
    /// Each compared column, in the order of the current file.
    pub(crate) columns: Vec<ColumnDrift>,
    /// Each column that was not compared.
    pub(crate) left_out: Vec<LeftOut>,
}

/// What is missing from the current file, and from the reference.
#[derive(Debug, Serialize)]
pub(crate) struct BothMissing {
    /// The current file.
    #[serde(flatten)]
    pub(crate) current: Missing,
    /// The reference.
    pub(crate) reference: Missing,
}

/// The figures of a column.
#[derive(Debug, Serialize)]
pub(crate) struct ColumnDrift {
    /// Its name.
    pub(crate) column: String,
    /// What it was compared as.
    pub(crate) kind: Kind,
    /// The name of the statistic.
    pub(crate) statistic: &'static str,
    /// The name under which Evidently shows the statistic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<&'static str>,
    /// Its value: a distance or a p-value.
    pub(crate) value: f64,
    /// The threshold the value is held against.
    pub(crate) threshold: f64,
    /// The verdict.
    pub(crate) drifted: bool,
}

/// A column that was not compared.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub(crate) struct LeftOut {
    /// Its name.
    pub(crate) column: String,
    /// Why.
    pub(crate) reason: String,
}

impl LeftOut {
    /// A column and the reason.
    pub(crate) fn new(column: &str, reason: impl Into<String>) -> Self {
        LeftOut { column: column.to_owned(), reason: reason.into() }
    }
}

impl ColumnDrift {
    /// The figures of a statistic that Evidently knows.
    pub(crate) fn of_statistic(column: String, kind: Kind, drift: monitor_drift::Drift) -> Self {
        let statistic: Statistic = drift.statistic;
        ColumnDrift {
            column,
            kind,
            statistic: statistic.name(),
            method: Some(statistic.evidently_name()),
            value: drift.value,
            threshold: drift.threshold,
            drifted: drift.drifted,
        }
    }
}

impl Comparison {
    /// Puts the findings together.
    ///
    /// # Errors
    /// [`Failure::NothingCompared`] when every common column was left out.
    pub(crate) fn new(findings: Findings, sides: &Sides, plan: &Plan) -> Result<Self> {
        let Findings { judge, left_out, missing } = findings;
        let (rule, drift_share) = (judge.rule(), judge.drift_share());
        let columns = judge.verdicts();
        if columns.is_empty() {
            return Err(Failure::NothingCompared { reasons: reasons(&left_out) }.into());
        }
        let n_drifted = columns.iter().filter(|column| column.drifted).count();
        let share_drifted = n_drifted as f64 / columns.len() as f64;
        let dataset_drift = n_drifted > 0 && share_drifted >= drift_share;
        let (n_reference, n_current) = (sides.reference.n_rows, sides.current.n_rows);
        Ok(Comparison {
            verdict: verdict(n_drifted, columns.len(), drift_share, dataset_drift),
            rule,
            binned: plan.binned,
            n_reference,
            n_current,
            n_columns: columns.len(),
            n_drifted,
            share_drifted,
            drift_share,
            dataset_drift,
            missing: BothMissing { reference: missing[0].over(n_reference), current: missing[1].over(n_current) },
            columns,
            left_out,
        })
    }
}

fn verdict(n_drifted: usize, n_columns: usize, drift_share: f64, drifted: bool) -> String {
    let columns = if n_columns == 1 { "column" } else { "columns" };
    let share = percent(n_drifted as f64 / n_columns as f64);
    let border = match drift_share {
        0.0 => "one is enough".to_owned(),
        share => format!("{} make a data set drift", percent(share)),
    };
    let outcome = if drifted { "The data drifted" } else { "The data did not drift" };
    format!("{outcome}: {n_drifted} of {n_columns} {columns} did ({share}; {border}).")
}

fn reasons(left_out: &[LeftOut]) -> String {
    let told = left_out.iter().take(MAX_REASONS).map(|column| format!("`{}`: {}", column.column, column.reason));
    let more = left_out.len().saturating_sub(MAX_REASONS);
    let more = (more > 0).then(|| format!("{more} more"));
    told.chain(more).collect::<Vec<String>>().join("; ")
}
