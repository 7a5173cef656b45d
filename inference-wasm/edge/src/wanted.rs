//! What a request wants beside predictions: `?explain=1`.

use data_contract::Record;
use inference_predictor::{Answer, ExplainError, Explanation, Predictor, Refusal};

use crate::refusal::{bad_request, refusal};

/// The most records in a request that wants them explained: one takes as long as hundreds of predictions.
pub(crate) const MAX_EXPLAINED: usize = 100;

/// What a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Predictions.
    Predictions,
    /// Each with what every column adds to it.
    Explanations,
}

impl Wanted {
    /// What a query asks for; its other parameters do not matter.
    pub(crate) fn of(query: &str) -> Result<Self, Refusal> {
        let parameters = query.split('&').map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")));
        let explain = parameters.filter(|(name, _)| *name == "explain").map(|(_, value)| value);
        explain.map(Self::parse).try_fold(Self::Predictions, |_, wanted| wanted)
    }

    fn parse(value: &str) -> Result<Self, Refusal> {
        match value {
            "1" | "true" => Ok(Self::Explanations),
            "0" | "false" => Ok(Self::Predictions),
            _ => {
                Err(bad_request("the parameter `explain` has another value than it may have", "send explain=1, or leave it out"))
            }
        }
    }

    /// Refuses more records than are explained in one request.
    pub(crate) fn check_number(self, n_rows: usize) -> Result<(), Refusal> {
        match self == Self::Explanations && n_rows > MAX_EXPLAINED {
            true => Err(bad_request(
                format!("the body has {n_rows} records, the most with explain=1 is {MAX_EXPLAINED}"),
                "send the records in several requests, or without explain=1",
            )),
            false => Ok(()),
        }
    }

    /// Refuses a stream that is to be explained.
    pub(crate) fn check_stream(self) -> Result<(), Refusal> {
        match self {
            Self::Predictions => Ok(()),
            Self::Explanations => Err(bad_request(
                "a stream of lines is not explained",
                format!("send a list of up to {MAX_EXPLAINED} records as application/json, or leave explain=1 out"),
            )),
        }
    }
}

/// Adds to each prediction what every column adds to it.
pub(crate) fn explain(predictor: &Predictor, answer: &mut Answer) -> Result<(), Refusal> {
    for scored in answer.scored_mut() {
        scored.explanation = Some(Box::new(explanation(predictor, &scored.record)?));
    }
    Ok(())
}

fn explanation(predictor: &Predictor, record: &Record) -> Result<Explanation, Refusal> {
    predictor.explain(record).map_err(|error| match error {
        ExplainError::NoBackground => bad_request(error.to_string(), error.hint()),
        ExplainError::Predict(_) => refusal(500, error.to_string(), error.hint()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, wanted: Result<Wanted, u16>) {
        assert_eq!(Wanted::of(query).map_err(|refusal| refusal.status), wanted, "{query}");
    }

    #[test]
    fn explanations_are_asked_for_by_the_query() {
        for query in ["", "x", "explain=0", "explain=false", "explained=1", "x=explain=1"] {
            check(query, Ok(Wanted::Predictions));
        }
        for query in ["explain=1", "explain=true", "x&explain=1&y=2"] {
            check(query, Ok(Wanted::Explanations));
        }
        for query in ["explain", "explain=", "explain=yes", "explain=2", "explain=1&explain=x", "explain=x&explain=1"] {
            check(query, Err(400));
        }
    }

    #[test]
    fn there_is_a_most_of_records_that_are_explained() {
        assert_eq!(Wanted::Explanations.check_number(100), Ok(()));
        assert_eq!(Wanted::Explanations.check_number(101).unwrap_err().status, 400);
        assert_eq!(Wanted::Predictions.check_number(101), Ok(()));
    }
}
