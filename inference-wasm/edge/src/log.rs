//! Predictions as lines of the log, and where a batch of lines lies in the log's layout.

use std::collections::BTreeMap;

use data_contract::{sha256_hex, short};
use inference_predictor::{Answer, Predictor, Scored};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::config::Config;
use crate::traffic::{Purpose, falls_into};

/// Who predicted, for answers.
pub(crate) const SOURCE: &str = "edge";
/// Who predicted, for a model that is only asked beside another.
pub(crate) const SHADOW: &str = "shadow";

/// One line of JSON for each prediction that is in the sample, its masked columns null. `time` is UTC in ISO 8601.
pub(crate) fn lines(config: &Config, predictor: &Predictor, answer: &Answer, time: &str, source: &str) -> Option<String> {
    let mut lines = String::new();
    for scored in answer.scored() {
        if let Some(line) = line(config, predictor, scored, time, source) {
            lines += &line;
            lines.push('\n');
        }
    }
    (!lines.is_empty()).then_some(lines)
}

fn line(config: &Config, predictor: &Predictor, scored: &Scored, time: &str, source: &str) -> Option<String> {
    let id = scored.id.as_deref().filter(|id| falls_into(id, Purpose::Log, config.log_sample))?;
    let mut record =
        predictor.log_record(&scored.record, &scored.prediction, id, time, source).expect("the runtime's clock speaks ISO 8601");
    for column in &config.log_mask {
        if let Some(value) = record.features.get_mut(column) {
            *value = Json::Null;
        }
    }
    Some(serde_json::to_string(&record).expect("a log line holds only what JSON can say"))
}

/// Columns to be masked that the model does not have: perhaps written wrongly.
pub(crate) fn unknown_masks<'a>(config: &'a Config, predictor: &Predictor) -> Vec<&'a str> {
    config.log_mask.iter().map(String::as_str).filter(|name| predictor.contract().position(name).is_none()).collect()
}

/// Sorts lines into objects of the log's layout: name and lines. The same lines make the same names, so a batch that is written
/// twice lies there once. A line that is none of ours goes under `unreadable/`.
pub(crate) fn objects(lines: &str) -> BTreeMap<String, String> {
    let mut folders = BTreeMap::<String, String>::new();
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        let lines = folders.entry(folder(line)).or_default();
        *lines += line;
        lines.push('\n');
    }
    folders
        .into_iter()
        .map(|(folder, lines)| (format!("{folder}/part-{}.ndjson", short(&sha256_hex(lines.as_bytes()))), lines))
        .collect()
}

#[derive(Deserialize)]
struct Place<'a> {
    time: &'a str,
    version: u32,
}

fn folder(line: &str) -> String {
    match serde_json::from_str::<Place>(line) {
        Ok(Place { time, version }) if is_date(time) => format!("predictions/dt={}/model_version={version}", &time[..10]),
        _ => "unreadable".into(),
    }
}

/// Whether a time begins with a date.
fn is_date(time: &str) -> bool {
    time.is_char_boundary(10) && time.len() > 10 && time[..10].bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::tests::{predictor, record};
    use data_contract::PredictionRecord;
    use serde_json::json;

    const TIME: &str = "2026-11-24T18:00:00.000Z";

    fn logged(vars: Json) -> Vec<PredictionRecord> {
        let config = Config::parse(vars.as_object().unwrap()).unwrap();
        let predictor = predictor();
        let body = json!(vec![record(); 200]).to_string();
        let mut answer = crate::rows::answer(&predictor, body.as_bytes(), 1000, crate::wanted::Wanted::Predictions).unwrap();
        answer.identify("request");
        let lines = lines(&config, &predictor, &answer, TIME, SOURCE).unwrap_or_default();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn every_prediction_has_a_line_under_its_id() {
        let records = logged(json!({}));
        assert_eq!(records.len(), 200);
        assert_eq!((records[7].id.as_str(), records[7].source.as_str()), ("request-7", SOURCE));
        assert_eq!(Json::Object(records[0].features.clone()), record());
    }

    #[test]
    fn a_sample_is_a_share_of_the_predictions() {
        let n_lines = logged(json!({ "LOG_SAMPLE": 0.5 })).len();
        assert!((70..130).contains(&n_lines), "{n_lines}");
        assert!(logged(json!({ "LOG_SAMPLE": 0 })).is_empty());
    }

    #[test]
    fn masked_columns_are_null() {
        let records = logged(json!({ "LOG_MASK": "age" }));
        assert_eq!(records[0].features["age"], Json::Null);
        assert_ne!(records[0].features["tenure"], Json::Null);
        let config = Config::parse(json!({ "LOG_MASK": "age, agee" }).as_object().unwrap()).unwrap();
        assert_eq!(unknown_masks(&config, &predictor()), ["agee"]);
    }

    #[test]
    fn lines_lie_by_day_and_version() {
        let line = |day: &str, version: u32| json!({ "time": format!("{day}T00:00:00Z"), "version": version }).to_string();
        let lines =
            [line("2026-11-24", 7), line("2026-11-25", 7), line("2026-11-24", 8), line("2026-11-24", 7), "{".into()].join("\n");
        let objects = objects(&lines);
        let folders: Vec<_> = objects.keys().map(|name| name.rsplit_once('/').unwrap().0).collect();
        assert_eq!(
            folders,
            [
                "predictions/dt=2026-11-24/model_version=7",
                "predictions/dt=2026-11-24/model_version=8",
                "predictions/dt=2026-11-25/model_version=7",
                "unreadable",
            ]
        );
        assert_eq!(objects.values().map(|lines| lines.lines().count()).sum::<usize>(), 5);
        assert_eq!(self::objects(&lines), objects);
    }
}
