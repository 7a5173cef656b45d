//! A prediction, and how predictions and the labels that arrive later are logged.

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value as Json};

use crate::moment::Moment;

/// Version of the prediction log's format.
pub const PREDICTION_FORMAT: u32 = 1;

/// Names of the prediction log's Parquet columns.
///
/// The log lies under `predictions/dt=YYYY-MM-DD/model_version=N/part-*.parquet`, labels under `labels/dt=YYYY-MM-DD/part-*.parquet`.
/// Features and probabilities carry a prefix, so that no name of a dataset can collide with these.
pub mod column {
    /// Text: the record's id, unique in the log.
    pub const ID: &str = "prediction_id";
    /// Timestamp, UTC, microseconds: when the prediction was made.
    pub const TIME: &str = "predicted_at";
    /// Text: the model's name.
    pub const MODEL: &str = "model";
    /// Integer: the model's version, also a hive partition.
    pub const VERSION: &str = "version";
    /// Text: the contract's digest.
    pub const CONTRACT: &str = "contract";
    /// Text: who predicted.
    pub const SOURCE: &str = "source";
    /// Text: the predicted class; in the label log, the true one.
    pub const LABEL: &str = "label";
    /// Integer: number of flags raised.
    pub const FLAGS: &str = "n_flags";
    /// Timestamp, UTC, microseconds, in the label log: when the label became known.
    pub const KNOWN: &str = "known_at";

    /// The column of a class's probability.
    pub fn probability(class: &str) -> String {
        format!("probability_{class}")
    }

    /// The column of a feature.
    pub fn feature(name: &str) -> String {
        format!("feature_{name}")
    }
}

/// What a model says of one record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The predicted class.
    pub label: String,
    /// Each class's probability, in the contract's order.
    pub probabilities: Probabilities,
    /// With two classes: the probability above which the positive class is predicted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// What a reader should know about the record.
    #[serde(default)]
    pub flags: Vec<Flag>,
}

/// Class names and their probabilities, in order; a JSON object.
#[derive(Clone, Debug, PartialEq)]
pub struct Probabilities(pub Vec<(String, f64)>);

/// Something about a record that training never saw; it is scored all the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Flag {
    /// A text that the contract does not list.
    UnseenLevel {
        /// The column.
        column: String,
        /// The text, shortened.
        value: String,
    },
    /// A number outside the range of the training rows.
    OutOfRange {
        /// The column.
        column: String,
        /// The number.
        value: f64,
        /// Smallest training value.
        minimum: f64,
        /// Largest training value.
        maximum: f64,
    },
    /// A date far outside the range of the training rows: further from it than it is long, and a year at least.
    FarDate {
        /// The column.
        column: String,
        /// The date.
        value: Moment,
        /// Earliest training value.
        minimum: Moment,
        /// Latest training value.
        maximum: Moment,
    },
}

/// One logged prediction, as it travels in JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictionRecord {
    /// [`PREDICTION_FORMAT`].
    pub format: u32,
    /// Unique in the log; sending a record twice under one id stores it once a day and version.
    pub id: String,
    /// When the prediction was made, UTC.
    pub time: chrono::DateTime<chrono::Utc>,
    /// The model's name.
    pub model: String,
    /// The model's version.
    pub version: u32,
    /// Digest of the contract that the features follow.
    pub contract: String,
    /// Who predicted: `edge`, `page`, `batch` or `replay`.
    pub source: String,
    /// The record, checked, by column name.
    pub features: Map<String, Json>,
    /// The predicted class.
    pub label: String,
    /// Each class's probability.
    pub probabilities: Probabilities,
    /// Number of flags raised.
    #[serde(default)]
    pub n_flags: u32,
}

/// The true class of an earlier prediction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelRecord {
    /// [`PREDICTION_FORMAT`].
    pub format: u32,
    /// Id of the prediction.
    pub id: String,
    /// The true class.
    pub label: String,
    /// When it became known, UTC.
    pub time: chrono::DateTime<chrono::Utc>,
}

/// A float32 as the shortest decimal that names it: a probability reads 0.07 in JSON, not 0.07000000029802322.
pub fn shortest(value: f32) -> f64 {
    shortest_decimal(value).unwrap_or_else(|| value.to_string().parse().expect("a printed number can be read"))
}

/// As [`shortest`], for numbers with up to [`MOST_PLACES`] decimal places, by arithmetic alone.
///
/// The decimal of so many places nearest to a number is a whole number over a power of ten, both of which float64 holds exactly;
/// the first that rounds to the same float32 has the fewest digits.
pub fn shortest_decimal(value: f32) -> Option<f64> {
    let exact = f64::from(value);
    let mut power = 1.0;
    for _ in 0..=MOST_PLACES {
        let decimal = (exact * power).round() / power;
        if decimal as f32 == value {
            return Some(decimal);
        }
        power *= 10.0;
    }
    None
}

/// Powers of ten up to this one are exact in float64.
const MOST_PLACES: u32 = 22;

impl Prediction {
    /// The probability of a class by its index in the contract.
    pub fn probability(&self, class: usize) -> Option<f64> {
        self.probabilities.0.get(class).map(|(_, probability)| *probability)
    }
}

impl Serialize for Probabilities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (class, probability) in &self.0 {
            map.serialize_entry(class, probability)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Probabilities {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs)
    }
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Probabilities;

    fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str("an object of probabilities by class")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Probabilities, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Probabilities(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_keeps_its_short_name() {
        for step in 1..200_000_u32 {
            let value = step as f32 * 5.3e-6;
            assert_eq!(shortest(value), value.to_string().parse::<f64>().unwrap(), "{value}");
            let tiny = 1.0 / (step as f32).powi(3);
            assert_eq!(shortest(tiny), tiny.to_string().parse::<f64>().unwrap(), "{tiny}");
        }
        assert_eq!(shortest(0.07), 0.07);
        assert_eq!(shortest(1e-30), 1e-30);
    }

    #[test]
    fn a_logged_line_of_format_1_still_loads() {
        let line = include_str!("../fixtures/prediction-1.json");
        let record: PredictionRecord = serde_json::from_str(line).unwrap();
        assert_eq!(record.probabilities.0[1], ("yes".to_owned(), 0.25));
        assert_eq!(serde_json::to_string(&record).unwrap(), line.trim());
    }

    #[test]
    fn a_label_of_format_1_still_loads() {
        let line = include_str!("../fixtures/label-1.json");
        let record: LabelRecord = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&record).unwrap(), line.trim());
    }
}
