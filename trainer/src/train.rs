//! Training families and registering each as a version.

use std::ops::ControlFlow;
use std::path::Path;

use anyhow::Context;
use chrono::Utc;
use data_contract::{ColumnRule, DataOrigin, Dataset, Direction, Home, Part, Prepared};
use polars::prelude::DataFrame;
use trainer_estimators::{Family, Params, Step, gradient_boosting};
use trainer_registry::{Registry, Version, Writer};

use crate::args::{Place, Train};
use crate::blend::Candidates;
use crate::candidate::Candidate;
use crate::failure::Hint;
use crate::leaderboard::Board;
use crate::material::{self, Material, Reference};
use crate::model::Members;
use crate::output::{self, Shown, number, table};
use crate::search::{self, Found};
use crate::{bundle, candidate, contract, dataset, lock, prepare, progress};
use failed::Failed;

pub(crate) mod failed;

/// What `train` prints.
#[derive(Debug, serde::Serialize)]
struct Outcome {
    #[serde(flatten)]
    board: Board,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    search: Vec<Found>,
}

/// What training leaves.
pub(crate) struct Trained {
    /// New versions, one of each family that did not fail.
    pub(crate) versions: Vec<Version>,
    /// The other families.
    pub(crate) failed: Vec<Failed>,
    /// What a search found.
    pub(crate) search: Vec<Found>,
}

/// Trains and prints the new versions, best first.
pub(crate) fn execute(place: &Place, args: &Train) -> anyhow::Result<()> {
    let (dataset, _) = dataset::read(place)?;
    let Trained { versions, failed, search } = train(place, args, &dataset)?;
    output::show(&Outcome { board: Board::new(&versions).with_failed(failed), search }, place.json);
    Ok(())
}

/// Trains each family on the prepared rows, with the settings that a search finds where there is time for one. One that fails leaves the
/// others as they are.
///
/// # Errors
/// What keeps every family from a version.
pub(crate) fn train(place: &Place, args: &Train, dataset: &Dataset) -> anyhow::Result<Trained> {
    let home = place.home();
    let (prepared, train, validation) = read_rows(&home, dataset)?;
    let contract = contract::learn(dataset, &train)?;
    let material = Material {
        contract: &contract,
        train: &train,
        validation: &validation,
        weighting: material::alike,
        reference: Reference::Training,
        origin: origin(&prepared),
        training: &dataset.training,
        explain: true,
        quiet: place.quiet,
        seed: dataset.split.seed,
    };
    let families = families(args, dataset)?;
    let given: Vec<Params> = args.params.iter().map(|path| read_params(path)).collect::<anyhow::Result<Vec<_>>>()?.concat();
    let search = match args.budget {
        Some(budget) => search::search(&home, &families, budget, &material, dataset)?,
        None => vec![],
    };
    let mut writer = Registry::new(&home).write(Utc::now())?;
    let settings = families.into_iter().map(|family| {
        let chosen = search.iter().map(|found| &found.params).chain(&given).find(|params| params.family() == family);
        directed(chosen.cloned().unwrap_or_else(|| Params::default_for(family)), dataset)
    });
    let is_blended = args.budget.is_some();
    let (versions, failed) = train_families(settings, is_blended, &material, &mut writer)?;
    Ok(Trained { versions, failed, search })
}

/// A version of each family, and one of their blend where that is asked for.
fn train_families(
    settings: impl Iterator<Item = Params>,
    is_blended: bool,
    material: &Material,
    writer: &mut Writer,
) -> anyhow::Result<(Vec<Version>, Vec<Failed>)> {
    let mut candidates = Candidates::default();
    let results = settings.map(|params| {
        let family = params.family();
        let trained = train_family(params, material, writer).map(|(version, candidate)| {
            if is_blended {
                candidates.add(candidate);
            }
            version
        });
        (family, trained)
    });
    let (mut versions, failed) = failed::set_apart(results)?;
    versions.extend(failed::without(blend(&candidates, material, writer))?);
    Ok((versions, failed))
}

/// Settings from a file: as they stand there alone, or under `params` as in a manifest; of a blend, those of its members.
fn read_params(path: &Path) -> anyhow::Result<Vec<Params>> {
    let hint = "it holds the `params` of a version's manifest.json: a `family` and its settings";
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    let mut json: serde_json::Value =
        serde_json::from_str(&text.hint(hint)?).with_context(|| format!("{} is not JSON", path.display())).hint(hint)?;
    let inner = json.get_mut("params").map(serde_json::Value::take);
    let json = inner.unwrap_or(json);
    let params = match serde_json::from_value::<Members>(json.clone()) {
        Ok(members) => Ok(members.of_families()),
        Err(_) => serde_json::from_value(json).map(|params| vec![params]),
    };
    let params: Vec<Params> = params.with_context(|| format!("{} holds no settings of a family", path.display())).hint(hint)?;
    let checked = params.iter().try_for_each(|params| params.clone().check().map(drop)).map(|()| params);
    checked.with_context(|| path.display().to_string()).hint("change the setting in the file")
}

/// The settings with the directions that the dataset gives its columns.
pub(crate) fn directed(params: Params, dataset: &Dataset) -> Params {
    let direction = |rule: &ColumnRule| match rule.monotone {
        None => 0,
        Some(Direction::Rising) => 1,
        Some(Direction::Falling) => -1,
    };
    match params {
        Params::GradientBoosting(params) => {
            let has_directions = dataset.columns.iter().any(|rule| rule.monotone.is_some());
            let monotone = if has_directions { dataset.columns.iter().map(direction).collect() } else { vec![] };
            Params::GradientBoosting(gradient_boosting::Params { monotone, ..params })
        }
        params => params,
    }
}

fn train_family(params: Params, material: &Material, writer: &mut Writer) -> anyhow::Result<(Version, Candidate)> {
    let family = params.family();
    let bar = progress::bar(family.name(), material.quiet);
    let mut on_step = |step: Step| {
        bar.set_length(step.total as u64);
        bar.set_position(step.done as u64);
        ControlFlow::Continue(())
    };
    let fitted = candidate::fit(params, material, &mut on_step);
    bar.finish_and_clear();
    fitted.and_then(|candidate| Ok((register(&candidate, material, writer)?, candidate)))
}

/// A version of the blend of what was trained, where it has one.
fn blend(candidates: &Candidates, material: &Material, writer: &mut Writer) -> anyhow::Result<Option<Version>> {
    candidates.blend(material)?.map(|blend| register(&blend, material, writer)).transpose()
}

fn register(candidate: &Candidate, material: &Material, writer: &mut Writer) -> anyhow::Result<Version> {
    let version = bundle::register(writer, candidate, material, Utc::now())?;
    let manifest = &version.manifest;
    tracing::info!(
        "version {} {}: {:.1} CPU seconds, calibration {}, differs from its graph by {:.0e}",
        manifest.version,
        manifest.family,
        manifest.fit_cpu_secs,
        candidate.judgement.calibration.name(),
        manifest.parity.largest_difference
    );
    Ok(version)
}

impl Shown for Outcome {
    fn text(&self) -> String {
        let line = |found: &Found| {
            let [default, best] = found.losses.map_or([None; 2], |losses| losses.map(|loss| Some(loss.abs())));
            vec![found.family.name().into(), found.n_trials.to_string(), number(default), number(best)]
        };
        let board = self.board.text();
        if self.search.is_empty() {
            return board;
        }
        let rows = self.search.iter().map(line).collect();
        format!("{}\n\n{board}", table(&["family", "trials", "defaults", "best, cross-validated"], 1, rows))
    }
}

/// The families that the command line names, else the TOML file's, else all.
pub(crate) fn families(args: &Train, dataset: &Dataset) -> anyhow::Result<Vec<Family>> {
    if !args.families.is_empty() {
        return Ok(once_each(args.families.clone()));
    }
    if dataset.training.families.is_empty() {
        return Ok(Family::ALL.to_vec());
    }
    let parsed: Result<Vec<Family>, _> = dataset.training.families.iter().map(|name| name.parse()).collect();
    parsed.map(once_each).hint("`training.families` in the dataset's TOML file names them")
}

fn once_each(mut families: Vec<Family>) -> Vec<Family> {
    let mut seen = std::collections::BTreeSet::new();
    families.retain(|family| seen.insert(*family));
    families
}

/// The rows that fit and stop a model; the lock keeps them from being replaced between two files.
pub(crate) fn read_rows(home: &Home, dataset: &Dataset) -> anyhow::Result<(Prepared, DataFrame, DataFrame)> {
    let _lock = lock::wait(home)?;
    Ok((prepare::read_of(home, dataset)?, prepare::read_part(home, Part::Train)?, prepare::read_part(home, Part::Validation)?))
}

/// Where the prepared rows came from.
pub(crate) fn origin(prepared: &Prepared) -> DataOrigin {
    DataOrigin {
        dataset: prepared.dataset.clone(),
        source: prepared.source.clone(),
        digest: prepared.digest.clone(),
        synthetic: prepared.synthetic,
        n_train: prepared.n_train,
        n_validation: prepared.n_validation,
        n_logged: 0,
        first_date: prepared.first_date,
        last_date: match prepared.split {
            data_contract::SplitKind::Time => prepared.test_from.and_then(|date| date.pred_opt()),
            data_contract::SplitKind::Random => prepared.last_date,
        },
    }
}
