//! Rows that agree in some columns.

use crate::tree::binned::BinnedRows;
use crate::tree::binning::N_BINS;

/// Which group each row belongs to.
pub(super) struct Groups {
    /// The group of each row, from 0.
    pub(super) of_row: Vec<u32>,
    /// How many there are.
    pub(super) n_groups: usize,
}

/// Groups with their rows side by side, to be parted by one column more.
pub(super) struct Sorted {
    /// Row numbers, group by group.
    rows: Vec<u32>,
    /// Where each group ends.
    ends: Vec<usize>,
}

impl Groups {
    /// Rows that agree in all of these columns.
    pub(super) fn of_columns(columns: &[usize], binned: &BinnedRows) -> Self {
        let mut columns = columns.iter();
        let first = columns.next().expect("a combination has columns");
        let alone = |column: usize| {
            let n_rows = binned.column(column).len();
            Sorted { rows: (0..n_rows as u32).collect(), ends: vec![n_rows] }.part(binned.column(column))
        };
        columns.fold(alone(*first), |groups, &column| groups.sort().part(binned.column(column)))
    }

    /// The same with the rows of each group side by side.
    pub(super) fn sort(&self) -> Sorted {
        let mut ends = vec![0; self.n_groups];
        self.of_row.iter().for_each(|&group| ends[group as usize] += 1);
        let mut next = 0;
        for end in &mut ends {
            (*end, next) = (next, next + *end);
        }
        let mut rows = vec![0; self.of_row.len()];
        for (row, &group) in self.of_row.iter().enumerate() {
            rows[ends[group as usize]] = row as u32;
            ends[group as usize] += 1;
        }
        Sorted { rows, ends }
    }
}

impl Sorted {
    /// Groups of rows that agree in one column more, given its bins.
    pub(super) fn part(&self, bins: &[u8]) -> Groups {
        const NONE: u32 = u32::MAX;
        let mut of_bin = [NONE; N_BINS];
        let mut of_row = vec![0; self.rows.len()];
        let (mut n_groups, mut start) = (0, 0);
        for &end in &self.ends {
            let rows = &self.rows[start..end];
            for &row in rows {
                let group = &mut of_bin[bins[row as usize] as usize];
                if *group == NONE {
                    *group = n_groups;
                    n_groups += 1;
                }
                of_row[row as usize] = *group;
            }
            rows.iter().for_each(|&row| of_bin[bins[row as usize] as usize] = NONE);
            start = end;
        }
        Groups { of_row, n_groups: n_groups as usize }
    }
}
