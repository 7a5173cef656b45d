//! All of it: fetch, prepare, train, deploy, test.

use trainer_registry::{Registry, Version};

use crate::args::{Place, Run};
use crate::failure::failure;
use crate::leaderboard::Board;
use crate::output::{self, Shown};
use crate::search::Found;
use crate::train::Trained;
use crate::{dataset, deploy, fetch, prepare, test, train};

/// What `run` prints.
#[derive(Debug, serde::Serialize)]
struct Outcome {
    prepared: prepare::Outcome,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    search: Vec<Found>,
    leaderboard: Board,
    deployed: deploy::Outcome,
    test: test::Outcome,
}

/// Runs every step and prints the results together.
pub(crate) fn execute(place: &Place, args: &Run) -> anyhow::Result<()> {
    let (dataset, toml) = dataset::read(place)?;
    let fetched = match prepare::brought(&args.prepare, &dataset)? {
        Some(_) if args.fetch.from.is_some() || args.fetch.sample => {
            return Err(failure("`--train` and `--test` bring the rows already", "leave `--from` and `--sample` out"));
        }
        Some(fetched) => fetched,
        None => fetch::fetch(place, &args.fetch, &dataset, &toml)?,
    };
    let prepared = prepare::prepare(place, &args.prepare, &dataset, &fetched)?;
    let Trained { versions, failed, search } = train::train(place, &args.train, &dataset)?;
    let deployed = deploy::deploy(place)?;
    let leaderboard = Board::new(&as_they_stand(place, &versions)?).with_failed(failed);
    let outcome = Outcome { prepared, search, leaderboard, deployed, test: test::test(place)? };
    output::show(&outcome, place.json);
    Ok(())
}

/// The same versions in the stages that they have by now.
fn as_they_stand(place: &Place, versions: &[Version]) -> anyhow::Result<Vec<Version>> {
    let registry = Registry::new(&place.home());
    Ok(versions.iter().map(|version| registry.version(version.manifest.version)).collect::<Result<_, _>>()?)
}

impl Shown for Outcome {
    fn text(&self) -> String {
        [self.prepared.text(), self.leaderboard.text(), self.deployed.text(), self.test.text()].join("\n\n")
    }
}
