//! The reference of a segment: its rows among those that a version knew, and what the version says of them. Pure.

use data_contract::{Column, ColumnCounts, ColumnKind, Contract, Record, Reference, Value, shortest};
use inference_predictor::{PredictError, Predictor};

use crate::grid::Grids;
use crate::segments::Segment;
use crate::sides;
use crate::tally::{Cell, Gathered};
use crate::versions::Version;

/// Rows that a version knew.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Those that its columns are judged by.
    pub(crate) rows: Vec<Record>,
    /// Those that its probabilities are judged by.
    pub(crate) unseen: Vec<Record>,
}

/// The version with the reference of a segment; none where it knew no such row.
///
/// # Errors
/// Where the model cannot predict.
pub(crate) fn of_segment(
    version: &Version,
    segment: &Segment,
    known: &Known,
    predictor: &Predictor,
) -> Result<Option<Version>, PredictError> {
    let contract = &version.contract;
    let Some(at) = contract.columns.iter().position(|column| column.name == segment.column()) else { return Ok(None) };
    let holds = |row: &&Record| segment.holds(&row.values()[at], &contract.columns[at].kind);
    let rows: Vec<&Record> = known.rows.iter().filter(holds).collect();
    let unseen: Vec<&Record> = known.unseen.iter().filter(holds).collect();
    if rows.is_empty() || unseen.is_empty() {
        return Ok(None);
    }
    let probabilities = probabilities(predictor, contract, &unseen)?;
    let reference = reference(version, &rows, &probabilities);
    Ok(Some(Version { reference, ..version.clone() }))
}

fn probabilities(predictor: &Predictor, contract: &Contract, rows: &[&Record]) -> Result<Vec<f64>, PredictError> {
    let mut features = Vec::with_capacity(rows.len() * contract.n_features());
    rows.iter().for_each(|row| row.features_into(contract, &mut features));
    let scores = predictor.scores(&features, rows.len())?;
    let (followed, n_classes) = (contract.target.followed(), contract.target.classes.len());
    Ok(scores.probabilities.iter().skip(followed).step_by(n_classes).map(|p| shortest(*p)).collect())
}

fn reference(version: &Version, rows: &[&Record], probabilities: &[f64]) -> Reference {
    let (contract, grids) = (&version.contract, Grids::of(&version.reference));
    let mut gathered = Gathered::of(contract);
    for row in rows {
        for (at, (value, column)) in row.values().iter().zip(&contract.columns).enumerate() {
            gathered.add(at, 1, cell(value, column));
        }
    }
    let n_columns = contract.columns.len();
    probabilities.iter().for_each(|p| gathered.add(n_columns, 1, Cell::Number(*p)));
    let tally = gathered.finish();
    let of = |counts, grid| sides::value_counts(&sides::by_cells(counts, grid));
    let columns = contract.columns.iter().zip(tally.columns).zip(grids.columns);
    Reference {
        n_rows: rows.len() as u64,
        columns: columns
            .map(|((column, counts), grid)| ColumnCounts { name: column.name.clone(), counts: of(counts, grid) })
            .collect(),
        prediction: of(tally.prediction, grids.prediction),
        ..version.reference.clone()
    }
}

/// A value as the log holds it.
fn cell(value: &Value, column: &Column) -> Cell {
    match (value, &column.kind) {
        (Value::Missing, _) => Cell::Missing,
        (Value::Number(number), _) => Cell::Number(*number),
        (Value::Date(moment), _) => Cell::Text(moment.to_string()),
        (Value::Unseen(text), _) => Cell::Text(text.clone()),
        (Value::Level(at), ColumnKind::Categorical { levels }) => {
            levels.get(*at as usize).map_or(Cell::Missing, |level| Cell::Text(level.clone()))
        }
        (Value::Level(_), _) => Cell::Missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::tests::version_of;
    use crate::segments::segments;
    use monitor_drift::Counts;

    #[test]
    fn a_segment_s_reference_counts_its_rows_alone() {
        let version = version_of(7);
        let record =
            |age: u32, plan: &str| version.contract.record_from_json(&format!(r#"{{"age": {age}, "plan": "{plan}"}}"#)).unwrap();
        let rows = [record(20, "basic"), record(30, "plus"), record(30, "plus"), record(40, "gold")];
        let (plans, _) = segments(&version, "plan").unwrap();
        let plus: Vec<&Record> =
            rows.iter().filter(|row| plans[1].holds(&row.values()[1], &version.contract.columns[1].kind)).collect();
        let reference = reference(&version, &plus, &[0.25, 0.5]);
        assert_eq!(reference.n_rows, 2);
        let Counts::Numeric(ages) = sides::reference(&reference.columns[0].counts) else { panic!("ages are numbers") };
        assert_eq!(ages.pairs(), [(30.0, 2)]);
        let Counts::Numeric(p) = sides::reference(&reference.prediction) else { panic!("probabilities are numbers") };
        assert_eq!(p.pairs(), [(0.25, 1), (0.5, 1)]);
    }
}
