//! `GET /openapi.json`: the interface as OpenAPI 3.1, whose schemas are JSON Schema 2020-12 as the contract's is.

use data_contract::Contract;
use inference_predictor::{Method, Predictor, Scale};
use serde_json::{Map, Value as Json, json};

use crate::call::NDJSON;
use crate::config::Config;
use crate::oip;
use crate::wanted::MAX_EXPLAINED;

/// The document.
pub(crate) fn document(predictor: &Predictor, config: &Config) -> Json {
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": predictor.name(),
            "description": format!("Predicts `{}`.", predictor.contract().target.name),
            "version": predictor.version().to_string(),
        },
        "paths": paths(predictor),
        "components": { "schemas": schemas(predictor.contract()), "responses": { "Error": error() } },
    });
    if config.keys.are_asked_for() {
        document["components"]["securitySchemes"] = json!({
            "bearer": { "type": "http", "scheme": "bearer" },
            "key": { "type": "apiKey", "in": "header", "name": "x-api-key" },
        });
        document["security"] = json!([{ "bearer": [] }, { "key": [] }]);
    }
    document
}

fn paths(predictor: &Predictor) -> Json {
    let name = json!([{ "name": "name", "in": "path", "required": true, "schema": { "const": predictor.name() } }]);
    let version = json!([name[0], { "name": "version", "in": "path", "required": true, "schema": { "type": "string" } }]);
    let mut paths = json!({
        "/predict": { "post": predict() },
        "/model": { "get": get("model", "The model and its contract", true) },
        "/health": { "get": get("health", "How the worker is", false) },
        "/openapi.json": { "get": get("openapi", "This document", true) },
        "/v2": { "get": get("server", "Open Inference Protocol v2: the server", true) },
        "/v2/health/live": { "get": get("live", "Whether the worker runs", false) },
        "/v2/health/ready": { "get": get("ready", "Whether a model answers", false) },
    });
    for (path, parameters, suffix) in
        [("/v2/models/{name}", name, ""), ("/v2/models/{name}/versions/{version}", version, "Version")]
    {
        for (end, item) in of_model(suffix, &parameters) {
            paths[format!("{path}{end}")] = item;
        }
    }
    paths
}

fn of_model(suffix: &str, parameters: &Json) -> [(&'static str, Json); 3] {
    let item = |operation: Json, method: &str| {
        let mut item = json!({ "parameters": parameters });
        item[method] = operation;
        item
    };
    [
        ("", item(get(&format!("metadata{suffix}"), "The model's tensors", true), "get")),
        ("/ready", item(get(&format!("modelReady{suffix}"), "Whether the model answers", true), "get")),
        ("/infer", item(infer(&format!("infer{suffix}")), "post")),
    ]
}

fn predict() -> Json {
    let one_or_many = json!({ "oneOf": [
        { "$ref": "#/components/schemas/Record" },
        { "type": "array", "items": { "$ref": "#/components/schemas/Record" } },
        { "type": "object", "properties": { "records": { "type": "array", "items": { "$ref": "#/components/schemas/Record" } } }, "required": ["records"], "additionalProperties": false },
    ]});
    let answer =
        json!({ "oneOf": [{ "$ref": "#/components/schemas/Prediction" }, { "$ref": "#/components/schemas/Predictions" }] });
    let row = json!({ "oneOf": [{ "$ref": "#/components/schemas/Prediction" }, { "$ref": "#/components/schemas/Refused" }] });
    json!({
        "operationId": "predict",
        "summary": "Predicts one record, many, or a stream of lines",
        "parameters": [
            { "name": "x-request-id", "in": "header", "schema": { "type": "string", "maxLength": 128 },
              "description": "Under which the prediction is logged; one is made where there is none." },
            { "name": "explain", "in": "query", "schema": { "enum": ["1", "true", "0", "false"], "default": "0" },
              "description": format!("With 1, what each column adds to each prediction; for up to {MAX_EXPLAINED} records, and not for lines.") },
        ],
        "requestBody": { "required": true, "content": {
            "application/json": { "schema": one_or_many },
            NDJSON: { "schema": { "$ref": "#/components/schemas/Record" } },
        }},
        "responses": responses(json!({ "application/json": { "schema": answer }, NDJSON: { "schema": row } })),
    })
}

fn infer(id: &str) -> Json {
    json!({
        "operationId": id,
        "summary": "Open Inference Protocol v2: one tensor a column, or the tensor `features`",
        "requestBody": { "required": true, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/InferRequest" } } } },
        "responses": responses(json!({ "application/json": { "schema": { "$ref": "#/components/schemas/InferAnswer" } } })),
    })
}

fn get(id: &str, summary: &str, is_protected: bool) -> Json {
    let mut operation = json!({
        "operationId": id,
        "summary": summary,
        "responses": responses(json!({ "application/json": { "schema": { "type": "object" } } })),
    });
    if !is_protected {
        operation["security"] = json!([]);
    }
    operation
}

fn responses(content: Json) -> Json {
    json!({ "200": { "description": "The answer", "content": content }, "default": { "$ref": "#/components/responses/Error" } })
}

fn error() -> Json {
    json!({ "description": "What is wrong, and what to do about it", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } } })
}

fn schemas(contract: &Contract) -> Json {
    let mut schemas: Map<String, Json> = oip::schemas().into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    schemas.insert("Record".into(), record(contract));
    schemas.insert("Prediction".into(), prediction(contract));
    schemas.insert("Explanation".into(), explanation(contract));
    schemas.insert("Predictions".into(), predictions());
    schemas.insert("Refused".into(), refused());
    schemas.insert("Error".into(), json!({
        "type": "object", "required": ["error", "hint"], "properties": { "error": { "type": "string" }, "hint": { "type": "string" } },
    }));
    Json::Object(schemas)
}

/// The contract's schema without what it carries for our own readers.
fn record(contract: &Contract) -> Json {
    let mut schema = contract.to_json_schema();
    if let Some(fields) = schema.as_object_mut() {
        fields.retain(|name, _| name != "$schema" && !name.starts_with("x-"));
    }
    schema
}

fn prediction(contract: &Contract) -> Json {
    let classes = &contract.target.classes;
    let probabilities: Map<String, Json> =
        classes.iter().map(|class| (class.clone(), json!({ "type": "number", "minimum": 0, "maximum": 1 }))).collect();
    json!({
        "type": "object",
        "required": ["id", "label", "probabilities", "flags", "model"],
        "properties": {
            "id": { "type": "string", "description": "Under which the prediction is logged, and its true class reported later" },
            "label": { "enum": classes },
            "probabilities": { "type": "object", "properties": probabilities, "required": classes },
            "threshold": { "type": "number", "description": "The probability above which the positive class is predicted" },
            "flags": { "type": "array", "items": { "type": "object", "required": ["kind", "column"], "properties": {
                "kind": { "enum": ["unseen-level", "out-of-range", "far-date"] }, "column": { "type": "string" } } } },
            "explanation": { "$ref": "#/components/schemas/Explanation" },
            "model": model(),
        },
    })
}

/// What each column adds to a prediction; the contributions add up to `value`, less `base`.
fn explanation(contract: &Contract) -> Json {
    let probability = json!({ "type": "number", "minimum": 0, "maximum": 1 });
    let columns: Vec<&str> = contract.columns.iter().map(|column| column.name.as_str()).collect();
    json!({
        "type": "object",
        "description": "Shapley values against the background that the model carries",
        "required": ["class", "scale", "base", "value", "base_probability", "probability", "method", "contributions"],
        "properties": {
            "class": { "enum": contract.target.classes },
            "scale": { "enum": [Scale::LogOdds, Scale::RawProbability, Scale::Probability], "description": "What contributions add up in" },
            "base": { "type": "number", "description": "The background's mean, on the scale" },
            "value": { "type": "number", "description": "The record's, on the scale: the base and all contributions" },
            "base_probability": probability,
            "probability": probability,
            "method": { "enum": [Method::Trees, Method::Linear, Method::Orders], "description": "Exact for trees and linear models, else from random orders of the columns" },
            "standard_error": { "type": "number", "minimum": 0, "description": "The largest of a contribution, where they are not exact" },
            "contributions": { "type": "array", "items": { "type": "object", "required": ["column", "contribution"], "additionalProperties": false, "properties": {
                "column": { "enum": columns },
                "contribution": { "type": "number", "description": "On the scale" },
                "points": { "type": "number", "description": "In probability: these add up to the probability, less the base probability" },
            } } },
        },
        "additionalProperties": false,
    })
}

fn predictions() -> Json {
    json!({
        "type": "object",
        "required": ["predictions", "n_refused", "model"],
        "properties": {
            "predictions": { "type": "array", "items": { "type": "object" }, "description": "A prediction, or why there is none, for each record in order" },
            "n_refused": { "type": "integer", "minimum": 0 },
            "model": model(),
        },
    })
}

fn refused() -> Json {
    json!({
        "type": "object", "required": ["error", "hint", "row"],
        "properties": { "error": { "type": "string" }, "hint": { "type": "string" }, "row": { "type": "integer", "minimum": 0 } },
    })
}

fn model() -> Json {
    json!({
        "type": "object", "required": ["name", "version"],
        "properties": { "name": { "type": "string" }, "version": { "type": "integer" }, "synthetic": { "type": "boolean" } },
    })
}
