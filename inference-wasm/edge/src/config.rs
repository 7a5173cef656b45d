//! Settings, from the worker's variables and secrets. A value that cannot be read stops the worker rather than being passed over.

use std::str::FromStr;

use inference_predictor::{MAX_BODY_BYTES, MAX_ROWS, Refusal};
use serde_json::{Map, Value as Json};

use crate::auth::Keys;
use crate::cors::Origins;
use crate::refusal::refusal;

/// What the worker was told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Config {
    /// Who may ask; everyone when there are none.
    pub(crate) keys: Keys,
    /// Pages of which origins may call.
    pub(crate) origins: Origins,
    /// The most records in a body.
    pub(crate) max_rows: usize,
    /// The share of predictions that are logged, from 0 to 1.
    pub(crate) log_sample: f64,
    /// Columns whose values are logged as null.
    pub(crate) log_mask: Vec<String>,
    /// What the shell goes by.
    pub(crate) outside: Outside,
}

/// Settings of the shell, which does the I/O.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outside {
    /// The longest body, and the longest line of a stream.
    pub(crate) max_body_bytes: usize,
    /// The longest stream.
    pub(crate) max_stream_bytes: u64,
    /// How long a sender may take for a body, or for the next piece of a stream.
    pub(crate) timeout_ms: u32,
    /// Name of the pointer file in the store of models.
    pub(crate) model_pointer: String,
    /// How often the pointer is looked at.
    pub(crate) model_check_secs: f64,
    /// Where predictions are posted.
    pub(crate) collector: Collector,
    /// How long a post is tried again before its lines become dead letters.
    pub(crate) log_retry_secs: f64,
    /// The most lines that wait in memory; more become dead letters at once.
    pub(crate) log_buffer_lines: u32,
}

/// The monitor's collector.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Collector {
    /// Its address; empty for none.
    pub(crate) url: String,
    /// The key that it asks for; empty for none.
    pub(crate) key: String,
}

const MOST_BODY_BYTES: usize = 16 << 20;

impl Config {
    /// Reads the variables, an object of texts. Numbers may be JSON numbers.
    pub(crate) fn parse(vars: &Map<String, Json>) -> Result<Self, Refusal> {
        let vars = Vars(vars);
        Ok(Self {
            keys: Keys::parse(&vars.text("API_KEYS")).map_err(|error| wrong("API_KEYS", &error))?,
            origins: Origins::parse(&vars.text("CORS_ORIGINS")).map_err(|error| wrong("CORS_ORIGINS", &error))?,
            max_rows: vars.number("MAX_ROWS", MAX_ROWS, 1, 100_000)?,
            log_sample: vars.number("LOG_SAMPLE", 1.0, 0.0, 1.0)?,
            log_mask: list(&vars.text("LOG_MASK")).map(str::to_owned).collect(),
            outside: vars.outside()?,
        })
    }
}

/// The words of a list, parted by commas or white space.
pub(crate) fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty())
}

struct Vars<'a>(&'a Map<String, Json>);

impl Vars<'_> {
    fn outside(&self) -> Result<Outside, Refusal> {
        let pointer = self.text("MODEL_POINTER");
        Ok(Outside {
            max_body_bytes: self.number("MAX_BODY_BYTES", MAX_BODY_BYTES, 1024, MOST_BODY_BYTES)?,
            max_stream_bytes: self.number("MAX_STREAM_BYTES", 256 << 20, 1024, 1 << 40)?,
            timeout_ms: self.number("TIMEOUT_MS", 10_000, 10, 300_000)?,
            model_pointer: if pointer.is_empty() { "pointer.json".into() } else { pointer },
            model_check_secs: self.number("MODEL_CHECK_SECS", 60.0, 0.05, 86_400.0)?,
            collector: Collector { url: self.address("COLLECTOR_URL")?, key: self.text("COLLECTOR_KEY") },
            log_retry_secs: self.number("LOG_RETRY_SECS", 20.0, 0.0, 3600.0)?,
            log_buffer_lines: self.number("LOG_BUFFER_LINES", 20_000, 1, 1_000_000)?,
        })
    }

    /// A variable's text; empty when it is not there or null.
    fn text(&self, name: &str) -> String {
        match self.0.get(name) {
            Some(Json::String(text)) => text.trim().to_owned(),
            Some(Json::Number(number)) => number.to_string(),
            _ => String::new(),
        }
    }

    fn number<T: FromStr + PartialOrd + std::fmt::Display>(
        &self,
        name: &str,
        default: T,
        least: T,
        most: T,
    ) -> Result<T, Refusal> {
        let text = self.text(name);
        if text.is_empty() {
            return Ok(default);
        }
        match text.parse::<T>() {
            Ok(number) if number >= least && number <= most => Ok(number),
            _ => Err(wrong(name, &format!("is no number from {least} to {most}"))),
        }
    }

    fn address(&self, name: &str) -> Result<String, Refusal> {
        let text = self.text(name);
        if text.is_empty() || text.starts_with("https://") || text.starts_with("http://") {
            return Ok(text.trim_end_matches('/').to_owned());
        }
        Err(wrong(name, "is no http or https address"))
    }
}

fn wrong(name: &str, error: &str) -> Refusal {
    refusal(
        500,
        format!("the worker's variable {name} {error}"),
        "whoever deployed the worker sets it in wrangler.jsonc or workerd.capnp",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(vars: Json) -> Result<Config, Refusal> {
        Config::parse(vars.as_object().unwrap())
    }

    #[test]
    fn nothing_need_be_set() {
        let config = parse(json!({ "COLLECTOR_URL": null })).unwrap();
        assert_eq!((config.max_rows, config.log_sample, config.log_mask.len()), (MAX_ROWS, 1.0, 0));
        assert_eq!((config.outside.max_body_bytes, config.outside.collector.url.as_str()), (MAX_BODY_BYTES, ""));
    }

    #[test]
    fn texts_and_numbers_are_read() {
        let config =
            parse(json!({ "MAX_ROWS": 5, "LOG_SAMPLE": "0.25", "LOG_MASK": "age, balance", "COLLECTOR_URL": "http://c/", "COLLECTOR_KEY": " secret" }))
                .unwrap();
        assert_eq!((config.max_rows, config.log_sample), (5, 0.25));
        assert_eq!(config.log_mask, ["age", "balance"]);
        assert_eq!(config.outside.collector, Collector { url: "http://c".into(), key: "secret".into() });
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (vars, name) in [
            (json!({ "MAX_ROWS": "many" }), "MAX_ROWS"),
            (json!({ "LOG_SAMPLE": "2" }), "LOG_SAMPLE"),
            (json!({ "LOG_SAMPLE": "NaN" }), "LOG_SAMPLE"),
            (json!({ "COLLECTOR_URL": "collector" }), "COLLECTOR_URL"),
            (json!({ "API_KEYS": "short" }), "API_KEYS"),
            (json!({ "CORS_ORIGINS": "example.com" }), "CORS_ORIGINS"),
        ] {
            let refusal = parse(vars).unwrap_err();
            assert!(refusal.status == 500 && refusal.error.contains(name), "{refusal:?}");
        }
    }
}
