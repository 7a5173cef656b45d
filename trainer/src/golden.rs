//! Golden records: rows drawn from the contract, with the fitted model's own probabilities.

use data_contract::{Column, ColumnKind, Contract, Golden, GoldenRow, Moment, Probabilities, shortest};
use serde_json::{Map, Value as Json};
use trainer_estimators::Matrix;
use trainer_estimators::explanation::Predict;

use crate::split::Random;

const N_ROWS: usize = 40;
/// Shares of values that are missing, and of texts that training never saw.
const MISSING: f64 = 0.1;
const UNSEEN: f64 = 0.05;

/// Draws rows from the contract's levels and ranges and asks the model about them.
pub(crate) fn draw(contract: &Contract, predict: Predict, threshold: f32, seed: u64) -> anyhow::Result<Golden> {
    let mut random = Random(seed);
    let mut values = Vec::new();
    let mut records = Vec::new();
    for _ in 0..N_ROWS {
        let fields: Map<String, Json> = contract.columns.iter().map(|c| (c.name.clone(), draw_value(c, &mut random))).collect();
        contract.record(&fields)?.features_into(contract, &mut values);
        records.push(fields);
    }
    let probabilities = predict(&Matrix::new(N_ROWS, contract.n_features(), values)?);
    let rows = records.into_iter().zip(probabilities.rows()).map(|(record, p)| row(contract, record, p, threshold)).collect();
    Ok(Golden { format: 1, contract: contract.digest(), rows })
}

fn draw_value(column: &Column, random: &mut Random) -> Json {
    if random.unit() < MISSING {
        return Json::Null;
    }
    match &column.kind {
        ColumnKind::Numeric { integer, minimum, maximum, .. } => {
            let value = minimum + (maximum - minimum) * random.unit();
            if *integer { Json::from(value.round() as i64) } else { Json::from(value) }
        }
        ColumnKind::Date { time, minimum, maximum, .. } => {
            let days = minimum.days() + (maximum.days() - minimum.days()) * random.unit();
            Json::from(Moment::from_days(if *time { days } else { days.floor() }).to_string())
        }
        ColumnKind::Categorical { levels } if levels.is_empty() || random.unit() < UNSEEN => Json::from("never seen in training"),
        ColumnKind::Categorical { levels } => Json::from(levels[random.below(levels.len())].as_str()),
    }
}

fn row(contract: &Contract, record: Map<String, Json>, probabilities: &[f32], threshold: f32) -> GoldenRow {
    let label = label(probabilities, threshold);
    let classes = contract.target.classes.iter().cloned();
    GoldenRow {
        record,
        label: contract.target.classes[label].clone(),
        probabilities: Probabilities(classes.zip(probabilities.iter().copied().map(shortest)).collect()),
    }
}

/// The predicted class: with two, the second when its probability is above the threshold; with more, the first most probable one.
pub(crate) fn label(probabilities: &[f32], threshold: f32) -> usize {
    if probabilities.len() == 2 {
        return usize::from(probabilities[1] > threshold);
    }
    let best = |best: usize, class: usize| if probabilities[class] > probabilities[best] { class } else { best };
    (1..probabilities.len()).fold(0, best)
}
