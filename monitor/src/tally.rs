//! What is known of a window: counts, which add up.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use data_contract::{Contract, Moment};
use monitor_drift::{Counts, Outcomes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::Domain;
use crate::sides::Gathering;

/// Counts of one side's rows: traffic, or the shadow beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Rows.
    pub(crate) n_rows: u64,
    /// Value counts of each column, in contract order.
    pub(crate) columns: Vec<Counts>,
    /// Value counts of the followed class's probability.
    pub(crate) prediction: Counts,
    /// Rows by predicted class.
    pub(crate) labels: BTreeMap<String, u64>,
    /// What became of the rows whose label is known.
    pub(crate) outcomes: Outcomes,
    /// Rows whose predicted class came true.
    pub(crate) n_right: u64,
    /// Rows by who predicted.
    pub(crate) sources: BTreeMap<String, u64>,
    /// Rows whose features all equal those of an earlier row of the day; none where it was not asked.
    pub(crate) n_repeated: Option<u64>,
}

/// Counts of one window, or day, and version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct WindowCounts {
    /// Digest of the prediction files.
    pub(crate) predictions: String,
    /// Digest of the label files.
    pub(crate) labels: String,
    /// The traffic.
    pub(crate) traffic: Option<Tally>,
    /// The shadow.
    pub(crate) shadow: Option<Tally>,
    /// Rows of this model that are in the files and not in the counts.
    pub(crate) not_counted: Vec<NotCounted>,
    /// Keys of the files that hold no row of this model and contract.
    pub(crate) foreign: BTreeSet<String>,
    /// Rows whose label is no class of the version's contract.
    pub(crate) n_strange_labels: u64,
    /// Days with traffic, by who predicted.
    pub(crate) days: BTreeMap<String, BTreeSet<NaiveDate>>,
    /// How well the rows can be told from those that the version knew, once it was asked.
    #[serde(default)]
    pub(crate) domain: Option<Domain>,
}

/// Rows that are not counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub(crate) struct NotCounted {
    /// The version they name.
    pub(crate) version: u32,
    /// Why.
    pub(crate) reason: String,
    /// How many.
    pub(crate) n_rows: u64,
}

/// Counts being gathered from the rows of a query.
pub(crate) struct Gathered<'a> {
    contract: &'a Contract,
    columns: Vec<Gathering>,
    labels: BTreeMap<String, u64>,
    sources: BTreeMap<String, u64>,
}

/// One counted value.
pub(crate) enum Cell {
    /// There is none.
    Missing,
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

impl WindowCounts {
    /// One of the two sides.
    pub(crate) fn side(&mut self, shadow: bool) -> &mut Option<Tally> {
        if shadow { &mut self.shadow } else { &mut self.traffic }
    }

    /// Adds a day's counts.
    pub(crate) fn add(&mut self, day: Self) {
        for (own, other) in [(&mut self.traffic, day.traffic), (&mut self.shadow, day.shadow)] {
            match (own.as_mut(), other) {
                (Some(own), Some(other)) => own.add(&other),
                (None, Some(other)) => *own = Some(other),
                (_, None) => {}
            }
        }
        self.not_counted.extend(day.not_counted);
        self.foreign.extend(day.foreign);
        for (source, days) in day.days {
            self.days.entry(source).or_default().extend(days);
        }
    }

    /// Adds a day's rows of one side.
    pub(crate) fn count(&mut self, day: NaiveDate, shadow: bool, tally: Tally) {
        if !shadow {
            for source in tally.sources.keys() {
                self.days.entry(source.clone()).or_default().insert(day);
            }
        }
        *self.side(shadow) = Some(tally);
    }

    /// How many days have traffic.
    pub(crate) fn n_days(&self) -> usize {
        self.days.values().flatten().collect::<BTreeSet<_>>().len()
    }

    /// Takes back what labels told.
    pub(crate) fn forget_outcomes(&mut self) {
        self.n_strange_labels = 0;
        for tally in [&mut self.traffic, &mut self.shadow].into_iter().flatten() {
            (tally.outcomes, tally.n_right) = (Outcomes::default(), 0);
        }
    }

    /// Rows of a version that are not in all figures.
    pub(crate) fn left_out(&self, version: u32) -> impl Iterator<Item = NotCounted> {
        let reason = || "their label is no class of the version's contract, so they count as unlabelled".to_owned();
        let n_rows = self.n_strange_labels;
        let labels = (n_rows > 0).then(|| NotCounted { version, reason: reason(), n_rows });
        self.not_counted.iter().cloned().chain(labels)
    }
}

impl Tally {
    /// Adds other rows of the same version; what labels told is left alone.
    fn add(&mut self, other: &Self) {
        let same_kind = "columns of one version are of one kind";
        self.n_rows += other.n_rows;
        self.columns.iter_mut().zip(&other.columns).for_each(|(own, other)| own.merge(other).expect(same_kind));
        self.prediction.merge(&other.prediction).expect(same_kind);
        add_levels(&mut self.labels, &other.labels);
        add_levels(&mut self.sources, &other.sources);
        self.n_repeated = self.n_repeated.zip(other.n_repeated).map(|(own, other)| own + other);
    }
}

fn add_levels(own: &mut BTreeMap<String, u64>, other: &BTreeMap<String, u64>) {
    other.iter().for_each(|(level, n)| *own.entry(level.clone()).or_default() += n);
}

impl<'a> Gathered<'a> {
    /// Nothing yet, of a contract's columns.
    pub(crate) fn of(contract: &'a Contract) -> Self {
        let columns = contract.columns.iter().map(|column| Gathering::of(&column.kind));
        let columns = columns.chain([Gathering::Numbers(Vec::new())]).collect();
        Self { contract, columns, labels: BTreeMap::new(), sources: BTreeMap::new() }
    }

    /// Adds a value that occurs `n` times; rare levels are counted together, as in a reference. Columns come in the order of `counted_columns`: features, probability, label, source.
    pub(crate) fn add(&mut self, column: usize, n: u64, value: Cell) {
        match (self.columns.get_mut(column), value) {
            (Some(Gathering::Numbers(pairs)), Cell::Number(number)) => pairs.push((number, n)),
            (Some(Gathering::Dates(pairs)), Cell::Text(text)) => {
                pairs.push((text.parse().map_or(f64::NAN, Moment::days), n));
            }
            (Some(Gathering::Numbers(pairs) | Gathering::Dates(pairs)), _) => pairs.push((f64::NAN, n)),
            (Some(Gathering::Texts(pairs)), Cell::Text(text)) => {
                pairs.push((Some(self.contract.columns[column].counted_as(&text).to_owned()), n));
            }
            (Some(Gathering::Texts(pairs)), _) => pairs.push((None, n)),
            (None, Cell::Text(text)) => {
                let levels = if column == self.columns.len() { &mut self.labels } else { &mut self.sources };
                *levels.entry(text).or_default() += n;
            }
            (None, _) => {}
        }
    }

    /// The counts.
    pub(crate) fn finish(mut self) -> Tally {
        let prediction = self.columns.pop().expect("the probability is always counted").finish();
        let columns = self.columns.into_iter().map(Gathering::finish).collect();
        Tally {
            n_rows: prediction.n_rows(),
            columns,
            prediction,
            labels: self.labels,
            outcomes: Outcomes::default(),
            n_right: 0,
            sources: self.sources,
            n_repeated: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sides::tests::churn;
    use data_contract::RARE_LEVELS;

    #[test]
    fn rare_levels_are_gathered_together() {
        let mut contract = churn();
        contract.columns[1].n_rare_levels = 2;
        let mut gathered = Gathered::of(&contract);
        for (text, n) in [("basic", 5), ("gold", 1), ("silver", 2)] {
            gathered.add(1, n, Cell::Text(text.into()));
        }
        let Counts::Categorical(counts) = &gathered.finish().columns[1] else { panic!("texts are categorical") };
        let levels: Vec<(&str, u64)> = counts.levels().iter().map(|(level, n)| (level.as_str(), *n)).collect();
        assert_eq!(levels, [(RARE_LEVELS, 3), ("basic", 5)]);
    }
}
