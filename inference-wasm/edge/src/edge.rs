//! The worker itself: settings, models, and which request gets which answer. It reads no clock and does no I/O; the shell
//! around it does.

use inference_predictor::{Answer, Predictor, Refusal};
use serde_json::{Map, Value as Json};

use crate::auth::Caller;
use crate::call::{Call, Reply};
use crate::config::Config;
use crate::cors::PREFLIGHT;
use crate::describe::{self, LogState};
use crate::fleet::{Fleet, Loaded};
use crate::refusal::{Fault, failure, outside, refusal};
use crate::route::Route;
use crate::{log, oip, openapi, predict};

/// The worker in one isolate.
pub(crate) struct Edge {
    config: Result<Config, Refusal>,
    /// The models in service.
    pub(crate) fleet: Fleet,
    /// How the log fares; none when nothing is logged.
    pub(crate) log: Option<LogState>,
}

impl Edge {
    /// A worker without a model yet. Settings that cannot be read make it refuse every request.
    pub(crate) fn new(vars: &Map<String, Json>, is_logging: bool) -> Self {
        Self { config: Config::parse(vars), fleet: Fleet::default(), log: is_logging.then(LogState::default) }
    }

    /// The settings, or why there are none.
    pub(crate) fn config(&self) -> Result<&Config, Refusal> {
        self.config.as_ref().map_err(Clone::clone)
    }

    /// Who asks, or why the request is answered before its body is read.
    pub(crate) fn admit(
        &self,
        method: &str,
        path: &str,
        authorization: Option<&str>,
        api_key: Option<&str>,
    ) -> Result<Caller, Reply> {
        let Some(route) = Route::find(path) else { return Err(nothing_here().into()) };
        // A worker with wrong settings runs, and is not ready.
        if route == Route::Live && route.takes(method) {
            return Ok(Caller::Anyone);
        }
        let config = self.config()?;
        if method == "OPTIONS" {
            let reply = Reply { status: 204, ..Reply::default() };
            return Err(PREFLIGHT.iter().fold(reply, |reply, (name, value)| reply.with(name, *value)));
        }
        if !route.takes(method) {
            let refusal = refusal(405, "this path takes another method", format!("use {}", route.methods()));
            return Err(Reply::from(refusal).with("allow", route.methods()));
        }
        match config.keys.caller(authorization, api_key) {
            Caller::Stranger if !route.is_open() => {
                Err(refusal(401, "a key is needed", "send `authorization: Bearer KEY` or `x-api-key: KEY`").into())
            }
            caller => Ok(caller),
        }
    }

    /// Answers a request that was admitted.
    pub(crate) fn respond(&self, call: &Call) -> Reply {
        let Some(route) = Route::find(call.path) else { return nothing_here().into() };
        let answered = match route {
            Route::Live => Ok(oip::live()),
            _ => self.config().and_then(|config| self.respond_with(config, route, call)),
        };
        answered.into()
    }

    fn respond_with(&self, config: &Config, route: Route, call: &Call) -> Result<Reply, Refusal> {
        let fleet = &self.fleet;
        match route {
            Route::Predict => self.predict(config, call),
            Route::Infer(named) => {
                let id = oip::id_in(call.body)?;
                let predictor = &oip::find(fleet, named, Some(id.as_deref().unwrap_or(call.id)))?.predictor;
                let inferred = oip::infer(predictor, call, config.max_rows)?;
                Ok(oip::to_reply(predictor, &inferred)?.logging(self.lines(
                    config,
                    predictor,
                    &inferred.answer,
                    call,
                    log::SOURCE,
                )))
            }
            Route::Health => describe::health(config, fleet, self.log),
            Route::Model => describe::model(fleet),
            Route::OpenApi => Ok(Reply::json(&openapi::document(&fleet.champion()?.predictor, config))),
            Route::Server => Ok(oip::server()),
            Route::Live => Ok(oip::live()),
            Route::Ready => oip::ready(fleet),
            Route::ModelMetadata(named) => oip::model_metadata(fleet, named),
            Route::ModelReady(named) => oip::model_ready(fleet, named),
        }
    }

    fn predict(&self, config: &Config, call: &Call) -> Result<Reply, Refusal> {
        let Loaded { predictor, .. } = self.fleet.of(call.id)?.as_ref();
        let answer = predict::whole(predictor, call, config.max_rows)?;
        let log = self.lines(config, predictor, &answer, call, log::SOURCE);
        Ok(Reply::json_text(200, answer.to_json(predictor)).logging(log))
    }

    /// Answers whole lines of a stream; `first_row` is how many records came before.
    pub(crate) fn stream(&self, call: &Call, first_row: usize) -> Reply {
        let answered = self.config().and_then(|config| {
            let predictor = &self.fleet.of(call.id)?.predictor;
            let answer = predict::lines(predictor, call, first_row)?;
            let log = self.lines(config, predictor, &answer, call, log::SOURCE);
            Ok(Reply::lines(predict::to_lines(predictor, answer)).logging(log))
        });
        answered.into()
    }

    /// What the shadow says to a request that was answered, without explanations: lines for the log. A stream's lines come with `first_row`.
    pub(crate) fn shadow(&self, call: &Call, first_row: Option<usize>) -> Option<String> {
        let config = self.config().ok()?;
        let infer = matches!(Route::find(call.path)?, Route::Infer(_));
        let own_id = if infer { oip::id_in(call.body).ok()? } else { None };
        let call = &Call { id: own_id.as_deref().unwrap_or(call.id), query: "", ..*call };
        let predictor = &self.fleet.shadow_of(call.id)?.predictor;
        let answer = match first_row {
            Some(first_row) => predict::lines(predictor, call, first_row),
            None if infer => oip::infer(predictor, call, config.max_rows).map(|inferred| inferred.answer),
            None => predict::whole(predictor, call, config.max_rows),
        };
        self.lines(config, predictor, &answer.ok()?, call, log::SHADOW)
    }

    /// Whether a shadow is asked beside the model that an id leads to, and what it says is logged.
    pub(crate) fn has_shadow(&self, id: &str) -> bool {
        self.log.is_some() && self.fleet.shadow_of(id).is_some()
    }

    fn lines(&self, config: &Config, predictor: &Predictor, answer: &Answer, call: &Call, source: &str) -> Option<String> {
        self.log.and_then(|_| log::lines(config, predictor, answer, call.time, source))
    }

    /// The answer to what goes wrong while a request is read.
    pub(crate) fn fault(&self, fault: Fault) -> Reply {
        let limits = self.config().map(|config| outside(fault, config.outside.max_body_bytes, config.outside.timeout_ms));
        limits.unwrap_or_else(|_| failure()).into()
    }

    /// The headers that every answer has: how it may be read and kept.
    pub(crate) fn headers(&self, reply: &Reply, origin: Option<&str>) -> Vec<(&'static str, String)> {
        let mut headers = self.config().map_or_else(|_| Vec::new(), |config| config.origins.headers(origin));
        if !reply.content_type.is_empty() {
            headers.extend([("content-type", reply.content_type.to_owned()), ("cache-control", "no-store".to_owned())]);
        }
        headers.push(("x-content-type-options", "nosniff".into()));
        headers.extend(reply.headers.iter().map(|(name, value)| (*name, value.to_string())));
        headers
    }
}

fn nothing_here() -> Refusal {
    refusal(404, "there is nothing at this path", "there are POST /predict, GET /model, /health, /openapi.json and /v2")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::tests::fleet;
    use crate::rows::tests::record;
    use serde_json::json;

    const KEY: &str = "a-key-of-twenty-char";

    fn edge(vars: Json, role: &str) -> Edge {
        Edge { fleet: fleet(role, 1.0), ..Edge::new(vars.as_object().unwrap(), true) }
    }

    #[track_caller]
    fn check_admitted(vars: Json, method: &str, path: &str, key: Option<&str>, status: Result<Caller, u16>) {
        let admitted = edge(vars, "shadow").admit(method, path, None, key);
        assert_eq!(admitted.map_err(|reply| reply.status), status);
    }

    #[test]
    fn requests_are_let_in_or_refused_before_their_body_is_read() {
        let keys = || json!({ "API_KEYS": KEY });
        check_admitted(json!({}), "POST", "/predict", None, Ok(Caller::Anyone));
        check_admitted(json!({}), "GET", "/predict", None, Err(405));
        check_admitted(json!({}), "OPTIONS", "/predict", None, Err(204));
        check_admitted(json!({}), "GET", "/nowhere", None, Err(404));
        check_admitted(keys(), "POST", "/predict", None, Err(401));
        check_admitted(keys(), "POST", "/predict", Some(KEY), Ok(Caller::Key(0)));
        check_admitted(keys(), "POST", "/predict", Some("wrong"), Err(401));
        check_admitted(keys(), "OPTIONS", "/predict", None, Err(204));
        check_admitted(keys(), "GET", "/health", None, Ok(Caller::Stranger));
        check_admitted(json!({ "API_KEYS": "short" }), "POST", "/predict", Some("short"), Err(500));
        check_admitted(json!({ "API_KEYS": "short" }), "GET", "/health", None, Err(500));
        check_admitted(json!({ "API_KEYS": "short" }), "GET", "/v2/health/live", None, Ok(Caller::Anyone));
    }

    fn call<'a>(path: &'a str, body: &'a str) -> Call<'a> {
        Call { path, query: "", id: "request", time: "2026-11-24T18:00:00.000Z", body: body.as_bytes() }
    }

    fn logged(log: Option<&str>) -> Vec<(String, String)> {
        let text = |line: &Json, name: &str| line[name].as_str().unwrap().to_owned();
        let lines = log.unwrap_or_default().lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
        lines.map(|line| (text(&line, "id"), text(&line, "source"))).collect()
    }

    #[test]
    fn a_shadow_logs_what_it_says_under_the_same_id() {
        let edge = edge(json!({}), "shadow");
        let body = record().to_string();
        let reply = edge.respond(&call("/predict", &body));
        assert_eq!((reply.status, logged(reply.log.as_deref())), (200, vec![("request".into(), "edge".into())]));
        let shadow = edge.shadow(&call("/predict", &body), None);
        assert_eq!(logged(shadow.as_deref()), [("request".into(), "shadow".into())]);
        let lines = edge.shadow(&call("/predict", &body), Some(7));
        assert_eq!(logged(lines.as_deref()), [("request-7".into(), "shadow".into())]);
    }

    #[test]
    fn a_shadow_without_a_background_is_asked_beside_one_that_explains() {
        let body = record().to_string();
        let call = Call { query: "explain=1", ..call("/predict", &body) };
        let edge = edge(json!({}), "shadow");
        assert_eq!(edge.respond(&call).status, 400);
        assert_eq!(logged(edge.shadow(&call, None).as_deref()), [("request".into(), "shadow".into())]);
    }

    #[test]
    fn without_a_place_for_it_nothing_is_logged() {
        let mut edge = edge(json!({}), "shadow");
        edge.log = None;
        let body = record().to_string();
        assert_eq!(edge.respond(&call("/predict", &body)).log, None);
        assert_eq!(edge.shadow(&call("/predict", &body), None), None);
    }

    #[test]
    fn health_tells_what_serves_and_what_was_refused() {
        let mut edge = edge(json!({ "LOG_MASK": "agee" }), "canary");
        let health: Json = serde_json::from_str(&edge.respond(&call("/health", "")).body).unwrap();
        assert_eq!((&health["status"], &health["source"]), (&json!("degraded"), &json!("store")));
        assert_eq!(health["challenger"]["role"], "canary");
        assert!(health["warnings"][0].as_str().unwrap().contains("agee"));
        edge.fleet = Fleet::default();
        assert_eq!(edge.respond(&call("/health", "")).status, 503);
        assert_eq!(edge.respond(&call("/v2/health/ready", "")).status, 503);
        assert_eq!(edge.respond(&call("/v2/health/live", "")).status, 200);
        assert_eq!(edge.respond(&call("/predict", "{}")).status, 503);
    }

    #[test]
    fn headers_say_who_may_read_an_answer() {
        let edge = edge(json!({ "CORS_ORIGINS": "https://a.example" }), "shadow");
        let reply = edge.respond(&call("/health", ""));
        let allowed = |origin| edge.headers(&reply, Some(origin)).iter().any(|(name, _)| *name == "access-control-allow-origin");
        assert!(allowed("https://a.example") && !allowed("https://b.example"));
    }
}
