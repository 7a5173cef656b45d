//! The registry as the monitor sees it: versions with their reference counts, what is in production, and the history.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use data_contract::{Bundle, Contract, Dataset, DatasetError, Evaluation, HistoryLine, Home, Manifest, Reference, Rules};
use inference_predictor::Predictor;

use crate::contracts;
use crate::dataset_remedy::remedy;
use crate::failure::Failure;
use crate::files;

/// One version's bundle, without the model.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    /// Where it came from.
    pub(crate) manifest: Manifest,
    /// What its rows look like.
    pub(crate) contract: Contract,
    /// What its training rows were.
    pub(crate) reference: Reference,
}

/// Versions, each read once.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    by_number: BTreeMap<u32, Option<Version>>,
    importance: BTreeMap<u32, Importance>,
}

/// How much of a model's skill lies in each column.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Importance {
    shares: BTreeMap<String, f64>,
}

impl Importance {
    /// Of a version's evaluation; nothing is known where it was not asked, as of a model that was retrained, or where no column counts.
    fn new(evaluation: &Evaluation) -> Self {
        let worth = |mean: f64| mean.max(0.0);
        let total: f64 = evaluation.importance.iter().map(|importance| worth(importance.mean)).sum();
        let share = |mean: f64| worth(mean) / total;
        let shares = evaluation.importance.iter().map(|importance| (importance.column.clone(), share(importance.mean)));
        if total > 0.0 { Self { shares: shares.collect() } } else { Self::default() }
    }

    /// A column's share of what all columns add, from 0 to 1; none where nothing is known.
    pub(crate) fn of(&self, column: &str) -> Option<f64> {
        (!self.shares.is_empty()).then(|| self.shares.get(column).copied().unwrap_or(0.0))
    }
}

impl Versions {
    /// A version by number; none when the registry does not hold it, or holds it damaged.
    pub(crate) fn get(&mut self, home: &Home, number: u32) -> Result<Option<&Version>, Failure> {
        if let Entry::Vacant(vacant) = self.by_number.entry(number) {
            vacant.insert(match find(home, number) {
                Err(failure @ Failure::Damaged { .. }) => {
                    tracing::warn!(%failure, version = number, "version left out");
                    None
                }
                other => other?,
            });
        }
        Ok(self.by_number[&number].as_ref())
    }

    /// How much of a version's skill lies in each column; where it was not asked of this one, as after a retrain, that of the newest
    /// version before it of which it was.
    pub(crate) fn importance(&mut self, home: &Home, number: u32) -> Result<Importance, Failure> {
        if let Some(known) = self.importance.get(&number) {
            return Ok(known.clone());
        }
        let mut found = Importance::default();
        for folder in (1..=number).rev().map(|earlier| home.version(earlier)).chain([home.production()]) {
            found = read_importance(&folder)?;
            if found != Importance::default() {
                break;
            }
        }
        Ok(self.importance.entry(number).or_insert(found).clone())
    }

    /// The versions read so far.
    pub(crate) fn known(&self) -> impl Iterator<Item = &Version> {
        self.by_number.values().flatten()
    }
}

/// The manifest of the bundle in production.
pub(crate) fn production(home: &Home) -> Result<Option<Manifest>, Failure> {
    files::read_json(&home.production().join(Bundle::MANIFEST))
}

/// A version's model; none when the registry does not hold it, or holds one that cannot be loaded, which is told.
pub(crate) fn predictor(home: &Home, number: u32) -> Option<Predictor> {
    let bytes = std::fs::read(home.version(number).join(Bundle::MODEL)).ok()?;
    let told = |error| tracing::warn!(%error, version = number, "a model cannot be loaded, so it is not known what moved its predictions");
    Predictor::load(&bytes).map_err(told).ok()
}

/// The lines of the registry's history; a line that cannot be read is named and left out.
pub(crate) fn history(home: &Home) -> Result<Vec<HistoryLine>, Failure> {
    let text = files::read_text(&home.history())?.unwrap_or_default();
    let parse = |(index, line): (usize, &str)| match serde_json::from_str(line) {
        Ok(line) => Some(line),
        Err(error) => {
            tracing::warn!(line = index + 1, %error, "history line left out");
            None
        }
    };
    Ok(text.lines().enumerate().filter_map(parse).collect())
}

/// What a bundle's evaluation says of its columns; nothing where there is none, or where it cannot be read, which is told.
fn read_importance(folder: &std::path::Path) -> Result<Importance, Failure> {
    match files::read_json::<Evaluation>(&folder.join(Bundle::EVALUATION)) {
        Ok(evaluation) => Ok(evaluation.as_ref().map(Importance::new).unwrap_or_default()),
        Err(failure @ Failure::Damaged { .. }) => {
            tracing::warn!(%failure, "the importance of columns is not known");
            Ok(Importance::default())
        }
        Err(failure) => Err(failure),
    }
}

/// The rules of a dataset, checked; the defaults when the home folder has no file of it.
pub(crate) fn rules(home: &Home, dataset: &str) -> Result<Rules, Failure> {
    let path = home.dataset(dataset);
    let Some(text) = files::read_text(&path)? else { return Ok(Rules::default()) };
    let bad = |error: DatasetError| {
        let remedy = remedy(&text, &error);
        Failure::BadDataset { path: path.clone(), problem: error.to_string().trim_end().to_owned(), remedy }
    };
    Ok(Dataset::parse(&text).map_err(bad)?.rules)
}

/// The registry's version; on a machine that has only the production bundle, that one where it is the same version.
fn find(home: &Home, number: u32) -> Result<Option<Version>, Failure> {
    match read(&home.version(number))? {
        Some(version) => Ok(Some(version)),
        None => Ok(read(&home.production())?.filter(|version| version.manifest.version == number)),
    }
}

fn read(folder: &std::path::Path) -> Result<Option<Version>, Failure> {
    let manifest = files::read_json(&folder.join(Bundle::MANIFEST))?;
    let contract = contracts::read(&folder.join(Bundle::CONTRACT))?;
    let reference = files::read_json(&folder.join(Bundle::REFERENCE))?;
    Ok(match (manifest, contract, reference) {
        (Some(manifest), Some(contract), Some(reference)) => Some(Version { manifest, contract, reference }),
        _ => None,
    })
}
