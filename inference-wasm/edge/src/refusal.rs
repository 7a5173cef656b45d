//! Why a request has no answer: a status, what is wrong, and what to do about it. Nothing of what was sent is repeated.

use data_contract::{Contract, RecordError};
use inference_predictor::Refusal;

/// A refusal with a status, an error and a hint.
pub(crate) fn refusal(status: u16, error: impl Into<String>, hint: impl Into<String>) -> Refusal {
    Refusal { status, error: error.into(), hint: hint.into() }
}

/// A fault of the request.
pub(crate) fn bad_request(error: impl Into<String>, hint: impl Into<String>) -> Refusal {
    refusal(400, error, hint)
}

/// What is wrong with a record, by the contract's words alone. The error itself quotes what was sent.
pub(crate) fn record_error(error: &RecordError) -> String {
    match error {
        RecordError::Syntax(_) => "the record is not JSON".into(),
        RecordError::NotAnObject { .. } => "a record is a JSON object".into(),
        RecordError::MissingColumn { column } => format!("column `{column}` is missing"),
        RecordError::UnknownColumn { .. } => "the record has a column that the model does not know".into(),
        RecordError::WrongKind { column, expected, .. } => format!("column `{column}` expects {expected}"),
        RecordError::NotFinite { column, .. } => format!("column `{column}` expects a finite number"),
        RecordError::TooLong { column, .. } => format!("column `{column}` holds a text that is too long"),
    }
}

/// A record that does not follow the contract.
pub(crate) fn bad_record(error: &RecordError, contract: &Contract) -> Refusal {
    bad_request(record_error(error), error.hint(contract))
}

/// What goes wrong while a request is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Its body is too long.
    Long,
    /// Its body does not come in time.
    Slow,
    /// There were too many before it.
    Rate,
    /// The fault is ours.
    Ours,
}

/// The answer to a fault.
pub(crate) fn outside(fault: Fault, max_body_bytes: usize, timeout_ms: u32) -> Refusal {
    match fault {
        Fault::Long => {
            refusal(413, format!("the body has more than {max_body_bytes} bytes"), "send the records in several requests")
        }
        Fault::Slow => {
            refusal(408, format!("the body did not arrive within {timeout_ms} ms"), "send it again, or in smaller requests")
        }
        Fault::Rate => refusal(429, "too many requests", "wait a minute, then send fewer requests or several records in one"),
        Fault::Ours => failure(),
    }
}

/// A fault of ours of which the caller need know no more.
pub(crate) fn failure() -> Refusal {
    refusal(500, "the worker failed", "the fault is in the worker or its model, not in the request")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_not_repeated() {
        let secret = "4111-1111";
        let errors = [
            RecordError::Syntax(secret.into()),
            RecordError::UnknownColumn { column: secret.into() },
            RecordError::WrongKind { column: "age".into(), expected: "a number", found: secret.into() },
            RecordError::NotFinite { column: "age".into(), found: secret.into() },
        ];
        for error in errors {
            assert!(!record_error(&error).contains(secret), "{error}");
        }
    }

    #[test]
    fn each_fault_has_its_status() {
        let statuses = [Fault::Long, Fault::Slow, Fault::Rate, Fault::Ours].map(|fault| outside(fault, 1, 1).status);
        assert_eq!(statuses, [413, 408, 429, 500]);
    }
}
