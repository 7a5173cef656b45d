//! `POST /predict`: one record, a list, or a stream of lines.

use data_contract::Record;
use inference_predictor::{Answer, Predictor, Refusal, RowRefusal, Scored};
use serde_json::Value as Json;

use crate::call::Call;
use crate::refusal::record_error;
use crate::rows;
use crate::wanted::{self, Wanted};

/// Answers a body that was read to its end.
pub(crate) fn whole(predictor: &Predictor, call: &Call, max_rows: usize) -> Result<Answer, Refusal> {
    let wanted = Wanted::of(call.query)?;
    let mut answer = rows::answer(predictor, call.body, max_rows, wanted)?;
    answer.identify(call.id);
    if wanted == Wanted::Explanations {
        wanted::explain(predictor, &mut answer)?;
    }
    Ok(answer)
}

/// Answers whole lines of a stream, each in its place; `first_row` is how many records came before. Blank lines do not count.
/// A stream is not explained.
pub(crate) fn lines(predictor: &Predictor, call: &Call, first_row: usize) -> Result<Answer, Refusal> {
    Wanted::of(call.query)?.check_stream()?;
    let lines = call.body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let checked: Vec<_> = lines.enumerate().map(|(index, line)| record(predictor, line, first_row + index)).collect();
    let records = checked.iter().flatten().cloned().map(Ok).collect();
    let Answer::Many(scored) = rows::many(predictor, records)? else { unreachable!("many records have many answers") };
    let mut scored = scored.into_iter().flatten();
    let answers = checked.into_iter().enumerate().map(|(index, checked)| {
        checked.map(|_| Scored {
            id: Some(format!("{}-{}", call.id, first_row + index)),
            ..scored.next().expect("every record has a prediction")
        })
    });
    Ok(Answer::Many(answers.collect()))
}

/// The answers to lines, one line of JSON each.
pub(crate) fn to_lines(predictor: &Predictor, answer: Answer) -> String {
    let Answer::Many(rows) = answer else { unreachable!("lines have many answers") };
    let line = |row| match row {
        Ok(scored) => Answer::One(scored).to_json(predictor),
        Err(refusal) => serde_json::to_string(&refusal).expect("a refusal holds only what JSON can say"),
    };
    rows.into_iter().map(|row| line(row) + "\n").collect()
}

fn record(predictor: &Predictor, line: &[u8], row: usize) -> Result<Record, RowRefusal> {
    let contract = predictor.contract();
    let json: Json = serde_json::from_slice(line).map_err(|error| RowRefusal {
        error: format!("the line is not JSON that can be read: column {}", error.column()),
        hint: "send one record a line".into(),
        row,
    })?;
    contract.record_from_value(&json).map_err(|error| RowRefusal { error: record_error(&error), hint: error.hint(contract), row })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::tests::{predictor, record};

    #[test]
    fn each_line_is_answered_in_its_place() {
        let predictor = predictor();
        let body = format!("{0}\n\n {{\nsecret\r\n[]\n{0}\n", record());
        let call = Call { id: "stream", body: body.as_bytes(), ..Call::default() };
        let answer = lines(&predictor, &call, 10).unwrap();
        let lines: Vec<Json> = to_lines(&predictor, answer).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 5);
        assert_eq!((&lines[0]["id"], &lines[4]["id"]), (&Json::from("stream-10"), &Json::from("stream-14")));
        assert_eq!(lines[0]["probabilities"], lines[4]["probabilities"]);
        assert_eq!([&lines[1], &lines[2], &lines[3]].map(|line| line["row"].as_u64().unwrap()), [11, 12, 13]);
        assert!(lines[1..4].iter().all(|line| line["error"].is_string() && !line.to_string().contains("secret")));
    }
}
