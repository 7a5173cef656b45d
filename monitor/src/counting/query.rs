//! The one query by which values are counted, for any engine that can `GROUP BY`.

use data_contract::{ColumnKind, Contract, log_column};

use super::dialect::Dialect;
use crate::grid::{Grid, Grids};
use crate::versions::Version;

/// A column of the log that is counted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CountedColumn {
    name: String,
    holds: Holds,
}

/// What a counted column holds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Holds {
    /// Numbers, each on its own.
    Numbers,
    /// Numbers, by the cell of a grid in which they lie.
    Gridded(Grid),
    /// Texts.
    Texts,
}

/// The columns that are counted of a version: its features, the followed class's probability, the predicted class, who predicted.
pub(crate) fn counted_columns(version: &Version) -> Vec<CountedColumn> {
    let (contract, grids) = (&version.contract, Grids::of(&version.reference));
    let numbers = |grid: Option<Grid>| grid.map_or(Holds::Numbers, Holds::Gridded);
    let feature = |(column, grid): (&data_contract::Column, &Option<Grid>)| CountedColumn {
        name: log_column::feature(&column.name),
        holds: if matches!(column.kind, ColumnKind::Numeric { .. }) { numbers(*grid) } else { Holds::Texts },
    };
    let features = contract.columns.iter().zip(&grids.columns).map(feature);
    let probability = CountedColumn { name: probability(contract), holds: numbers(grids.prediction) };
    let text = |name: &str| CountedColumn { name: name.to_owned(), holds: Holds::Texts };
    features.chain([probability, text(log_column::LABEL), text(log_column::SOURCE)]).collect()
}

/// The log's column of the followed class's probability.
pub(crate) fn probability(contract: &Contract) -> String {
    log_column::probability(&contract.target.classes[contract.target.followed()])
}

/// The query over `log`, an engine's word for the files or the table, that counts `columns` of one model's rows.
pub(crate) fn count_query(dialect: Dialect, log: &str, columns: &[CountedColumn], filter: &str) -> String {
    let names: Vec<String> = (0..columns.len()).map(|at| format!("c{at}")).collect();
    let value = |(column, name): (&CountedColumn, &String)| format!("{} AS {name}", column.value(dialect));
    let values: Vec<String> = columns.iter().zip(&names).map(value).collect();
    let sets: Vec<String> = names.iter().map(|name| format!("(logged_on, is_shadow, {name})")).collect();
    let which = |wanted: fn(&CountedColumn) -> bool| -> Vec<&String> {
        columns.iter().zip(&names).filter(|(column, _)| wanted(column)).map(|(_, name)| name).collect()
    };
    let at = names.iter().enumerate().map(|(at, name)| (name, at.to_string()));
    include_str!("../../sql/count_values.sql")
        .replace("{at}", &of_its_set(at))
        .replace("{number}", &of_its_set(which(CountedColumn::is_number).into_iter().map(|name| (name, name.clone()))))
        .replace("{text}", &of_its_set(which(|column| !column.is_number()).into_iter().map(|name| (name, name.clone()))))
        .replace("{day}", dialect.day())
        .replace("{values}", &values.join(", "))
        .replace("{log}", log)
        .replace("{filter}", filter)
        .replace("{sets}", &sets.join(", "))
}

/// What is true of the rows of one model that follow a contract.
pub(crate) fn own_rows(dialect: Dialect, model: &str, contract: &Contract) -> String {
    format!("model = {} AND contract = {}", dialect.text(model), dialect.text(&contract.digest()))
}

/// An expression that has a value in the rows of some grouping sets only.
fn of_its_set<'a>(pairs: impl Iterator<Item = (&'a String, String)>) -> String {
    let cases: Vec<String> = pairs.map(|(name, value)| format!("WHEN GROUPING({name}) = 0 THEN {value}")).collect();
    if cases.is_empty() { "NULL".to_owned() } else { format!("CASE {} END", cases.join(" ")) }
}

impl CountedColumn {
    /// Its values are numbers, or numbers of cells.
    fn is_number(&self) -> bool {
        self.holds != Holds::Texts
    }

    /// Its name in the log.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How wide its cells are; none where each value is counted.
    pub(crate) fn cell_width(&self) -> Option<f64> {
        if let Holds::Gridded(grid) = self.holds { Some(grid.width()) } else { None }
    }

    /// The number that a row of the answer stands for.
    pub(crate) fn number(&self, value: f64) -> f64 {
        match self.holds {
            Holds::Gridded(grid) => grid.middle(value),
            _ => value,
        }
    }

    fn value(&self, dialect: Dialect) -> String {
        let name = dialect.name(&self.name);
        match self.holds {
            Holds::Gridded(grid) => grid.cell(&name),
            _ => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::tests::version_of;

    #[test]
    fn one_query_counts_all_columns() {
        let version = version_of(7);
        let filter = own_rows(Dialect::Spark, "churn", &version.contract);
        insta::assert_snapshot!(count_query(Dialect::Spark, "log", &counted_columns(&version), &filter));
    }

    #[test]
    fn columns_of_one_kind_leave_the_other_value_empty() {
        let texts = [CountedColumn { name: "a".into(), holds: Holds::Texts }];
        assert!(count_query(Dialect::Duckdb, "log", &texts, "true").contains("NULL AS number_value"));
    }
}
