//! What flows through Tidemark: datasets, contracts, records, bundles, predictions and alerts.
//!
//! Nothing here performs I/O or reads a clock or a random number, and all of it compiles to WebAssembly,
//! so the trainer, the browser, the edge worker and the monitor agree by sharing these types.
//!
//! ```
//! use data_contract::{Column, ColumnKind, Contract, Target};
//!
//! let contract = Contract {
//!     format: 1,
//!     dataset: "churn".into(),
//!     columns: vec![
//!         Column::new("age", ColumnKind::Numeric { integer: true, minimum: 18.0, maximum: 95.0, median: 39.0 }),
//!         Column::new("plan", ColumnKind::Categorical { levels: vec!["basic".into(), "plus".into()] }),
//!     ],
//!     target: Target { name: "churn".into(), classes: vec!["no".into(), "yes".into()], positive: Some(1) },
//!     missing_tokens: vec!["".into()],
//! };
//! let record = contract.record_from_json(r#"{"age": 41, "plan": "gold"}"#)?;
//! assert_eq!(record.features(&contract), [41.0, -1.0]);
//! assert_eq!(record.flags(&contract).len(), 1); // `gold` was never seen in training
//! # Ok::<(), data_contract::RecordError>(())
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may stop at the first surprise"))]

mod alert;
mod background;
mod checks;
mod contract;
mod dataset;
mod digest;
mod evaluation;
mod goal;
mod golden;
mod history;
mod home;
mod manifest;
mod moment;
mod prediction;
mod prepared;
mod record;
mod reference;
mod schema;

pub use alert::{Alert, AlertGroup, AlertStatus};
pub use background::{Background, MAX_BACKGROUND_ROWS};
pub use checks::{CHECKS_FORMAT, CheckKind, Checks, Finding};
pub use contract::{Column, ColumnKind, Contract, ContractError, RARE_LEVELS, Target};
pub use dataset::{
    CalibrationKind, ClassWeights, Clock, ColumnRule, Dataset, DatasetError, DeclaredKind, Direction, MAX_LEVELS, Rules, Source,
    Split, SplitKind, TargetRule, Training, WindowRule,
};
pub use digest::{sha256_hex, short};
pub use evaluation::{
    ClassCurves, Dependence, DependencePoint, EVALUATION_FORMAT, Estimate, Evaluation, Importance, ProfitPoint, ReliabilityBin,
    Slice, ThresholdChoice,
};
pub use goal::{Goal, Profit, UnknownGoal};
pub use golden::{Golden, GoldenRow};
pub use history::{Event, HistoryLine, RetrainOutcome, Stage};
pub use home::Home;
pub use manifest::{Bundle, DataOrigin, MANIFEST_FORMAT, Manifest, Parity, metadata};
pub use moment::{DateForm, Moment, NotAMoment};
pub use prediction::{
    Flag, LabelRecord, PREDICTION_FORMAT, Prediction, PredictionRecord, Probabilities, column as log_column, shortest,
    shortest_decimal,
};
pub use prepared::{Part, Prepared, SetAside, column as prepared_column};
pub use record::{Given, MAX_TEXT_BYTES, Record, RecordError, Value};
pub use reference::{ColumnCounts, OwnDrift, Reference, ValueCounts};
