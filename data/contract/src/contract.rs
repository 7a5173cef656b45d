//! The contract: what a model's input rows look like, learned from the training rows.
//!
//! It travels as `contract.json` and inside the ONNX file's metadata, and the two must agree.

use serde::{Deserialize, Serialize};

use crate::digest::sha256_hex;
use crate::moment::Moment;

/// Columns in the order of the feature row, and the target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// Version of this format; 1.
    pub format: u32,
    /// Name of the dataset.
    pub dataset: String,
    /// Columns in the order of the feature row.
    pub columns: Vec<Column>,
    /// What is predicted.
    pub target: Target,
    /// Texts that mean "missing" in any column.
    pub missing_tokens: Vec<String>,
}

/// One column of the feature row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name in records.
    pub name: String,
    /// One line for people; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// Of a categorical column, how many levels of the training rows are too rare to be listed. They are encoded as a missing value is,
    /// in training and after it, so a text that is not listed is nothing unusual where there are some.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub n_rare_levels: u64,
    /// Whether it is as it is: what would change a decision leaves it alone.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fixed: bool,
    /// What it holds.
    #[serde(flatten)]
    pub kind: ColumnKind,
}

/// The name under which counts gather the rare levels of a column.
pub const RARE_LEVELS: &str = "(rare levels)";

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(crate) fn is_false(truth: &bool) -> bool {
    !*truth
}

/// What a column holds, as seen in training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ColumnKind {
    /// A number.
    Numeric {
        /// Whether every training value was whole.
        integer: bool,
        /// Smallest training value.
        minimum: f64,
        /// Largest training value.
        maximum: f64,
        /// Median of the training values: a form's starting value.
        median: f64,
    },
    /// One of a set of texts.
    Categorical {
        /// The texts seen in training, most frequent first, without the rare ones; a level's feature value is its index here.
        levels: Vec<String>,
    },
    /// A date, perhaps with a time of day. Its feature value is the days since 1970-01-01; the model takes the calendar apart itself.
    Date {
        /// Whether some training value had a time of day.
        time: bool,
        /// Earliest training value.
        minimum: Moment,
        /// Latest training value.
        maximum: Moment,
        /// Median of the training values: a form's starting value.
        median: Moment,
    },
}

/// What is predicted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Name of the column.
    pub name: String,
    /// Its classes, in the order of the probabilities.
    pub classes: Vec<String>,
    /// With two classes, the index of the one whose probability is asked for.
    pub positive: Option<usize>,
}

/// Why a contract cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ContractError {
    /// Not JSON, or a field is missing or unknown.
    #[error("not a contract: {0}")]
    Syntax(String),
    /// A contract that contradicts itself.
    #[error("the contract's {0}")]
    Invalid(String),
}

impl Column {
    /// A column without a line for people.
    pub fn new(name: &str, kind: ColumnKind) -> Self {
        Self { name: name.into(), about: String::new(), n_rare_levels: 0, fixed: false, kind }
    }

    /// A JSON Schema's word for the form of its texts: of a date, `date` or `date-time`.
    pub fn format(&self) -> Option<&'static str> {
        match self.kind {
            ColumnKind::Date { time, .. } => Some(if time { "date-time" } else { "date" }),
            _ => None,
        }
    }

    /// The name under which a text of this column is counted: its own, or that of the rare levels.
    pub fn counted_as<'a>(&self, text: &'a str) -> &'a str {
        match &self.kind {
            ColumnKind::Categorical { levels } if self.n_rare_levels > 0 && !levels.iter().any(|level| level == text) => {
                RARE_LEVELS
            }
            _ => text,
        }
    }
}

impl Target {
    /// The index of the class whose probability is followed over time: the positive one, else the last.
    pub fn followed(&self) -> usize {
        self.positive.unwrap_or(self.classes.len().saturating_sub(1))
    }
}

impl Contract {
    /// Reads and checks the compact JSON form that the ONNX metadata carries.
    pub fn from_json(json: &str) -> Result<Self, ContractError> {
        let contract: Self = serde_json::from_str(json).map_err(|e| ContractError::Syntax(e.to_string()))?;
        contract.check()?;
        Ok(contract)
    }

    /// The compact JSON form; equal contracts have equal text.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a contract holds only what JSON can say")
    }

    /// SHA-256 of the compact JSON form: the contract's identity in manifests and prediction logs.
    pub fn digest(&self) -> String {
        sha256_hex(self.to_json().as_bytes())
    }

    /// Number of feature columns.
    pub fn n_features(&self) -> usize {
        self.columns.len()
    }

    /// The index of a column by name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Refuses a contract that contradicts itself.
    pub fn check(&self) -> Result<(), ContractError> {
        let invalid = |text: String| Err(ContractError::Invalid(text));
        if self.format != 1 {
            return invalid(format!("format is {}, this program knows 1", self.format));
        }
        if self.columns.is_empty() || self.target.classes.len() < 2 {
            return invalid("columns or classes are too few".into());
        }
        if self.target.positive.is_some_and(|index| index >= self.target.classes.len()) {
            return invalid("positive class is not one of its classes".into());
        }
        let mut names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(twice) => invalid(format!("column `{}` occurs twice", twice[0])),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn small() -> Contract {
        Contract {
            format: 1,
            dataset: "churn".into(),
            columns: vec![
                Column::new("age", ColumnKind::Numeric { integer: true, minimum: 18.0, maximum: 95.0, median: 39.0 }),
                Column::new("plan", ColumnKind::Categorical { levels: vec!["basic".into(), "plus".into()] }),
            ],
            target: Target { name: "churn".into(), classes: vec!["no".into(), "yes".into()], positive: Some(1) },
            missing_tokens: vec![String::new(), "unknown".into()],
        }
    }

    /// A column of dates.
    pub(crate) fn since() -> Column {
        let moment = |text: &str| text.parse().unwrap();
        let (minimum, maximum, median) = (moment("2019-01-01"), moment("2024-05-31"), moment("2022-01-01"));
        Column::new("since", ColumnKind::Date { time: false, minimum, maximum, median })
    }

    #[test]
    fn a_contract_survives_writing_and_reading() {
        let contract = small();
        assert_eq!(Contract::from_json(&contract.to_json()).unwrap(), contract);
    }

    #[test]
    fn a_contract_of_format_1_still_loads() {
        let contract = Contract::from_json(include_str!("../fixtures/contract-1.json")).unwrap();
        assert_eq!(contract, small());
    }

    #[test]
    fn a_contract_with_a_date_survives_writing_and_reading() {
        let mut contract = small();
        contract.columns.push(since());
        let json = contract.to_json();
        assert!(
            json.contains(r#""kind":"date","time":false,"minimum":"2019-01-01","maximum":"2024-05-31","median":"2022-01-01""#),
            "{json}"
        );
        assert_eq!(Contract::from_json(&json).unwrap(), contract);
        let error = Contract::from_json(&json.replace("2019-01-01", "1.1.2019")).unwrap_err().to_string();
        assert!(error.contains("`1.1.2019` is not a date like"), "{error}");
    }

    #[test]
    fn rare_levels_are_counted_together_where_there_are_some() {
        let mut plan = small().columns[1].clone();
        assert_eq!(["basic", "gold"].map(|text| plan.counted_as(text)), ["basic", "gold"]);
        plan.n_rare_levels = 3;
        assert_eq!(["basic", "gold"].map(|text| plan.counted_as(text)), ["basic", RARE_LEVELS]);
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Column>(&json).unwrap(), plan);
    }

    #[test]
    fn contradictions_are_refused() {
        let mut twice = small();
        twice.columns[1].name = "age".into();
        assert_eq!(Contract::from_json(&twice.to_json()).unwrap_err().to_string(), "the contract's column `age` occurs twice");
        assert!(Contract::from_json("{}").unwrap_err().to_string().starts_with("not a contract"));
    }
}
