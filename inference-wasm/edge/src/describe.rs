//! `GET /health` and `GET /model`: how the worker is, and what it serves.

use inference_predictor::Refusal;
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::call::Reply;
use crate::config::Config;
use crate::fleet::{Fleet, OnTrial, Refused};
use crate::log;
use crate::pointer::Role;

/// How the log fares in this isolate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct LogState {
    /// Lines that wait to be sent.
    pub(crate) waiting: u64,
    /// Lines that went to the dead letters.
    pub(crate) dead: u64,
    /// Lines that are gone, as there is no place for dead letters.
    pub(crate) lost: u64,
}

#[derive(Serialize)]
struct Health<'a> {
    /// `ok`; `degraded` when something newer was refused, or lines were lost.
    status: &'static str,
    name: &'a str,
    version: u32,
    /// `embedded` or `store`.
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    challenger: Option<Trial>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<&'a Refused>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<LogState>,
}

#[derive(Serialize)]
struct Trial {
    version: u32,
    role: Role,
    share: f64,
}

/// `GET /health`: 200 while there is a model that answers.
pub(crate) fn health(config: &Config, fleet: &Fleet, log: Option<LogState>) -> Result<Reply, Refusal> {
    let predictor = &fleet.champion()?.predictor;
    let unknown = log::unknown_masks(config, predictor);
    let warnings: Vec<String> =
        unknown.iter().map(|name| format!("LOG_MASK names `{name}`, which is no column of the model")).collect();
    let is_ok = fleet.refused.is_none() && warnings.is_empty() && log.is_none_or(|log| log.lost == 0);
    Ok(Reply::json(&Health {
        status: if is_ok { "ok" } else { "degraded" },
        name: predictor.name(),
        version: predictor.version(),
        source: if fleet.embedded { "embedded" } else { "store" },
        challenger: fleet.trial().map(trial),
        refused: fleet.refused.as_ref(),
        warnings,
        log,
    }))
}

fn trial(trial: &OnTrial) -> Trial {
    Trial { version: trial.loaded.predictor.version(), role: trial.role, share: trial.share }
}

/// `GET /model`: the champion and its contract.
pub(crate) fn model(fleet: &Fleet) -> Result<Reply, Refusal> {
    let loaded = fleet.champion()?;
    let predictor = &loaded.predictor;
    let description: Json = json!({
        "name": predictor.name(),
        "version": predictor.version(),
        "family": predictor.family(),
        "threshold": predictor.threshold(),
        "synthetic": predictor.synthetic(),
        "sha256": loaded.sha256(),
        "contract": predictor.contract().to_json_schema(),
    });
    Ok(Reply::json(&description))
}
