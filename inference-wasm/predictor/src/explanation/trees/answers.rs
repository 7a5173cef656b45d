//! What the background's rows answer to the questions of trees, 64 of them at once: a bit for each row.

use crate::lowered::{Code, Trees};

/// Rows that have a bit in one number.
pub(super) const BLOCK: usize = u64::BITS as usize;

/// For every [`BLOCK`] of feature rows, and each node, the rows of which `(code & mask) > bound` holds.
pub(in crate::explanation) fn answers(trees: &Trees, features: &[f32], n_features: usize) -> Vec<Vec<u64>> {
    features.chunks(BLOCK * n_features).map(|rows| answers_of(trees, rows, n_features)).collect()
}

fn answers_of(trees: &Trees, features: &[f32], n_features: usize) -> Vec<u64> {
    let mut codes = Vec::new();
    trees.code(features, n_features, &mut codes);
    let n_columns = trees.columns.len();
    let of_column = |column: usize| codes.iter().skip(column).step_by(n_columns).copied();
    let column = |column: usize| Column::new(of_column(column), trees.columns[column].code);
    let columns: Vec<Column> = (0..n_columns).map(column).collect();
    trees.nodes.iter().map(|node| columns[node.column as usize].answers(node.mask, node.bound)).collect()
}

/// The codes of one column.
struct Column {
    /// In ascending order: the codes of the rows, or, of levels, one bit each of those that occur.
    codes: Vec<u32>,
    /// The rows with this code or a greater one; of levels, those with this bit. Behind the last code none.
    rows: Vec<u64>,
    is_of_levels: bool,
}

impl Column {
    fn new(codes: impl Iterator<Item = u32> + Clone, code: Code) -> Self {
        let is_of_levels = matches!(code, Code::Levels(_));
        let mut distinct: Vec<u32> = Vec::new();
        for code in codes.clone().filter(|code| !is_of_levels || *code != 0) {
            // There are few, and a sorter would be larger than all else here.
            let place = distinct.partition_point(|other| *other < code);
            if distinct.get(place) != Some(&code) {
                distinct.insert(place, code);
            }
        }
        let has = |own: u32, asked: u32| if is_of_levels { own == asked } else { own >= asked };
        let rows_of = |asked: u32| codes.clone().enumerate().fold(0, |rows, (row, own)| rows | u64::from(has(own, asked)) << row);
        let rows = distinct.iter().map(|code| rows_of(*code)).chain([0]).collect();
        Self { codes: distinct, rows, is_of_levels }
    }

    fn answers(&self, mask: u32, bound: u32) -> u64 {
        if self.is_of_levels {
            let bits = self.codes.iter().zip(&self.rows);
            return bits.filter(|(bit, _)| **bit & mask > bound).fold(0, |yes, (_, rows)| yes | rows);
        }
        // Of a leaf, which asks nothing, it is anything.
        self.rows[self.codes.partition_point(|code| *code <= bound)]
    }
}
