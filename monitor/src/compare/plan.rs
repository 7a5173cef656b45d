//! What a person asked for, checked.

use monitor_drift::{Kind, Statistic};

use crate::args::{CompareArgs, Rule};
use crate::compare::Sides;
use crate::compare::count::Values;
use crate::compare::kinds;
use crate::compare::table::{Column, Table};
use crate::failure::Failure;

/// What will be compared, and how.
pub(crate) struct Plan {
    /// How columns are judged.
    pub(crate) rule: Rule,
    /// The one statistic, if one was asked for.
    pub(crate) statistic: Option<Statistic>,
    /// Whether numbers are counted in cells.
    pub(crate) binned: bool,
    columns: Vec<String>,
    categorical: Vec<String>,
    numeric: Vec<String>,
}

impl Plan {
    /// The plan behind the arguments.
    ///
    /// # Errors
    /// [`Failure::NoStatistic`], [`Failure::StatisticOfRule`] and [`Failure::TwoKinds`].
    pub(crate) fn new(args: &CompareArgs) -> Result<Self, Failure> {
        let named = |name: &String| Statistic::named(name).ok_or_else(|| Failure::NoStatistic { name: name.clone() });
        if let Some(column) = args.categorical.iter().find(|column| args.numeric.contains(column)) {
            return Err(Failure::TwoKinds { column: column.clone() });
        }
        if args.rule == Rule::Tidemark && args.statistic.is_some() {
            return Err(Failure::StatisticOfRule);
        }
        Ok(Self {
            rule: args.rule,
            statistic: args.statistic.as_ref().map(named).transpose()?,
            binned: args.binned,
            columns: args.columns.clone(),
            categorical: args.categorical.clone(),
            numeric: args.numeric.clone(),
        })
    }

    /// Checks the columns that were named against the files.
    ///
    /// # Errors
    /// [`Failure::NoColumn`] and [`Failure::NotNumeric`].
    pub(crate) fn check(&self, sides: &Sides) -> Result<(), Failure> {
        for name in self.columns.iter().chain(&self.categorical).chain(&self.numeric) {
            for table in [&sides.reference, &sides.current] {
                let column = table.column(name).ok_or_else(|| no_column(name, table))?;
                if self.numeric.contains(name) && !column.storage.is_number() {
                    let storage = column.storage.to_string();
                    return Err(Failure::NotNumeric { column: name.clone(), path: table.path.clone(), storage });
                }
            }
        }
        Ok(())
    }

    /// Whether a column is to be compared.
    pub(crate) fn takes(&self, name: &str) -> bool {
        self.columns.is_empty() || self.columns.iter().any(|column| column == name)
    }

    /// Whether a column was named as one of categories.
    pub(crate) fn is_categorical(&self, name: &str) -> bool {
        self.categorical.iter().any(|column| column == name)
    }

    /// The kind a column is compared as, or why it is not compared.
    pub(crate) fn kind(&self, column: &Column, current: &Values) -> Result<Kind, &'static str> {
        if self.is_categorical(&column.name) {
            return Ok(Kind::Categorical);
        }
        if self.numeric.contains(&column.name) {
            return Ok(Kind::Numeric);
        }
        match self.rule {
            Rule::Evidently => kinds::infer(&column.storage, current),
            Rule::Tidemark => kinds::infer_any(&column.storage, current),
        }
    }
}

fn no_column(name: &str, table: &Table) -> Failure {
    Failure::NoColumn { column: name.to_owned(), path: table.path.clone(), names: table.names() }
}
