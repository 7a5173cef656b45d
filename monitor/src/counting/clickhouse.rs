//! Counting by ClickHouse, over its HTTP interface: for logs that lie where ClickHouse reads them faster than this machine does.
//!
//! Source: ClickHouse documentation, "HTTP interface" and "file table function".

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use serde_json::Value as Json;

use super::dialect::Dialect;
use super::engine::{CountEngine, CountedValue};
use crate::failure::Failure;
use crate::tally::Cell;

/// How long one query may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// The place of the files' names in what ClickHouse is to read.
pub(crate) const FILES: &str = "{files}";

/// A ClickHouse server that sees the same log.
pub(crate) struct ClickHouse {
    url: String,
    /// What is read, with [`FILES`] in it.
    log: String,
    /// The folder of the predictions here.
    folder: PathBuf,
    user: Option<(String, String)>,
}

impl ClickHouse {
    /// A server at `url` that reads the parts under `folder` as `log` says; `user` and password where it asks for them.
    pub(crate) fn new(url: &str, log: &str, folder: &Path, user: Option<(String, String)>) -> Self {
        Self { url: url.into(), log: log.into(), folder: folder.into(), user }
    }

    fn ask(&self, sql: &str) -> Result<String, Failure> {
        let failed = |problem: String| Failure::ClickHouse { url: self.url.clone(), problem };
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build();
        let settings = [
            ("default_format", "JSONCompactEachRow"),
            ("output_format_json_quote_denormals", "1"),
            ("max_query_size", "16777216"),
        ];
        let mut request = ureq::Agent::new_with_config(config).post(&self.url).query_pairs(settings);
        if let Some((user, password)) = &self.user {
            request = request.header("X-ClickHouse-User", user).header("X-ClickHouse-Key", password);
        }
        let mut answer = request.send(sql).map_err(|error| failed(error.to_string()))?;
        let text = answer.body_mut().with_config().limit(u64::MAX).read_to_string().map_err(|error| failed(error.to_string()))?;
        match answer.status().is_success() {
            true => Ok(text),
            false => Err(failed(text.lines().next().unwrap_or("it gave no reason").chars().take(300).collect())),
        }
    }
}

impl CountEngine for ClickHouse {
    fn dialect(&self) -> Dialect {
        Dialect::Clickhouse
    }

    fn log(&self, files: &[&Path]) -> Result<String> {
        let inside = |path: &&Path| path.strip_prefix(&self.folder).unwrap_or(path).to_string_lossy().into_owned();
        let names: Vec<String> = files.iter().map(inside).collect();
        let list = if let [only] = names.as_slice() { only.clone() } else { format!("{{{}}}", names.join(",")) };
        Ok(self.log.replace(FILES, &list.replace('\\', "\\\\").replace('\'', "\\'")))
    }

    fn count(&self, sql: &str, take: &mut dyn FnMut(CountedValue)) -> Result<()> {
        for line in self.ask(sql)?.lines() {
            let row: Vec<Json> = serde_json::from_str(line)?;
            let counted = read_row(&row).ok_or_else(|| Failure::ClickHouse {
                url: self.url.clone(),
                problem: format!("this is no row of counts: {}", line.chars().take(200).collect::<String>()),
            })?;
            take(counted);
        }
        Ok(())
    }
}

fn read_row(row: &[Json]) -> Option<CountedValue> {
    let [day, shadow, column, number, text, n] = row else { return None };
    let value = match (float(number), text) {
        (Some(number), _) => Cell::Number(number),
        (None, Json::String(text)) => Cell::Text(text.clone()),
        (None, _) => Cell::Missing,
    };
    Some(CountedValue {
        day: day.as_str()?.parse().ok()?,
        shadow: integer(shadow)? == 1,
        column: usize::try_from(integer(column)?).ok()?,
        value,
        n: integer(n)?,
    })
}

/// Large integers may come as texts.
fn integer(value: &Json) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// What JSON has no numbers for comes as a text.
fn float(value: &Json) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here(url: &str) -> ClickHouse {
        ClickHouse::new(url, "file('predictions/{files}', Parquet)", Path::new("/home/predictions"), None)
    }

    #[test]
    fn files_are_named_as_clickhouse_sees_them() {
        let server = here("http://127.0.0.1:1");
        let of = |files: &[&str]| server.log(&files.iter().map(Path::new).collect::<Vec<_>>()).unwrap();
        assert_eq!(of(&["/home/predictions/dt=1/a.parquet"]), "file('predictions/dt=1/a.parquet', Parquet)");
        assert_eq!(of(&["/home/predictions/a", "/home/predictions/b"]), "file('predictions/{a,b}', Parquet)");
    }

    #[test]
    fn a_row_may_hold_large_counts_and_numbers_that_json_has_not() {
        let row = |text: &str| read_row(&serde_json::from_str::<Vec<Json>>(text).unwrap());
        let counted = row(r#"["2009-03-04",0,1,"nan",null,"9007199254740993"]"#).unwrap();
        assert!(matches!(counted.value, Cell::Number(number) if number.is_nan()));
        assert_eq!((counted.n, counted.shadow, counted.column), (9_007_199_254_740_993, false, 1));
        assert!(matches!(row(r#"["2009-03-04",1,2,null,"a",3]"#).unwrap().value, Cell::Text(text) if text == "a"));
        assert!(row(r#"["2009-03-04",1,2,null,"a"]"#).is_none());
        assert!(row(r#"["yesterday",1,2,null,"a",3]"#).is_none());
    }

    #[test]
    fn a_server_that_is_not_there_is_named() {
        let error = here("http://127.0.0.1:1").count("SELECT 1", &mut |_| {}).unwrap_err();
        assert!(error.to_string().contains("http://127.0.0.1:1"), "{error}");
    }
}
