//! The schemas of `report.json` and `compare.json`, which lie beside the code for those who read them by program.

use serde_json::Value as Json;

use crate::home::Fixture;

const REPORT: &str = include_str!("../../report.schema.json");
const COMPARE: &str = include_str!("../../compare.schema.json");

#[track_caller]
fn check_told(args: &[&str], committed: &str, file: &str) {
    let output = Fixture::empty().monitor(args).assert().code(0).get_output().clone();
    let told: Json = serde_json::from_slice(&output.stdout).unwrap();
    let committed: Json = serde_json::from_str(committed).unwrap();
    assert!(told == committed, "`monitor {} > monitor/{file}` brings it up to date", args.join(" "));
}

#[test]
fn the_schemas_that_lie_beside_the_code_are_those_that_are_told() {
    check_told(&["report", "--schema"], REPORT, "report.schema.json");
    check_told(&["report", "--schema", "compare"], COMPARE, "compare.schema.json");
}

/// Every schema of an object with properties, by its place.
fn objects<'a>(schema: &'a Json, place: &str, found: &mut Vec<(String, &'a Json)>) {
    if schema.get("properties").is_some() {
        found.push((place.to_owned(), schema));
    }
    let inner: Vec<(String, &Json)> = match schema {
        Json::Object(fields) => fields.iter().map(|(name, inner)| (name.clone(), inner)).collect(),
        Json::Array(items) => items.iter().enumerate().map(|(at, inner)| (at.to_string(), inner)).collect(),
        _ => Vec::new(),
    };
    inner.into_iter().for_each(|(name, inner)| objects(inner, &format!("{place}/{name}"), found));
}

#[track_caller]
fn check_fields(schema: &str, at_least: usize) {
    let schema: Json = serde_json::from_str(schema).unwrap();
    let mut all = Vec::new();
    objects(&schema, "", &mut all);
    assert!(all.len() >= at_least, "{}", all.len());
    for (place, object) in all {
        let required = object["required"].as_array().unwrap();
        for (name, field) in object["properties"].as_object().unwrap() {
            assert!(field["description"].is_string(), "{place}: {name} has no description");
            assert!(required.contains(&Json::from(name.as_str())), "{place}: {name} is not required");
        }
    }
}

#[test]
fn the_schemas_describe_each_field_and_demand_it() {
    check_fields(REPORT, 16);
    check_fields(COMPARE, 6);
}
