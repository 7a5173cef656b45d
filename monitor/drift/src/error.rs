//! What can keep two sides from being compared.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Kind, Statistic};

/// One of the two sides of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// What the model was trained on.
    Reference,
    /// The window under watch.
    Current,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Reference => "reference",
            Side::Current => "current",
        })
    }
}

/// Why no number can be given.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Error {
    /// A side has no value left after missing and infinite ones are set aside.
    #[error("the {side} side holds no values")]
    Empty {
        /// The side without values.
        side: Side,
    },
    /// Counts of a number column meet counts of a category column.
    #[error("{left} counts cannot be put beside {right} counts")]
    Kinds {
        /// Kind of the first counts (the reference, in a comparison).
        left: Kind,
        /// Kind of the second counts.
        right: Kind,
    },
    /// The statistic is not defined for columns of this kind.
    #[error("`{statistic}` does not apply to a {kind} column")]
    NotForKind {
        /// The statistic asked for.
        statistic: Statistic,
        /// Kind of the column.
        kind: Kind,
    },
    /// The statistic needs more values than there are.
    #[error("`{statistic}` needs at least {needed} values, found {found}")]
    TooFew {
        /// The statistic asked for.
        statistic: Statistic,
        /// Values needed.
        needed: u64,
        /// Values found.
        found: u64,
    },
    /// The statistic is defined for fewer different values than there are.
    #[error("`{statistic}` compares {most} different values, found {found}")]
    TooMany {
        /// The statistic asked for.
        statistic: Statistic,
        /// Most values it takes.
        most: usize,
        /// Values found.
        found: usize,
    },
    /// The statistic scales by a spread that is zero.
    #[error("`{statistic}` needs values that differ, and the middle half of these is one value")]
    NoSpread {
        /// The statistic asked for.
        statistic: Statistic,
    },
    /// The range of the values is too narrow or too wide for floating-point bin edges.
    #[error("values from {min} to {max} cannot be cut into {n_bins} bins")]
    Range {
        /// Smallest value of both sides.
        min: f64,
        /// Largest value of both sides.
        max: f64,
        /// Number of bins asked for.
        n_bins: u64,
    },
}
