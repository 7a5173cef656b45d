//! A field of a record before it is checked, whoever holds it: a reader of JSON, or JavaScript.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::error::shorten;

/// What a field holds, as far as a record may hold it.
#[derive(Clone, Debug, PartialEq)]
pub enum Given<'a> {
    /// Nothing is known.
    Null,
    /// True or false.
    Bool,
    /// A number; one that is not finite is refused.
    Number(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// A text that is known to be the level of this index.
    Level(u32),
    /// A list, which no column holds.
    List,
    /// An object, which no column holds.
    Object,
}

impl<'a> Given<'a> {
    /// A value of JSON.
    pub(super) fn of(value: &'a Json) -> Self {
        match value {
            Json::Null => Self::Null,
            Json::Bool(_) => Self::Bool,
            Json::Number(number) => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            Json::String(text) => Self::Text(text.into()),
            Json::Array(_) => Self::List,
            Json::Object(_) => Self::Object,
        }
    }

    /// In words; of texts and numbers what they say, as `written` tells it.
    pub(super) fn describe(&self, written: &dyn Fn() -> String) -> String {
        match self {
            Self::Text(text) => format!("the text \"{}\"", shorten(text)),
            Self::Number(_) => format!("the number {}", written()),
            other => other.kind().into(),
        }
    }

    /// In words, without what it says.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) | Self::Level(_) => "a text",
            Self::List => "a list",
            Self::Object => "an object",
        }
    }
}
