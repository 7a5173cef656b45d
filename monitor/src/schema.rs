//! The schemas of `report.json` and `compare.json` in JSON Schema 2020-12, from the types that are written, with their doc comments as
//! descriptions.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};

use crate::args::Described;
use crate::report_compare::Outcome;
use crate::report_model::Report;

/// Formats of texts that the standard knows; those of numbers are a habit of other standards.
const FORMATS: [&str; 2] = ["date", "date-time"];

/// The schema of a file as this program writes it.
pub(crate) fn of(file: Described) -> Schema {
    match file {
        Described::Report => of_type::<Report>(),
        Described::Compare => of_type::<Outcome>(),
    }
}

fn of_type<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize().with_transform(RecursiveTransform(lenient));
    settings.into_generator().into_root_schema_for::<T>()
}

/// Lets pass what a later version of the program adds, and leaves out what says nothing of a file that is written: what is read where
/// a field is absent, and how many bits a number has.
fn lenient(schema: &mut Schema) {
    schema.remove("default");
    if schema.get("additionalProperties") == Some(&false.into()) {
        schema.remove("additionalProperties");
    }
    let known = |format: &serde_json::Value| FORMATS.iter().any(|known| format == known);
    if schema.get("format").is_some_and(|format| !known(format)) {
        schema.remove("format");
    }
}
