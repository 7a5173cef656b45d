//! Why a row is not a record, in words that quote what was sent.

use super::MAX_TEXT_BYTES;
use crate::contract::{Column, Contract};

/// What a column of dates expects, in words.
pub(super) const A_DATE: &str = "a date like 2024-05-31 or 2024-05-31T13:45:00";

/// Why a row is not a record.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RecordError {
    /// Not JSON at all.
    #[error("the record is not JSON: {0}")]
    Syntax(String),
    /// JSON, but not an object.
    #[error("a record is a JSON object, found {found}")]
    NotAnObject {
        /// What was there instead.
        found: &'static str,
    },
    /// A column of the contract is not there.
    #[error("column `{column}` is missing")]
    MissingColumn {
        /// Its name.
        column: String,
    },
    /// A field that the contract does not know.
    #[error("unknown column `{column}`")]
    UnknownColumn {
        /// Its name, shortened.
        column: String,
    },
    /// A value of the wrong kind.
    #[error("column `{column}` expects {expected}, found {found}")]
    WrongKind {
        /// The column.
        column: String,
        /// `a number`, `a text` or [`A_DATE`].
        expected: &'static str,
        /// What was there instead.
        found: String,
    },
    /// NaN or an infinity.
    #[error("column `{column}` expects a finite number, found {found}")]
    NotFinite {
        /// The column.
        column: String,
        /// What was there instead.
        found: String,
    },
    /// A text longer than [`MAX_TEXT_BYTES`].
    #[error("column `{column}` holds a text of {bytes} bytes, the most is {MAX_TEXT_BYTES}")]
    TooLong {
        /// The column.
        column: String,
        /// Its length.
        bytes: usize,
    },
}

impl RecordError {
    /// What to do about it.
    pub fn hint(&self, contract: &Contract) -> String {
        let names = || contract.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
        match self {
            Self::Syntax(_) | Self::NotAnObject { .. } => format!("send an object with the columns {}", names()),
            Self::MissingColumn { .. } => "send null where the value is not known".into(),
            Self::UnknownColumn { .. } => format!("the model's columns are {}", names()),
            Self::WrongKind { expected: "a number", .. } => "send a JSON number without quotes, or null".into(),
            Self::WrongKind { expected, .. } if *expected == A_DATE => {
                "send an ISO 8601 date in quotes, with or without a time of day, or null".into()
            }
            Self::WrongKind { .. } => "send a JSON string in quotes, or null".into(),
            Self::NotFinite { .. } => "send null where the value is not known".into(),
            Self::TooLong { .. } => "send the level's name alone".into(),
        }
    }

    /// The column concerned, where there is one.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::Syntax(_) | Self::NotAnObject { .. } => None,
            Self::MissingColumn { column }
            | Self::UnknownColumn { column }
            | Self::WrongKind { column, .. }
            | Self::NotFinite { column, .. }
            | Self::TooLong { column, .. } => Some(column),
        }
    }
}

pub(super) fn wrong_kind(column: &Column, expected: &'static str, found: String) -> RecordError {
    RecordError::WrongKind { column: column.name.clone(), expected, found }
}

/// Errors quote what was sent, but never much of it.
pub(super) fn shorten(text: &str) -> String {
    const MOST: usize = 40;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
