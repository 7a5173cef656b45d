//! Posting alerts, to a webhook or to Alertmanager: a few tries, then a clear error.

use std::time::Duration;

use serde::Serialize;

use crate::failure::Failure;

const TRIES: u32 = 3;
const TIMEOUT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(300);

/// Posts one body as JSON; any answer from 200 to 299 takes it.
pub(crate) fn post(url: &str, body: &impl Serialize) -> Result<(), Failure> {
    let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).build().into();
    let mut problem = String::new();
    for attempt in 1..=TRIES {
        match agent.post(url).send_json(body) {
            Ok(_) => return Ok(()),
            Err(error) => problem = error.to_string(),
        }
        tracing::warn!(url, attempt, problem, "webhook not reached");
        if attempt < TRIES {
            std::thread::sleep(PAUSE * attempt);
        }
    }
    Err(Failure::Webhook { url: url.into(), problem })
}
