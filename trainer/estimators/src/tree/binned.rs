//! The bins of the training rows, stored twice: by row, because a sum over a leaf's rows wants all columns of a row together, and by column,
//! because a question wants one column of many rows.

/// Rows that are turned to columns together.
const CHUNK: usize = 4096;

/// Bins of rows.
#[derive(Clone, Debug)]
pub(crate) struct BinnedRows {
    n_rows: usize,
    n_columns: usize,
    by_row: Vec<u8>,
    by_column: Vec<u8>,
}

impl BinnedRows {
    /// Takes row-major bins.
    pub(crate) fn new(n_columns: usize, by_row: Vec<u8>) -> Self {
        let n_rows = by_row.len() / n_columns;
        let mut by_column = vec![0; by_row.len()];
        for (at, rows) in by_row.chunks(n_columns * CHUNK).enumerate() {
            for column in 0..n_columns {
                let places = &mut by_column[column * n_rows + at * CHUNK..];
                places.iter_mut().zip(rows.chunks_exact(n_columns)).for_each(|(place, row)| *place = row[column]);
            }
        }
        Self { n_rows, n_columns, by_row, by_column }
    }

    /// Number of columns.
    pub(crate) fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// The bins of one row.
    #[inline(always)]
    pub(crate) fn row(&self, row: u32) -> &[u8] {
        &self.by_row[row as usize * self.n_columns..][..self.n_columns]
    }

    /// The bins of one column.
    pub(crate) fn column(&self, column: usize) -> &[u8] {
        &self.by_column[column * self.n_rows..][..self.n_rows]
    }
}
