//! What is known of a column in a window: how often each value occurs.
//!
//! Counts are a commutative monoid: [`Counts::merge`] of any parts in any order gives the counts of the whole. Missing and
//! infinite values are counted apart; every statistic works on the values that remain, as Evidently does after its cleaning.

mod categorical;
mod numeric;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Error;

pub use categorical::CategoricalCounts;
pub use numeric::NumericCounts;

/// The two kinds of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Numbers, ordered.
    Numeric,
    /// Categories, unordered.
    Categorical,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Numeric => "numeric",
            Kind::Categorical => "categorical",
        })
    }
}

/// Value counts of one column in one window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Counts {
    /// Counts of a number column.
    Numeric(NumericCounts),
    /// Counts of a category column.
    Categorical(CategoricalCounts),
}

impl Counts {
    /// The kind of the column.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Counts::Numeric(_) => Kind::Numeric,
            Counts::Categorical(_) => Kind::Categorical,
        }
    }

    /// Number of values, missing and infinite ones left out.
    #[must_use]
    pub fn n(&self) -> u64 {
        match self {
            Counts::Numeric(counts) => counts.n(),
            Counts::Categorical(counts) => counts.n(),
        }
    }

    /// Number of rows, missing and infinite values included.
    #[must_use]
    pub fn n_rows(&self) -> u64 {
        match self {
            Counts::Numeric(counts) => counts.n_rows(),
            Counts::Categorical(counts) => counts.n_rows(),
        }
    }

    /// Number of missing values.
    #[must_use]
    pub fn n_missing(&self) -> u64 {
        match self {
            Counts::Numeric(counts) => counts.n_missing(),
            Counts::Categorical(counts) => counts.n_missing(),
        }
    }

    /// Number of different values.
    #[must_use]
    pub fn n_distinct(&self) -> usize {
        match self {
            Counts::Numeric(counts) => counts.n_distinct(),
            Counts::Categorical(counts) => counts.n_distinct(),
        }
    }

    /// Adds the counts of another part of the same column.
    ///
    /// # Errors
    /// [`Error::Kinds`] when the other counts are of the other kind.
    pub fn merge(&mut self, other: &Counts) -> Result<(), Error> {
        match (self, other) {
            (Counts::Numeric(own), Counts::Numeric(other)) => own.merge(other),
            (Counts::Categorical(own), Counts::Categorical(other)) => own.merge(other),
            (own, other) => return Err(Error::Kinds { left: own.kind(), right: other.kind() }),
        }
        Ok(())
    }

    /// Number of different values of both sides together; columns of different kinds have none in common.
    pub(crate) fn n_distinct_together(reference: &Counts, current: &Counts) -> usize {
        match Counts::side_by_side(reference, current) {
            Ok(rows) => rows.len(),
            Err(_) => reference.n_distinct() + current.n_distinct(),
        }
    }

    /// For every value of either side, in order, how often it occurs in the reference and in the current counts.
    pub(crate) fn side_by_side(reference: &Counts, current: &Counts) -> Result<Vec<(u64, u64)>, Error> {
        match (reference, current) {
            (Counts::Numeric(r), Counts::Numeric(c)) => Ok(r.side_by_side(c).into_iter().map(|(_, r, c)| (r, c)).collect()),
            (Counts::Categorical(r), Counts::Categorical(c)) => Ok(r.side_by_side(c)),
            _ => Err(Error::Kinds { left: reference.kind(), right: current.kind() }),
        }
    }
}

impl From<NumericCounts> for Counts {
    fn from(counts: NumericCounts) -> Self {
        Counts::Numeric(counts)
    }
}

impl From<CategoricalCounts> for Counts {
    fn from(counts: CategoricalCounts) -> Self {
        Counts::Categorical(counts)
    }
}
