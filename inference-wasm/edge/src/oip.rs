//! The Open Inference Protocol v2, as KServe, Triton and MLServer speak it, over HTTP and JSON.
//! <https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md>

use inference_predictor::{Answer, Predictor, Refusal};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::call::{Call, Reply};
use crate::fleet::{Fleet, Loaded};
use crate::refusal::{bad_request, refusal};
use crate::route::Named;
use crate::rows;
use crate::tensors::{self, Input, Output};

/// The longest id that is taken over.
const MAX_ID_BYTES: usize = 128;
const REQUEST_HINT: &str = "an infer request is {\"inputs\": [{\"name\", \"shape\", \"datatype\", \"data\"}]}, with one input a column or the input `features`";

/// A request to infer.
#[derive(Deserialize)]
struct Request {
    #[serde(default)]
    id: Option<String>,
    inputs: Vec<Input>,
    #[serde(default)]
    outputs: Vec<Wanted>,
}

#[derive(Deserialize)]
struct Wanted {
    name: String,
}

/// The answer to a request to infer.
#[derive(Serialize)]
struct Response<'a> {
    model_name: &'a str,
    model_version: String,
    id: &'a str,
    outputs: Vec<Output>,
}

/// What was asked, answered; and which outputs are wanted, under which id.
pub(crate) struct Inferred {
    /// The predictions.
    pub(crate) answer: Answer,
    id: String,
    wanted: Vec<String>,
}

/// `GET /v2`
pub(crate) fn server() -> Reply {
    Reply::json(&json!({ "name": "tidemark", "version": env!("CARGO_PKG_VERSION"), "extensions": [] }))
}

/// `GET /v2/health/live`
pub(crate) fn live() -> Reply {
    Reply::json(&json!({ "live": true }))
}

/// `GET /v2/health/ready`
pub(crate) fn ready(fleet: &Fleet) -> Result<Reply, Refusal> {
    fleet.champion().map(|_| Reply::json(&json!({ "ready": true })))
}

/// `GET /v2/models/{name}[/versions/{version}]/ready`
pub(crate) fn model_ready(fleet: &Fleet, named: Named) -> Result<Reply, Refusal> {
    let loaded = find(fleet, named, None)?;
    Ok(Reply::json(&json!({ "name": loaded.predictor.name(), "ready": true })))
}

/// `GET /v2/models/{name}[/versions/{version}]`
pub(crate) fn model_metadata(fleet: &Fleet, named: Named) -> Result<Reply, Refusal> {
    let predictor = &find(fleet, named, None)?.predictor;
    let trial = fleet.trial().map(|trial| &trial.loaded);
    let versions: Vec<String> =
        fleet.champion().into_iter().chain(trial).map(|loaded| loaded.predictor.version().to_string()).collect();
    let (inputs, outputs) = tensors::metadata(predictor.contract());
    Ok(Reply::json(
        &json!({ "name": predictor.name(), "versions": versions, "platform": "onnx", "inputs": inputs, "outputs": outputs }),
    ))
}

/// The model that a path names. Without a version it is whichever the id leads to.
pub(crate) fn find<'a>(fleet: &'a Fleet, named: Named, id: Option<&str>) -> Result<&'a Loaded, Refusal> {
    let champion = fleet.champion()?;
    if decoded(named.name) != champion.predictor.name().as_bytes() {
        return Err(refusal(404, "there is no model of this name", format!("the model's name is {}", champion.predictor.name())));
    }
    let found = match (named.version, id) {
        (Some(version), _) => version.parse().ok().and_then(|version| fleet.of_version(version)),
        (None, Some(id)) => Some(fleet.of(id)?),
        (None, None) => Some(champion),
    };
    let hint = || format!("version {} is in service", champion.predictor.version());
    found.map(|loaded| loaded.as_ref()).ok_or_else(|| refusal(404, "there is no such version of this model in service", hint()))
}

/// Answers a request to infer.
pub(crate) fn infer(predictor: &Predictor, call: &Call, max_rows: usize) -> Result<Inferred, Refusal> {
    let request = parse(call.body)?;
    let id = request.id.unwrap_or_else(|| call.id.to_owned());
    let contract = predictor.contract();
    let checked = tensors::rows(contract, request.inputs, max_rows)?.iter().map(|row| contract.record_from_value(row)).collect();
    let mut answer = rows::many(predictor, checked)?;
    answer.identify(&id);
    match &answer {
        Answer::Many(rows) if rows.is_empty() => Err(bad_request("the inputs hold no row", REQUEST_HINT)),
        Answer::Many(rows) => match rows.iter().enumerate().find_map(|(row, answer)| Some((row, answer.as_ref().err()?))) {
            Some((row, refused)) => Err(tensors::bad_row(row, refused)),
            None => Ok(Inferred { answer, id, wanted: request.outputs.into_iter().map(|output| output.name).collect() }),
        },
        Answer::One(_) => unreachable!("rows have many answers"),
    }
}

/// The answer's body.
pub(crate) fn to_reply(predictor: &Predictor, inferred: &Inferred) -> Result<Reply, Refusal> {
    let outputs = tensors::outputs(predictor, &inferred.answer, &inferred.wanted)?;
    let version = predictor.version().to_string();
    Ok(Reply::json(&Response { model_name: predictor.name(), model_version: version, id: &inferred.id, outputs }))
}

/// The id that the body of a request carries, by which its model is chosen.
pub(crate) fn id_in(body: &[u8]) -> Result<Option<String>, Refusal> {
    #[derive(Deserialize)]
    struct Identified {
        #[serde(default)]
        id: Option<String>,
    }
    let not_read = |error: serde_json::Error| unreadable(&error);
    match serde_json::from_slice::<Identified>(body).map_err(not_read)?.id {
        Some(id) if !fits(&id) => Err(bad_request(
            format!("the id is no text of 1 to {MAX_ID_BYTES} visible characters"),
            "leave it out, or send a UUID",
        )),
        id => Ok(id),
    }
}

/// Whether an id may stand in a log.
pub(crate) fn fits(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_ID_BYTES && id.bytes().all(|byte| byte.is_ascii_graphic())
}

fn parse(body: &[u8]) -> Result<Request, Refusal> {
    serde_json::from_slice(body).map_err(|error| unreadable(&error))
}

fn unreadable(error: &serde_json::Error) -> Refusal {
    let place = format!("line {}, column {}", error.line(), error.column());
    bad_request(format!("the body is no infer request: {place}"), REQUEST_HINT)
}

/// The bytes that a percent-encoded part of a path stands for.
fn decoded(part: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = match (byte, digit(after.first()), digit(after.get(1))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                &after[2..]
            }
            _ => {
                decoded.push(*byte);
                after
            }
        };
    }
    decoded
}

/// What an infer request and its answer look like, for the OpenAPI document.
pub(crate) fn schemas() -> [(&'static str, Json); 2] {
    let tensor = json!({
        "type": "object",
        "required": ["name", "shape", "datatype", "data"],
        "properties": {
            "name": { "type": "string" },
            "shape": { "type": "array", "items": { "type": "integer", "minimum": 0 } },
            "datatype": { "type": "string" },
            "data": { "type": "array" },
        },
    });
    let request = json!({
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": { "type": "string", "minLength": 1, "maxLength": MAX_ID_BYTES },
            "inputs": { "type": "array", "items": tensor },
            "outputs": { "type": "array", "items": { "type": "object", "required": ["name"], "properties": { "name": { "enum": ["label", "probabilities"] } } } },
        },
    });
    let answer = json!({
        "type": "object",
        "required": ["model_name", "model_version", "id", "outputs"],
        "properties": {
            "model_name": { "type": "string" },
            "model_version": { "type": "string" },
            "id": { "type": "string" },
            "outputs": { "type": "array", "items": tensor },
        },
    });
    [("InferRequest", request), ("InferAnswer", answer)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::tests::fleet;
    use crate::rows::tests::{predictor, record};

    fn body(extra: Json) -> String {
        let inputs: Vec<Json> = record()
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| json!({ "name": name, "shape": [1], "datatype": "BYTES", "data": [value] }))
            .collect();
        let mut body = json!({ "inputs": inputs });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body.to_string()
    }

    fn inferred(body: &str) -> Result<Json, Refusal> {
        let predictor = predictor();
        let inferred = infer(&predictor, &Call { id: "call", body: body.as_bytes(), ..Call::default() }, 3)?;
        Ok(serde_json::from_str(&to_reply(&predictor, &inferred)?.body).unwrap())
    }

    #[test]
    fn an_answer_holds_label_and_probabilities() {
        let answer = inferred(&body(json!({ "id": "mine" }))).unwrap();
        assert_eq!((answer["id"].as_str(), answer["model_version"].is_string()), (Some("mine"), true));
        assert_eq!(answer["outputs"][0]["shape"], json!([1]));
        assert_eq!(answer["outputs"][1]["shape"], json!([1, 2]));
    }

    #[test]
    fn only_wanted_outputs_are_sent() {
        let answer = inferred(&body(json!({ "outputs": [{ "name": "label" }] }))).unwrap();
        assert_eq!((answer["outputs"].as_array().unwrap().len(), answer["id"].as_str()), (1, Some("call")));
        assert!(inferred(&body(json!({ "outputs": [{ "name": "secret" }] }))).unwrap_err().error.contains("an output"));
    }

    #[test]
    fn bad_requests_are_refused() {
        for text in ["", "{}", "[]", r#"{"inputs": "secret"}"#, r#"{"inputs": []}"#, r#"{"inputs": [{"name": "age"}]}"#] {
            let refusal = inferred(text).unwrap_err();
            assert!(refusal.status == 400 && !refusal.error.contains("secret"), "{refusal:?}");
        }
        let refusal = inferred(
            &body(json!({})).replacen("\"data\":[", "\"data\":[[", 1).replacen("]}", "]]}", 1).replace("41", "\"secret\""),
        )
        .err();
        assert!(refusal.is_none_or(|refusal| !refusal.error.contains("secret")));
    }

    #[test]
    fn an_id_that_cannot_be_logged_is_refused() {
        assert_eq!(id_in(br#"{"id": "a", "inputs": []}"#).unwrap().as_deref(), Some("a"));
        assert_eq!(id_in(b"{}").unwrap(), None);
        for body in [
            r#"{"id": ""}"#.into(),
            r#"{"id": "a b"}"#.into(),
            format!(r#"{{"id": "{}"}}"#, "x".repeat(129)),
            r#"{"id": 7}"#.into(),
        ] {
            assert_eq!(id_in(body.as_bytes()).unwrap_err().status, 400);
        }
    }

    #[test]
    fn models_are_found_by_name_and_version() {
        let fleet = fleet("shadow", 1.0);
        let name = fleet.champion().unwrap().predictor.name().to_owned();
        let version = fleet.champion().unwrap().predictor.version().to_string();
        let found =
            |name: &str, version| find(&fleet, Named { name, version }, None).map(|_| ()).map_err(|refusal| refusal.status);
        assert_eq!(found(&name, None), Ok(()));
        assert_eq!(found(&name.replace('g', "%67"), Some(&version)), Ok(()));
        assert_eq!(found("other", None), Err(404));
        assert_eq!(found(&name, Some("4000")), Err(404));
        assert_eq!(found(&name, Some("x")), Err(404));
    }

    #[test]
    fn percent_signs_are_decoded() {
        assert_eq!(decoded("a%20b%2x%"), b"a b%2x%");
    }
}
