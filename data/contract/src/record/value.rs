//! One checked value of a record, as a model, JSON and a reader of the prediction see it.

use serde_json::Value as Json;

use super::error::shorten;
use crate::contract::{Column, ColumnKind};
use crate::moment::Moment;
use crate::prediction::{Flag, shortest_decimal};

/// A date is far from the training rows only when it is at least this many days outside their range.
const FAR_DAYS: f64 = 365.0;

/// One checked value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing is known.
    Missing,
    /// A finite number.
    Number(f64),
    /// The index of a level of the contract.
    Level(u32),
    /// A date, perhaps with a time of day.
    Date(Moment),
    /// A text that the contract does not list.
    Unseen(String),
}

impl Value {
    /// The value that a feature row's number stands for, in as few digits as name it.
    pub fn of_feature(feature: f32, kind: &ColumnKind) -> Self {
        match kind {
            _ if feature.is_nan() => Self::Missing,
            ColumnKind::Numeric { .. } => Self::Number(shortest_decimal(feature).unwrap_or_else(|| f64::from(feature))),
            ColumnKind::Date { .. } => Self::Date(Moment::from_days(f64::from(feature))),
            ColumnKind::Categorical { levels } if (feature as usize) < levels.len() && feature >= 0.0 => {
                Self::Level(feature as u32)
            }
            ColumnKind::Categorical { .. } => Self::Missing,
        }
    }

    pub(super) fn feature(&self, kind: &ColumnKind) -> f32 {
        match (self, kind) {
            (Self::Number(number), _) => *number as f32,
            (Self::Level(index), _) => *index as f32,
            (Self::Date(moment), _) => moment.feature(),
            (Self::Missing, ColumnKind::Numeric { .. } | ColumnKind::Date { .. }) => f32::NAN,
            (Self::Missing | Self::Unseen(_), _) => -1.0,
        }
    }

    /// The value in a JSON record.
    pub fn to_json(&self, kind: &ColumnKind) -> Json {
        match (self, kind) {
            (Self::Number(number), ColumnKind::Numeric { .. }) if number.fract() == 0.0 && number.abs() < 9e15 => {
                Json::from(*number as i64)
            }
            (Self::Number(number), _) => Json::from(*number),
            (Self::Level(index), ColumnKind::Categorical { levels }) => {
                levels.get(*index as usize).map_or(Json::Null, |l| Json::from(l.as_str()))
            }
            (Self::Unseen(text), _) => Json::from(text.as_str()),
            (Self::Date(moment), _) => Json::from(moment.to_string()),
            _ => Json::Null,
        }
    }

    /// What a reader of the prediction should know about it.
    pub(super) fn flag(&self, column: &Column) -> Option<Flag> {
        match (self, &column.kind) {
            (Self::Unseen(text), _) if column.n_rare_levels == 0 => {
                Some(Flag::UnseenLevel { column: column.name.clone(), value: shorten(text) })
            }
            (Self::Number(number), ColumnKind::Numeric { minimum, maximum, .. }) if number < minimum || number > maximum => {
                Some(Flag::OutOfRange { column: column.name.clone(), value: *number, minimum: *minimum, maximum: *maximum })
            }
            (Self::Date(value), ColumnKind::Date { minimum, maximum, .. }) if is_far(*value, *minimum, *maximum) => {
                Some(Flag::FarDate { column: column.name.clone(), value: *value, minimum: *minimum, maximum: *maximum })
            }
            _ => None,
        }
    }
}

/// Dates move on, so one after the training rows is nothing unusual; one that is further away than the training rows reach is.
fn is_far(value: Moment, minimum: Moment, maximum: Moment) -> bool {
    let reach = (maximum.days() - minimum.days()).max(FAR_DAYS);
    value.days() < minimum.days() - reach || value.days() > maximum.days() + reach
}
