//! Rows that repeat others: a test row that training holds too is no test, and repeated rows count more than others.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use data_contract::{CheckKind, Finding, Part, prepared_column};
use polars::prelude::*;

use super::{Subject, percent};

/// From this share of the test rows on it is worth a word that training holds them too.
const SEEN_SHARE: f64 = 0.03;
/// From this share of all rows on it is worth a word that they repeat others.
const REPEATED_SHARE: f64 = 0.05;

/// How many rows repeat others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Repeated {
    n_rows: u64,
    n_repeated: u64,
    n_test: u64,
    /// Test rows that training or validation holds too.
    pub(super) n_test_seen: u64,
}

/// Counts rows that are alike in every feature and the target.
pub(super) fn count(subject: Subject) -> anyhow::Result<Repeated> {
    let names = subject.dataset.columns.iter().map(|rule| rule.name.as_str()).chain([subject.dataset.target.column.as_str()]);
    let prints = fingerprints(subject.rows, names)?;
    let is_test = |row: &usize| subject.parts[*row] == Part::Test;
    let known: HashSet<u64> = (0..prints.len()).filter(|row| !is_test(row)).map(|row| prints[row]).collect();
    let test: Vec<u64> = (0..prints.len()).filter(is_test).map(|row| prints[row]).collect();
    let all: HashSet<&u64> = prints.iter().collect();
    Ok(Repeated {
        n_rows: prints.len() as u64,
        n_repeated: (prints.len() - all.len()) as u64,
        n_test: test.len() as u64,
        n_test_seen: test.iter().filter(|print| known.contains(print)).count() as u64,
    })
}

/// A number for each row; rows that are alike have the same, and others practically never.
fn fingerprints<'a>(rows: &DataFrame, names: impl Iterator<Item = &'a str>) -> anyhow::Result<Vec<u64>> {
    let mut prints = vec![0u64; rows.height()];
    for name in names {
        let column = rows.column(name)?;
        match column.f64() {
            Ok(numbers) => add(&mut prints, numbers.iter().map(|number| number.map(f64::to_bits))),
            Err(_) => add(&mut prints, column.str()?.iter()),
        }
    }
    Ok(prints)
}

fn add<T: Hash>(prints: &mut [u64], values: impl Iterator<Item = T>) {
    for (print, value) in prints.iter_mut().zip(values) {
        let mut hasher = DefaultHasher::new();
        (*print, value).hash(&mut hasher);
        *print = hasher.finish();
    }
}

impl Repeated {
    /// The share of rows that repeat an earlier one.
    pub(super) fn share(self) -> f64 {
        self.n_repeated as f64 / self.n_rows.max(1) as f64
    }

    pub(super) fn findings(self) -> Vec<Finding> {
        let seen = self.n_test_seen as f64 / self.n_test.max(1) as f64;
        let seen = (seen >= SEEN_SHARE).then(|| Finding {
            check: CheckKind::TestSeen,
            column: None,
            figure: seen,
            message: format!(
                "{} of {} test rows ({}) occur in training too, target included",
                self.n_test_seen,
                self.n_test,
                percent(seen)
            ),
            advice:
                "a model that knows them by heart looks good: remove repeated rows from the file, or keep rows of one source \
                     together with `split.group`; where only few different rows are possible, it is to be expected"
                    .into(),
        });
        let repeated = (self.share() >= REPEATED_SHARE).then(|| Finding {
            check: CheckKind::Duplicates,
            column: None,
            figure: self.share(),
            message: format!("{} of {} rows ({}) repeat an earlier row", self.n_repeated, self.n_rows, percent(self.share())),
            advice: "was the file put together from overlapping ones? where only few different rows are possible, it is to be expected"
                .into(),
        });
        seen.into_iter().chain(repeated).collect()
    }
}

/// Groups with rows on both sides, which only a test file of its own can bring about.
pub(super) fn shared_groups(subject: Subject) -> anyhow::Result<Option<Finding>> {
    let Some(name) = &subject.dataset.split.group else { return Ok(None) };
    let groups = subject.rows.column(prepared_column::GROUP)?.str()?;
    let of = |test: bool| -> HashSet<&str> {
        let rows = groups.iter().zip(subject.parts).filter(|(_, part)| (**part == Part::Test) == test);
        rows.filter_map(|(group, _)| group).collect()
    };
    let (known, test) = (of(false), of(true));
    let n_shared = test.intersection(&known).count();
    let share = n_shared as f64 / test.len().max(1) as f64;
    Ok((n_shared > 0).then(|| Finding {
        check: CheckKind::GroupsShared,
        column: Some(name.clone()),
        figure: share,
        message: format!(
            "{n_shared} of {} values of `{name}` in the test ({}) occur in training too",
            test.len(),
            percent(share)
        ),
        advice: "the test then tells how good a model is on groups that it knows; bring files that share none".into(),
    }))
}
