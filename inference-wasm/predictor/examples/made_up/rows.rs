//! Rows that nobody has, for measuring.

use data_contract::{Column, ColumnKind, Contract};

/// Feature rows within the ranges of the contract, so that no two walks down a tree are the same.
pub(crate) fn rows(contract: &Contract, n_rows: usize) -> Vec<f32> {
    let mut state = 1_u64;
    let mut unit = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32
    };
    let mut value = |column: &Column| match &column.kind {
        ColumnKind::Numeric { minimum, maximum, .. } => *minimum as f32 + unit() * (maximum - minimum) as f32,
        ColumnKind::Date { minimum, maximum, .. } => {
            (minimum.days() + f64::from(unit()) * (maximum.days() - minimum.days())) as f32
        }
        ColumnKind::Categorical { levels } => (unit() * levels.len() as f32).floor(),
    };
    (0..n_rows).flat_map(|_| contract.columns.iter().map(&mut value).collect::<Vec<f32>>()).collect()
}
