//! Tensors of the Open Inference Protocol v2 to records, and predictions to tensors.
//!
//! A request names one tensor a column (shape `[N]` or `[N, 1]`, null where the value is not known), or the one tensor `features`
//! of shape `[N, F]`, as the graph takes it: columns in contract order, a categorical column as the index of its level and -1 where
//! it is missing or none of them, a date as days since 1970-01-01, null where a number or a date is missing.

use data_contract::{Column, ColumnKind, Contract, Moment, shortest};
use inference_predictor::{Answer, Predictor, Refusal};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::refusal::{bad_request, refusal};

/// The tensor that holds every column.
pub(crate) const FEATURES: &str = "features";
const LABEL: &str = "label";
const PROBABILITIES: &str = "probabilities";
const DATATYPES: [&str; 13] =
    ["BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES"];
const LEVEL_HINT: &str = "a level is given by its index in the contract, -1 where it is missing or none of them";
const DATE_HINT: &str = "a date is given as days since 1970-01-01, null where it is missing";

/// A request's tensor.
#[derive(Deserialize)]
pub(crate) struct Input {
    name: String,
    shape: Vec<u64>,
    datatype: String,
    data: Vec<Json>,
}

/// An answer's tensor.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Output {
    name: &'static str,
    datatype: &'static str,
    shape: Vec<usize>,
    data: Vec<Json>,
}

/// The rows that tensors hold, as objects of values by column; not yet checked against the contract.
pub(crate) fn rows(contract: &Contract, inputs: Vec<Input>, max_rows: usize) -> Result<Vec<Json>, Refusal> {
    let n_rows = inputs.first().and_then(|input| input.shape.first().copied()).unwrap_or(0) as usize;
    crate::rows::check_number(n_rows, max_rows)?;
    // A contract may have a column named `features`.
    if inputs.len() == 1 && inputs[0].name == FEATURES && contract.position(FEATURES).is_none() {
        let [input]: [Input; 1] = inputs.try_into().unwrap_or_else(|_| unreachable!("there is one"));
        return of_features(contract, input, n_rows);
    }
    let mut rows = vec![Map::new(); n_rows];
    for input in inputs {
        let Some(position) = contract.position(&input.name) else {
            return Err(bad_request("an input is no column of the model", hint(contract)));
        };
        let column = &contract.columns[position].name;
        if rows.first().is_some_and(|row| row.contains_key(column)) {
            return Err(bad_request(format!("input `{column}` is there twice"), "send one tensor a column"));
        }
        for (row, value) in rows.iter_mut().zip(values(column, input, n_rows, 1)?) {
            row.insert(column.clone(), value);
        }
    }
    Ok(rows.into_iter().map(Json::Object).collect())
}

fn hint(contract: &Contract) -> String {
    let names: Vec<&str> = contract.columns.iter().map(|column| column.name.as_str()).collect();
    format!("send the tensor `{FEATURES}` alone, or one tensor for each of {}", names.join(", "))
}

fn of_features(contract: &Contract, input: Input, n_rows: usize) -> Result<Vec<Json>, Refusal> {
    if input.datatype == "BYTES" {
        return Err(bad_request(format!("input `{FEATURES}` holds numbers"), "its datatype is FP32"));
    }
    let values = values(FEATURES, input, n_rows, contract.n_features())?;
    let row = |values: &[Json]| {
        let pairs = contract.columns.iter().zip(values);
        pairs.map(|(column, value)| Ok((column.name.clone(), of_feature(column, value)?))).collect::<Result<Map<_, _>, _>>()
    };
    values.chunks(contract.n_features()).map(|values| row(values).map(Json::Object)).collect()
}

/// The value of a record that a feature stands for.
fn of_feature(column: &Column, value: &Json) -> Result<Json, Refusal> {
    match &column.kind {
        ColumnKind::Numeric { .. } => Ok(value.clone()),
        ColumnKind::Categorical { .. } | ColumnKind::Date { .. } if value.is_null() => Ok(Json::Null),
        ColumnKind::Date { .. } => match value.as_f64() {
            Some(days) => Ok(json!(Moment::from_days(days))),
            None => Err(bad_request(format!("column `{}` in `{FEATURES}` holds no number of days", column.name), DATE_HINT)),
        },
        ColumnKind::Categorical { levels } => match value.as_f64() {
            Some(-1.0) => Ok(Json::Null),
            Some(index) if index.fract() == 0.0 && index >= 0.0 && (index as usize) < levels.len() => {
                Ok(json!(levels[index as usize]))
            }
            _ => Err(bad_request(format!("column `{}` in `{FEATURES}` holds no index of a level", column.name), LEVEL_HINT)),
        },
    }
}

/// The values of a tensor of `n_rows` rows, `width` each; nested lists are laid flat, as the protocol allows.
fn values(name: &str, input: Input, n_rows: usize, width: usize) -> Result<Vec<Json>, Refusal> {
    if !DATATYPES.contains(&input.datatype.as_str()) {
        return Err(bad_request(
            format!("input `{name}` has an unknown datatype"),
            format!("datatypes are {}", DATATYPES.join(", ")),
        ));
    }
    let shape: Vec<usize> = input.shape.iter().map(|size| *size as usize).collect();
    let expected = match width {
        1 => shape == [n_rows] || shape == [n_rows, 1],
        width => shape == [n_rows, width],
    };
    if !expected {
        let wanted = if width == 1 { format!("[{n_rows}]") } else { format!("[{n_rows}, {width}]") };
        return Err(bad_request(
            format!("input `{name}` has a shape other than {wanted}"),
            "every input has the same number of rows",
        ));
    }
    let mut values = Vec::with_capacity(n_rows * width);
    input.data.into_iter().for_each(|value| flatten(value, &mut values));
    match values.len() == n_rows * width {
        true => Ok(values),
        false => Err(bad_request(
            format!("input `{name}` has {} values, its shape says {}", values.len(), n_rows * width),
            "send row after row",
        )),
    }
}

fn flatten(value: Json, values: &mut Vec<Json>) {
    match value {
        Json::Array(items) => items.into_iter().for_each(|item| flatten(item, values)),
        value => values.push(value),
    }
}

/// The tensors that answer, those that are wanted; all when none are named.
pub(crate) fn outputs(predictor: &Predictor, answer: &Answer, wanted: &[String]) -> Result<Vec<Output>, Refusal> {
    if wanted.iter().any(|name| ![LABEL, PROBABILITIES].contains(&name.as_str())) {
        return Err(bad_request("an output is wanted that there is not", format!("outputs are `{LABEL}` and `{PROBABILITIES}`")));
    }
    let n_rows = answer.scored().count();
    let n_classes = predictor.contract().target.classes.len();
    let labels = answer.scored().map(|scored| json!(scored.prediction.label)).collect();
    let probabilities =
        answer.scored().flat_map(|scored| scored.prediction.probabilities.0.iter().map(|(_, p)| json!(shortest(*p as f32))));
    let all = [
        Output { name: LABEL, datatype: "BYTES", shape: vec![n_rows], data: labels },
        Output { name: PROBABILITIES, datatype: "FP32", shape: vec![n_rows, n_classes], data: probabilities.collect() },
    ];
    Ok(all.into_iter().filter(|output| wanted.is_empty() || wanted.iter().any(|name| name == output.name)).collect())
}

/// The tensors of a model's metadata: one input a column.
pub(crate) fn metadata(contract: &Contract) -> (Json, Json) {
    let input = |column: &Column| {
        let datatype = if matches!(column.kind, ColumnKind::Numeric { .. }) { "FP64" } else { "BYTES" };
        json!({ "name": column.name, "datatype": datatype, "shape": [-1] })
    };
    let outputs = json!([
        { "name": LABEL, "datatype": "BYTES", "shape": [-1] },
        { "name": PROBABILITIES, "datatype": "FP32", "shape": [-1, contract.target.classes.len()] },
    ]);
    (contract.columns.iter().map(input).collect(), outputs)
}

/// Refuses a row by its number.
pub(crate) fn bad_row(row: usize, refused: &inference_predictor::RowRefusal) -> Refusal {
    refusal(400, format!("row {row}: {}", refused.error), refused.hint.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::tests::{predictor, record};

    fn inputs(json: Json) -> Vec<Input> {
        serde_json::from_value(json).unwrap()
    }

    /// One tensor a column, from equal records.
    fn named(n_rows: usize) -> Json {
        let record = record();
        let tensor = |(name, value): (&String, &Json)| json!({ "name": name, "shape": [n_rows, 1], "datatype": "BYTES", "data": vec![value; n_rows] });
        record.as_object().unwrap().iter().map(tensor).collect()
    }

    #[test]
    fn one_tensor_a_column_makes_records() {
        let predictor = predictor();
        assert_eq!(rows(predictor.contract(), inputs(named(3)), 10).unwrap(), vec![record(); 3]);
    }

    #[test]
    fn the_features_of_a_record_make_the_record() {
        let predictor = predictor();
        let contract = predictor.contract();
        let checked = contract.record_from_value(&record()).unwrap();
        let features: Vec<Option<f32>> =
            checked.features(contract).iter().map(|feature| (!feature.is_nan()).then_some(*feature)).collect();
        let nested =
            json!([{ "name": FEATURES, "shape": [2, features.len()], "datatype": "FP32", "data": [features, features] }]);
        for row in rows(contract, inputs(nested), 10).unwrap() {
            assert_eq!(contract.record_from_value(&row).unwrap().features(contract).len(), features.len());
            let again = contract.record_from_value(&row).unwrap();
            assert_eq!(format!("{:?}", again.features(contract)), format!("{:?}", checked.features(contract)));
        }
    }

    #[test]
    fn a_date_is_a_number_of_days() {
        let [minimum, median, maximum] = [18_000.0, 19_000.0, 20_000.0].map(Moment::from_days);
        let column = Column::new("since", ColumnKind::Date { time: true, minimum, maximum, median });
        assert_eq!(of_feature(&column, &json!(19_874.5)), Ok(json!("2024-05-31T12:00:00")));
        assert_eq!(of_feature(&column, &json!(19_874)), Ok(json!("2024-05-31")));
        assert_eq!(of_feature(&column, &Json::Null), Ok(Json::Null));
        assert_eq!(of_feature(&column, &json!("2024-05-31")).unwrap_err().status, 400);
    }

    #[track_caller]
    fn check_refused(json: Json, status: u16, message: &str) {
        let refusal = rows(predictor().contract(), inputs(json), 3).unwrap_err();
        assert!(refusal.status == status && refusal.error.contains(message), "{refusal:?}");
    }

    #[test]
    fn tensors_that_contradict_themselves_are_refused() {
        let tensor = |name: &str, shape: Json, datatype: &str, data: Json| json!([{ "name": name, "shape": shape, "datatype": datatype, "data": data }]);
        check_refused(tensor("secret", json!([1]), "FP32", json!([1])), 400, "an input is no column");
        check_refused(tensor("age", json!([2]), "FP32", json!([1])), 400, "`age` has 1 values, its shape says 2");
        check_refused(tensor("age", json!([1, 2]), "FP32", json!([1, 2])), 400, "a shape other than [1]");
        check_refused(tensor("age", json!([1]), "secret", json!([1])), 400, "unknown datatype");
        check_refused(tensor("age", json!([4]), "FP32", json!([1, 2, 3, 4])), 413, "4 records");
        check_refused(tensor("age", json!([u64::MAX]), "FP32", json!([1])), 413, "records");
        check_refused(tensor(FEATURES, json!([1, 2]), "FP32", json!([1, 2])), 400, "a shape other than [1, 7]");
        check_refused(tensor(FEATURES, json!([1, 7]), "FP32", json!([1, 2, 3, 4, 99, 0, 0])), 400, "holds no index of a level");
        check_refused(tensor(FEATURES, json!([1, 7]), "BYTES", json!([1, 2, 3, 4, 0, 0, 0])), 400, "holds numbers");
        let twice = json!([named(1)[0], named(1)[0]]);
        check_refused(twice, 400, "is there twice");
    }
}
