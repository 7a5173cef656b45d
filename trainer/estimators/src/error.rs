//! What can be wrong with data, parameters and fits.

use crate::Family;

/// Why data was refused or a fit failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A matrix without columns.
    #[error("a matrix needs at least one column")]
    NoFeatures,
    /// No rows to learn from or to measure on.
    #[error("there are no rows")]
    NoRows,
    /// More rows than row numbers.
    #[error("{n_rows} rows are more than the {limit} that fit")]
    TooManyRows {
        /// Rows given.
        n_rows: usize,
        /// Rows that fit.
        limit: usize,
    },
    /// Two things that should be equally long are not.
    #[error("expected {expected} {what}, found {found}")]
    Length {
        /// What was counted.
        what: &'static str,
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A value that is plus or minus infinity.
    #[error("value {value} in column {column} (row {row}) is not finite; a missing value is NaN")]
    Infinite {
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// The value.
        value: f32,
    },
    /// A categorical value that is no level.
    #[error("value {value} in categorical column {column} (row {row}) is neither a level below {n_levels} nor -1")]
    NotALevel {
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// The value.
        value: f32,
        /// Levels of the column.
        n_levels: usize,
    },
    /// A class outside `0..n_classes`.
    #[error("class {class} (row {row}) is not below {n_classes}")]
    NotAClass {
        /// Row, from 0.
        row: usize,
        /// The class.
        class: u32,
        /// Number of classes.
        n_classes: usize,
    },
    /// A weight that is negative or not finite.
    #[error("weight {weight} (row {row}) is not a finite number of at least 0")]
    NotAWeight {
        /// Row, from 0.
        row: usize,
        /// The weight.
        weight: f32,
    },
    /// Fewer than two classes among the rows that carry weight.
    #[error("the rows hold only one class, and a classifier needs at least two")]
    OneClass,
    /// A parameter outside its range.
    #[error("{family} parameter `{name}` is {value}, but should be {expected}")]
    Parameter {
        /// The family.
        family: Family,
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: f64,
        /// Its range in words.
        expected: &'static str,
    },
    /// A direction for a column that can have none.
    #[error("column {column} cannot be monotone: {reason}")]
    Monotone {
        /// Column, from 0.
        column: usize,
        /// Why not.
        reason: &'static str,
    },
    /// A family name that does not exist.
    #[error("unknown family `{name}`; the families are {known}")]
    UnknownFamily {
        /// The name.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// Training and validation rows with different columns or classes.
    #[error("the validation rows have other columns or classes than the training rows")]
    ValidationMismatch,
    /// A goal that no threshold reaches.
    #[error("the goal `{goal}` is out of reach: {reachable}")]
    Goal {
        /// The goal.
        goal: String,
        /// What can be had instead.
        reachable: String,
    },
    /// A fit that was asked to stop.
    #[error("the fit was stopped")]
    Stopped,
    /// An optimiser that left the finite numbers.
    #[error("{family} diverged: the loss became {loss} after {n_steps} steps")]
    Diverged {
        /// The family.
        family: Family,
        /// The loss.
        loss: f64,
        /// Steps taken.
        n_steps: usize,
    },
}
