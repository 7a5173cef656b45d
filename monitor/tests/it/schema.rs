//! The schema of `report.json`, which lies beside the code for those who read reports by program.

use serde_json::Value as Json;

use crate::home::Fixture;

const COMMITTED: &str = include_str!("../../report.schema.json");

fn told() -> String {
    let output = Fixture::empty().monitor(&["report", "--schema"]).assert().code(0).get_output().clone();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_schema_that_lies_beside_the_code_is_the_one_that_is_told() {
    let told: Json = serde_json::from_str(&told()).unwrap();
    let committed: Json = serde_json::from_str(COMMITTED).unwrap();
    assert!(told == committed, "`monitor report --schema > monitor/report.schema.json` brings it up to date");
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

#[test]
fn the_schema_describes_each_field_and_demands_it() {
    let schema: Json = serde_json::from_str(COMMITTED).unwrap();
    let mut all = Vec::new();
    objects(&schema, "", &mut all);
    assert!(all.len() > 15, "{}", all.len());
    for (place, object) in all {
        let required = object["required"].as_array().unwrap();
        for (name, field) in object["properties"].as_object().unwrap() {
            assert!(field["description"].is_string(), "{place}: {name} has no description");
            assert!(required.contains(&Json::from(name.as_str())), "{place}: {name} is not required");
        }
    }
}
