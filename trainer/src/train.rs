//! Training families and registering each as a version.

use std::ops::ControlFlow;

use chrono::Utc;
use data_contract::{DataOrigin, Dataset, Home, Part, Prepared};
use polars::prelude::DataFrame;
use trainer_estimators::{Family, Params, Step};
use trainer_registry::{Registry, Version};

use crate::args::{Place, Train};
use crate::bundle::{self, Material, Reference};
use crate::failure::Hint;
use crate::leaderboard::Board;
use crate::{contract, dataset, lock, output, prepare, progress};

/// Trains and prints the new versions, best first.
pub(crate) fn execute(place: &Place, args: &Train) -> anyhow::Result<()> {
    let (dataset, _) = dataset::read(place)?;
    let versions = train(place, args, &dataset)?;
    output::show(&Board::new(&versions), place.json);
    Ok(())
}

/// Trains each family on the prepared rows.
pub(crate) fn train(place: &Place, args: &Train, dataset: &Dataset) -> anyhow::Result<Vec<Version>> {
    let home = place.home();
    let (prepared, train, validation) = read_rows(&home, dataset)?;
    let contract = contract::learn(dataset, &train)?;
    let material = Material {
        contract: &contract,
        train: &train,
        weights: None,
        validation: &validation,
        reference: Reference::Training,
        origin: origin(&prepared),
        training: &dataset.training,
        explain: true,
        seed: dataset.split.seed,
    };
    let mut writer = Registry::new(&home).write(Utc::now())?;
    let mut versions = Vec::new();
    for family in families(args, dataset)? {
        let bar = progress::bar(family.name(), place.quiet);
        let mut on_step = |step: Step| {
            bar.set_length(step.total as u64);
            bar.set_position(step.done as u64);
            ControlFlow::Continue(())
        };
        let candidate = bundle::fit(Params::default_for(family), &material, &mut on_step)?;
        let version = bundle::register(&mut writer, &candidate, &material, Utc::now())?;
        bar.finish_and_clear();
        let m = &version.manifest;
        tracing::info!(
            "version {} {}: {:.1} CPU seconds, differs from its graph by {:.0e}",
            m.version,
            family,
            m.fit_cpu_secs,
            m.parity.largest_difference
        );
        versions.push(version);
    }
    Ok(versions)
}

/// The families that the command line names, else the TOML file's, else all.
pub(crate) fn families(args: &Train, dataset: &Dataset) -> anyhow::Result<Vec<Family>> {
    if !args.families.is_empty() {
        return Ok(args.families.clone());
    }
    if dataset.training.families.is_empty() {
        return Ok(Family::ALL.to_vec());
    }
    let parsed: Result<Vec<Family>, _> = dataset.training.families.iter().map(|name| name.parse()).collect();
    parsed.hint("`training.families` in the dataset's TOML file names them")
}

/// The rows that fit and stop a model; the lock keeps them from being replaced between two files.
fn read_rows(home: &Home, dataset: &Dataset) -> anyhow::Result<(Prepared, DataFrame, DataFrame)> {
    let _lock = lock::wait(home)?;
    Ok((prepare::read_of(home, dataset)?, prepare::read_part(home, Part::Train)?, prepare::read_part(home, Part::Validation)?))
}

fn origin(prepared: &Prepared) -> DataOrigin {
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
