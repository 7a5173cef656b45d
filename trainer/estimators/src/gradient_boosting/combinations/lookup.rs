//! A combination as a tree: column after column down to the group, whose log-odds are the leaf. Rows of no known group get 0, as do
//! those of a level that is too rare to have a bin of its own.

use super::groups::Groups;
use crate::tree::binned::BinnedRows;
use crate::tree::binning::Binning;
use crate::tree::split::{BinSet, Question};
use crate::tree::{Node, Test, Tree};

/// Whether a value is missing, whatever its column.
const IS_MISSING: Test = Test::AtMost { threshold: -0.5, missing_yes: true };

/// Whether a number is missing.
const IS_NO_NUMBER: Test = Test::AtMost { threshold: f32::MIN, missing_yes: true };

/// One tree per output, given the values of each group `[groups, outputs]`.
pub(super) fn trees(columns: &[usize], groups: &Groups, values: &[f32], binning: &Binning, binned: &BinnedRows) -> Vec<Tree> {
    let n_outputs = values.len() / groups.n_groups;
    let paths = paths(columns, groups, binned);
    let of_output = |output: usize| {
        let values: Vec<f32> = values.iter().skip(output).step_by(n_outputs).copied().collect();
        let mut lookup = Lookup { columns, binning, values, nodes: vec![] };
        lookup.grow(0, &paths);
        Tree { nodes: lookup.nodes }
    };
    (0..n_outputs).map(of_output).collect()
}

/// The bins that lead to a group.
struct Path {
    bins: Vec<u8>,
    group: usize,
}

/// Of all groups, in the order of their bins.
fn paths(columns: &[usize], groups: &Groups, binned: &BinnedRows) -> Vec<Path> {
    let mut of_group: Vec<Option<Path>> = (0..groups.n_groups).map(|_| None).collect();
    for (row, &group) in groups.of_row.iter().enumerate() {
        let path = || Path { bins: columns.iter().map(|&column| binned.column(column)[row]).collect(), group: group as usize };
        of_group[group as usize].get_or_insert_with(path);
    }
    let mut paths: Vec<Path> = of_group.into_iter().flatten().collect();
    paths.sort_unstable_by(|a, b| a.bins.cmp(&b.bins));
    paths
}

struct Lookup<'a> {
    columns: &'a [usize],
    binning: &'a Binning,
    values: Vec<f32>,
    nodes: Vec<Node>,
}

/// Paths through one bin of a column; none where no group has it.
type Branch<'p> = (u8, &'p [Path]);

impl Lookup<'_> {
    /// Adds what tells these paths apart from this column on; says where it begins.
    fn grow(&mut self, depth: usize, paths: &[Path]) -> u32 {
        match (self.columns.get(depth), paths) {
            (_, []) => self.push(Node::Leaf(0.0)),
            (None, paths) => self.push(Node::Leaf(self.values[paths[0].group])),
            (Some(&column), paths) => {
                let branches = paths.chunk_by(|a, b| a.bins[depth] == b.bins[depth]).map(|run| (run[0].bins[depth], run));
                match self.binning.is_categorical(column) {
                    true => self.grow_levels(depth, &most_first(branches.collect())),
                    false => self.grow_numbers(depth, &with_gaps(branches, self.binning.n_bins(column))),
                }
            }
        }
    }

    /// Asks about one level after the other.
    fn grow_levels(&mut self, depth: usize, branches: &[Branch]) -> u32 {
        let [(bin, paths), others @ ..] = branches else { return self.grow(depth, &[]) };
        let test = match bin {
            0 => IS_MISSING,
            bin => self.test(depth, &Question::OneOf(BinSet::of(*bin))),
        };
        self.ask(depth, test, |lookup| lookup.grow(depth + 1, paths), |lookup| lookup.grow_levels(depth, others))
    }

    /// Asks whether a number is in the lower half of the branches.
    fn grow_numbers(&mut self, depth: usize, branches: &[Branch]) -> u32 {
        if let [(_, paths)] = branches {
            return self.grow(depth + 1, paths);
        }
        let (lower, upper) = branches.split_at(branches.len() / 2);
        let test = match upper[0].0 - 1 {
            0 => IS_NO_NUMBER,
            // Missing values come before all numbers.
            bin => self.test(depth, &Question::AtMost { bin, missing_yes: true }),
        };
        self.ask(depth, test, |lookup| lookup.grow_numbers(depth, lower), |lookup| lookup.grow_numbers(depth, upper))
    }

    fn ask(
        &mut self,
        depth: usize,
        test: Test,
        grow_yes: impl FnOnce(&mut Self) -> u32,
        grow_no: impl FnOnce(&mut Self) -> u32,
    ) -> u32 {
        let at = self.push(Node::Leaf(0.0));
        let (yes, no) = (grow_yes(self), grow_no(self));
        self.nodes[at as usize] = Node::Split { feature: self.columns[depth] as u32, test, yes, no };
        at
    }

    fn test(&self, depth: usize, question: &Question) -> Test {
        self.binning.test(self.columns[depth], question)
    }

    fn push(&mut self, node: Node) -> u32 {
        self.nodes.push(node);
        self.nodes.len() as u32 - 1
    }
}

/// The branch of the most groups first.
fn most_first(mut branches: Vec<Branch>) -> Vec<Branch> {
    branches.sort_by_key(|(_, paths)| std::cmp::Reverse(paths.len()));
    branches
}

/// Ascending branches, and one of no paths from each bin that none goes through to the next that one does.
fn with_gaps<'p>(branches: impl Iterator<Item = Branch<'p>>, n_bins: usize) -> Vec<Branch<'p>> {
    let (mut all, mut next): (Vec<Branch>, usize) = (vec![], 0);
    for (bin, paths) in branches {
        if usize::from(bin) > next {
            all.push((next as u8, &[]));
        }
        all.push((bin, paths));
        next = usize::from(bin) + 1;
    }
    if next < n_bins {
        all.push((next as u8, &[]));
    }
    all
}
