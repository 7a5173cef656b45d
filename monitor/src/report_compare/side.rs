//! One side of a comparison: what some windows and versions hold together. Pure.
//!
//! Counts add up, so a side is the sum of the counts of its windows. Versions may follow different contracts: a column counts where all
//! versions of both sides have it, as the same kind.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use data_contract::{Column, ColumnKind, Contract};
use monitor_drift::{CategoricalCounts, Counts, Outcomes};

use crate::counting::Served;
use crate::measure::followed_class;
use crate::promise::threshold;
use crate::report_compare::asked::Asked;
use crate::tally::{NotCounted, Tally};
use crate::versions::Version;

/// A window of a version, with its counts.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    /// Which window, and which version.
    pub(crate) served: Served,
    /// Its traffic.
    pub(crate) tally: &'a Tally,
    /// The version.
    pub(crate) version: &'a Version,
}

/// The parts that a name stands for; there is one at least.
pub(crate) struct Side<'a> {
    /// The name.
    pub(crate) asked: Asked,
    /// Its windows and versions, oldest first.
    pub(crate) parts: Vec<Part<'a>>,
    /// Rows that it holds and that are not in all figures.
    pub(crate) not_counted: Vec<NotCounted>,
}

/// A column that both sides have, with what each holds.
pub(crate) struct Common {
    /// Its name.
    pub(crate) name: String,
    /// Whether it holds dates.
    pub(crate) dates: bool,
    /// What the reference holds.
    pub(crate) reference: Counts,
    /// What the current side holds.
    pub(crate) current: Counts,
}

impl<'a> Side<'a> {
    /// The versions that served.
    pub(crate) fn versions(&self) -> BTreeSet<u32> {
        self.parts.iter().map(|part| part.served.1).collect()
    }

    /// Its first day and its last.
    pub(crate) fn days(&self) -> (NaiveDate, NaiveDate) {
        let windows = || self.parts.iter().map(|part| part.served.0);
        let first = windows().map(|window| window.start).min().expect("a side has a part");
        (first, windows().map(|window| window.last_day()).max().expect("a side has a part"))
    }

    /// All its counts but those of its columns, which versions need not share.
    pub(crate) fn whole(&self) -> Tally {
        let tallies = || self.parts.iter().map(|part| part.tally);
        let (mut labels, mut outcomes) = (BTreeMap::new(), Outcomes::default());
        for tally in tallies() {
            outcomes.merge(&tally.outcomes);
            tally.labels.iter().for_each(|(label, n)| *labels.entry(label.clone()).or_default() += n);
        }
        Tally {
            n_rows: tallies().map(|tally| tally.n_rows).sum(),
            columns: Vec::new(),
            prediction: sum(tallies().map(|tally| tally.prediction.clone())),
            labels,
            outcomes,
            n_right: tallies().map(|tally| tally.n_right).sum(),
            sources: BTreeMap::new(),
            n_repeated: None,
        }
    }

    /// The probability above which the positive class is predicted, where all versions have the same.
    pub(crate) fn threshold(&self) -> Option<f64> {
        let first = threshold(self.parts[0].version);
        first.filter(|_| self.parts.iter().all(|part| threshold(part.version) == first))
    }

    /// The versions with their contracts.
    fn contracts(&self) -> impl Iterator<Item = (u32, &'a Contract)> {
        self.parts.iter().map(|part| (part.served.1, &part.version.contract))
    }

    /// The counts of a column that each of its versions has.
    fn column(&self, name: &str, all: &[&Column]) -> Counts {
        sum(self.parts.iter().map(|part| {
            let at = part.version.contract.columns.iter().position(|column| column.name == name);
            regrouped(&part.tally.columns[at.expect("a common column is one of each version")], all)
        }))
    }
}

/// The class whose probability all versions of both sides follow; none where they differ.
pub(crate) fn common_class<'a>(sides: &[Side<'a>; 2]) -> Option<&'a str> {
    let mut classes = sides.iter().flat_map(Side::contracts).map(|(_, contract)| followed_class(contract));
    let first = classes.next()?;
    classes.all(|class| class == first).then_some(first)
}

/// The columns that both sides have, in the order of the current one, and the names of the others with the reason.
pub(crate) fn common_columns(sides: &[Side; 2]) -> (Vec<Common>, Vec<(String, String)>) {
    let contracts: BTreeMap<u32, &Contract> = sides.iter().flat_map(Side::contracts).collect();
    let (mut common, mut left_out) = (Vec::new(), Vec::new());
    for name in names(sides) {
        let having: BTreeMap<u32, &Column> =
            contracts.iter().filter_map(|(version, contract)| Some((*version, find(contract, name)?))).collect();
        match reason(&having, contracts.len()) {
            Some(reason) => left_out.push((name.to_owned(), reason)),
            None => {
                let all: Vec<&Column> = having.into_values().collect();
                common.push(Common {
                    name: name.to_owned(),
                    dates: matches!(all[0].kind, ColumnKind::Date { .. }),
                    reference: sides[0].column(name, &all),
                    current: sides[1].column(name, &all),
                });
            }
        }
    }
    (common, left_out)
}

/// Every column's name, those of the current side's newest version first.
fn names<'a>(sides: &[Side<'a>; 2]) -> Vec<&'a str> {
    let newest_first = sides.iter().rev().flat_map(|side| side.parts.iter().rev());
    let mut names: Vec<&str> = Vec::new();
    for column in newest_first.flat_map(|part| &part.version.contract.columns) {
        if !names.contains(&column.name.as_str()) {
            names.push(&column.name);
        }
    }
    names
}

/// Why a column cannot be compared; none where it can.
fn reason(having: &BTreeMap<u32, &Column>, n_versions: usize) -> Option<String> {
    let of = |versions: Vec<u32>| versions.iter().map(|version| format!("v{version}")).collect::<Vec<_>>().join(", ");
    if having.len() < n_versions {
        return Some(format!("only {} has it", of(having.keys().copied().collect())));
    }
    let mut kinds: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    having.iter().for_each(|(version, column)| kinds.entry(word(&column.kind)).or_default().push(*version));
    let told = || kinds.iter().map(|(kind, versions)| format!("{kind} in {}", of(versions.clone()))).collect::<Vec<_>>();
    (kinds.len() > 1).then(|| format!("it holds {}", told().join(" and ")))
}

fn word(kind: &ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Numeric { .. } => "numbers",
        ColumnKind::Categorical { .. } => "levels",
        ColumnKind::Date { .. } => "dates",
    }
}

fn find<'a>(contract: &'a Contract, name: &str) -> Option<&'a Column> {
    contract.columns.iter().find(|column| column.name == name)
}

/// The same counts with the levels under which every version counts them: what is rare to one is counted as rare.
fn regrouped(counts: &Counts, all: &[&Column]) -> Counts {
    let Counts::Categorical(levels) = counts else { return counts.clone() };
    let counted_as = |level: &String| all.iter().fold(level.clone(), |level, column| column.counted_as(&level).to_owned());
    let pairs = levels.levels().iter().map(|(level, n)| (counted_as(level), *n));
    CategoricalCounts::from_pairs(pairs).with_missing(levels.n_missing()).into()
}

fn sum(parts: impl Iterator<Item = Counts>) -> Counts {
    let merged = parts.reduce(|mut whole, part| {
        whole.merge(&part).expect("parts of a side are of one kind");
        whole
    });
    merged.expect("a side has a part")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::measure::tests::{tally, version_of};
    use crate::window::{By, Window};
    use data_contract::RARE_LEVELS;

    /// A side of one window and version.
    pub(crate) fn side<'a>(name: &str, tally: &'a Tally, version: &'a Version) -> Side<'a> {
        let window = Window::of("2010-03-01".parse().unwrap(), By::Month);
        let served = (window, version.manifest.version);
        Side { asked: Asked::parse(name).unwrap(), parts: vec![Part { served, tally, version }], not_counted: Vec::new() }
    }

    fn levels(counts: &Counts) -> Vec<(&str, u64)> {
        let Counts::Categorical(counts) = counts else { panic!("levels are categorical") };
        counts.levels().iter().map(|(level, n)| (level.as_str(), *n)).collect()
    }

    #[test]
    fn a_side_is_the_sum_of_its_parts() {
        let (one, two) = (tally([(20.0, 3)], [("basic", 3)]), tally([(20.0, 1), (30.0, 4)], [("plus", 5)]));
        let version = version_of(7);
        let mut whole = side("v7", &one, &version);
        whole.parts.push(Part { tally: &two, ..whole.parts[0] });
        let (common, left_out) = common_columns(&[whole, side("2010-03", &two, &version)]);
        assert_eq!((common.len(), left_out.len()), (2, 0));
        let Counts::Numeric(ages) = &common[0].reference else { panic!("ages are numbers") };
        assert_eq!(ages.pairs(), [(20.0, 4), (30.0, 4)]);
        assert_eq!(levels(&common[1].reference), [("basic", 3), ("plus", 5)]);
    }

    #[test]
    fn what_one_version_lacks_or_holds_as_another_kind_is_named() {
        let counts = tally([(20.0, 3)], [("basic", 3)]);
        let (old, mut new) = (version_of(7), version_of(8));
        new.contract.columns[0].name = "years".into();
        new.contract.columns[1].kind = ColumnKind::Numeric { integer: true, minimum: 0.0, maximum: 1.0, median: 0.0 };
        let (common, mut left_out) = common_columns(&[side("v7", &counts, &old), side("v8", &counts, &new)]);
        left_out.sort();
        assert!(common.is_empty());
        let expect =
            [("age", "only v7 has it"), ("plan", "it holds levels in v7 and numbers in v8"), ("years", "only v8 has it")];
        assert_eq!(left_out, expect.map(|(name, reason)| (name.to_owned(), reason.to_owned())));
    }

    #[test]
    fn what_is_rare_to_one_version_is_rare_to_both_sides() {
        let counts = tally([(20.0, 9)], [("basic", 5), ("gold", 4)]);
        let (mut old, new) = (version_of(7), version_of(8));
        old.contract.columns[1].n_rare_levels = 2;
        let (common, _) = common_columns(&[side("v7", &counts, &old), side("v8", &counts, &new)]);
        assert_eq!(levels(&common[1].reference), levels(&common[1].current));
        assert_eq!(levels(&common[1].current), [(RARE_LEVELS, 4), ("basic", 5)]);
    }

    #[test]
    fn versions_that_follow_different_classes_have_none_in_common() {
        let counts = tally([(20.0, 3)], [("basic", 3)]);
        let (old, mut new) = (version_of(7), version_of(8));
        assert_eq!(common_class(&[side("v7", &counts, &old), side("v8", &counts, &new)]), Some("yes"));
        new.contract.target.classes = vec!["stays".into(), "leaves".into()];
        assert_eq!(common_class(&[side("v7", &counts, &old), side("v8", &counts, &new)]), None);
    }
}
