//! Dividing rows that belong together: all rows of a client, a patient or a site land in the same part.
//!
//! A model that has seen some rows of a client knows the client, and a test on the others flatters it. Groups are taken in random order,
//! and each goes to the part that it would leave the least full, class by class, so that shares and class shares come out nearly right.

use data_contract::Part;

use super::{Random, shuffle};

/// The part of each row; `shares` are of all rows, and what remains trains.
pub(super) fn divide(shares: &[(Part, f64)], classes: &[u32], groups: &[usize], seed: u64) -> Vec<Part> {
    let n_classes = classes.iter().max().map_or(0, |class| *class as usize + 1);
    let rows = rows_of_groups(groups);
    let mut order: Vec<usize> = (0..rows.len()).collect();
    shuffle(&mut order, &mut Random(seed));
    let mut bins = bins(shares, classes, n_classes);
    for group in order {
        let counts = count(rows[group].iter().map(|row| classes[*row]), n_classes);
        let emptiest = (0..bins.len()).min_by(|a, b| bins[*a].fill_with(&counts).total_cmp(&bins[*b].fill_with(&counts)));
        bins[emptiest.expect("the training part is always there")].put(group, &counts);
    }
    give_to_empty(&mut bins, &rows);
    let mut parts = vec![Part::Train; classes.len()];
    for bin in &bins {
        bin.groups.iter().flat_map(|group| &rows[*group]).for_each(|row| parts[*row] = bin.part);
    }
    parts
}

/// One part while it is being filled.
struct Bin {
    part: Part,
    groups: Vec<usize>,
    wanted: Vec<f64>,
    held: Vec<f64>,
}

impl Bin {
    /// How full the part would be with half of these rows, as they see it: each by its class.
    ///
    /// Half, so that a group which a part has room for by half is not refused (the method of Webster for seats in a parliament).
    fn fill_with(&self, counts: &[f64]) -> f64 {
        let fill = |class: usize| (self.held[class] + counts[class] / 2.0) / self.wanted[class].max(f64::MIN_POSITIVE);
        (0..counts.len()).filter(|class| counts[*class] > 0.0).map(|class| counts[class] * fill(class)).sum()
    }

    fn put(&mut self, group: usize, counts: &[f64]) {
        self.groups.push(group);
        self.held.iter_mut().zip(counts).for_each(|(held, count)| *held += count);
    }
}

/// With few groups a part may be left without one: it gets the smallest one of training, if that has another.
fn give_to_empty(bins: &mut [Bin], rows: &[Vec<usize>]) {
    for empty in 1..bins.len() {
        if !bins[empty].groups.is_empty() || bins[0].groups.len() < 2 {
            continue;
        }
        let smallest = (0..bins[0].groups.len()).min_by_key(|at| rows[bins[0].groups[*at]].len());
        let group = bins[0].groups.swap_remove(smallest.expect("training has two groups or more"));
        bins[empty].groups.push(group);
    }
}

/// Training comes first: it takes a group that fits nowhere better.
fn bins(shares: &[(Part, f64)], classes: &[u32], n_classes: usize) -> Vec<Bin> {
    let rest = 1.0 - shares.iter().map(|(_, share)| share).sum::<f64>();
    let counts = count(classes.iter().copied(), n_classes);
    let bin = |(part, share): (Part, f64)| {
        let wanted = counts.iter().map(|count| count * share).collect();
        Bin { part, groups: Vec::new(), wanted, held: vec![0.0; n_classes] }
    };
    std::iter::once((Part::Train, rest)).chain(shares.iter().copied()).map(bin).collect()
}

fn count(classes: impl Iterator<Item = u32>, n_classes: usize) -> Vec<f64> {
    let mut counts = vec![0.0; n_classes];
    classes.for_each(|class| counts[class as usize] += 1.0);
    counts
}

fn rows_of_groups(groups: &[usize]) -> Vec<Vec<usize>> {
    let mut rows = vec![Vec::new(); groups.iter().max().map_or(0, |group| group + 1)];
    groups.iter().enumerate().for_each(|(row, group)| rows[*group].push(row));
    rows.retain(|rows| !rows.is_empty());
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARES: [(Part, f64); 2] = [(Part::Test, 0.2), (Part::Validation, 0.16)];

    fn count_part(parts: &[Part], part: Part) -> usize {
        parts.iter().filter(|p| **p == part).count()
    }

    #[test]
    fn a_group_is_never_divided_and_shares_are_nearly_right() {
        let mut random = Random(3);
        let groups: Vec<usize> = (0..2000).map(|_| random.below(20) * random.below(10)).collect();
        let classes: Vec<u32> = groups.iter().map(|group| u32::from(group % 4 == 0 || random.below(5) == 0)).collect();
        let parts = divide(&SHARES, &classes, &groups, 42);
        for (row, group) in groups.iter().enumerate() {
            let first = groups.iter().position(|other| other == group).unwrap();
            assert_eq!(parts[row], parts[first], "group {group}");
        }
        let (test, validation) = (count_part(&parts, Part::Test), count_part(&parts, Part::Validation));
        assert!((300..=500).contains(&test) && (220..=420).contains(&validation), "{test} {validation}");
    }

    #[test]
    fn rows_that_stand_alone_are_divided_as_without_groups() {
        let classes: Vec<u32> = (0..1000).map(|row| u32::from(row % 10 == 0)).collect();
        let alone: Vec<usize> = (0..1000).collect();
        let parts = divide(&SHARES, &classes, &alone, 42);
        assert_eq!((count_part(&parts, Part::Test), count_part(&parts, Part::Validation)), (200, 160));
        let positives = parts.iter().zip(&classes).filter(|(part, class)| **part == Part::Test && **class == 1).count();
        assert_eq!(positives, 20);
    }

    #[test]
    fn few_groups_are_spread_over_all_parts() {
        let parts = |groups: &[usize]| {
            let parts = divide(&SHARES, &vec![0; groups.len()], groups, 42);
            Part::ALL.map(|part| count_part(&parts, part))
        };
        assert_eq!(parts(&[0, 0, 1, 1, 2, 2]), [2, 2, 2]);
        assert_eq!(parts(&[0, 0, 0]), [3, 0, 0]);
    }
}
