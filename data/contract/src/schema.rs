//! A contract as JSON Schema 2020-12: `contract.json`, for forms and validators.
//!
//! The schema also carries the compact form under `x-tidemark`, from which it is read back.
//! A categorical column is an open enumeration: its levels are listed, and any other text is valid too, as it is scored and flagged.

use serde_json::{Map, Value as Json, json};

use crate::contract::{Column, ColumnKind, Contract, ContractError};

const COMPACT: &str = "x-tidemark";

impl Contract {
    /// The contract as a JSON Schema of one record.
    pub fn to_json_schema(&self) -> Json {
        let properties: Map<String, Json> = self.columns.iter().map(|c| (c.name.clone(), property(c))).collect();
        let required: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.dataset,
            "description": format!("One record; the model predicts `{}`.", self.target.name),
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
            COMPACT: self,
        })
    }

    /// Reads the contract back from its JSON Schema.
    pub fn from_json_schema(text: &str) -> Result<Self, ContractError> {
        let schema: Json = serde_json::from_str(text).map_err(|e| ContractError::Syntax(e.to_string()))?;
        let compact = schema.get(COMPACT).ok_or_else(|| ContractError::Syntax(format!("`{COMPACT}` is missing")))?;
        Self::from_json(&compact.to_string())
    }
}

fn property(column: &Column) -> Json {
    let mut property = match &column.kind {
        ColumnKind::Numeric { minimum, maximum, median, .. } => json!({
            "type": ["number", "null"],
            "default": median,
            "examples": [minimum, maximum],
        }),
        ColumnKind::Date { minimum, maximum, median, .. } => json!({
            "type": ["string", "null"],
            "format": column.format(),
            "default": median,
            "examples": [minimum, maximum],
        }),
        ColumnKind::Categorical { levels } => json!({
            "anyOf": [{ "enum": levels }, { "type": ["string", "null"] }],
            "default": levels.first(),
        }),
    };
    if !column.about.is_empty() {
        property["description"] = json!(column.about);
    }
    property
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::tests::{since, small};

    #[test]
    fn a_date_is_a_text_of_a_form() {
        let mut contract = small();
        contract.columns.push(since());
        let schema = contract.to_json_schema();
        let since = json!({ "type": ["string", "null"], "format": "date", "default": "2022-01-01", "examples": ["2019-01-01", "2024-05-31"] });
        assert_eq!(schema["properties"]["since"], since);
        assert_eq!(Contract::from_json_schema(&schema.to_string()).unwrap(), contract);
    }

    #[test]
    fn a_contract_survives_its_schema() {
        let schema = small().to_json_schema();
        assert_eq!(Contract::from_json_schema(&schema.to_string()).unwrap(), small());
        assert_eq!(schema["required"], json!(["age", "plan"]));
        assert_eq!(schema["properties"]["plan"]["anyOf"][0]["enum"], json!(["basic", "plus"]));
    }

    #[test]
    fn another_schema_is_no_contract() {
        let error = Contract::from_json_schema("{}").unwrap_err().to_string();
        assert_eq!(error, "not a contract: `x-tidemark` is missing");
    }
}
