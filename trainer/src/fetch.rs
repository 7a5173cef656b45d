//! Getting the source file: a path, an environment variable, a cached copy, a download; or made-up rows.

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use data_contract::{Dataset, Home, Source, sha256_hex, short};
use serde::{Deserialize, Serialize};
use trainer_registry::store;

use crate::args::{Fetch, Place};
use crate::failure::{Hint, failure};
use crate::output::{self, Shown};
use crate::{dataset, lock, sample};

/// The most that a download, or a member of an archive, may hold.
const MAX_BYTES: u64 = 4 << 30;

/// The file that `prepare` reads, and where it came from: `raw/source.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fetched {
    /// Name of the dataset.
    pub(crate) dataset: String,
    /// The file.
    pub(crate) file: PathBuf,
    /// Its SHA-256.
    pub(crate) sha256: String,
    /// Where it came from.
    pub(crate) origin: String,
    /// Whether a generator made its rows.
    pub(crate) synthetic: bool,
    /// A second file with the test rows, where the first holds none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) test_file: Option<PathBuf>,
}

/// Gets the file and prints where it came from.
pub(crate) fn execute(place: &Place, args: &Fetch) -> anyhow::Result<()> {
    let (dataset, toml) = dataset::read(place)?;
    output::show(&fetch(place, args, &dataset, &toml)?, place.json);
    Ok(())
}

/// Gets the file.
pub(crate) fn fetch(place: &Place, args: &Fetch, dataset: &Dataset, toml: &Path) -> anyhow::Result<Fetched> {
    let home = place.home();
    let _lock = lock::take(&home)?;
    let mut fetched = match (args.sample, dataset::own_file(dataset, toml)) {
        (true, _) => make_up(&home, dataset)?,
        (false, Some(file)) => take(dataset, args.from.clone().unwrap_or(file))?,
        (false, None) => unpack(&home, dataset, args.from.as_deref())?,
    };
    // The next command may run in another folder.
    fetched.file = std::path::absolute(&fetched.file)?;
    let record = serde_json::to_vec_pretty(&fetched)?;
    store::write_file(&home.raw().join("source.json"), &record)?;
    Ok(fetched)
}

/// A train and a test file that somebody brings in the place of the dataset's source.
pub(crate) fn bring(dataset: &Dataset, train: &Path, test: &Path) -> anyhow::Result<Fetched> {
    let (first, second) = (take(dataset, train.to_owned())?, take(dataset, test.to_owned())?);
    let sha256 = sha256_hex((first.sha256.clone() + &second.sha256).as_bytes());
    let origin = format!("{} and {}", first.origin, second.origin);
    Ok(Fetched { sha256, origin, test_file: Some(second.file), ..first })
}

/// What the last `fetch` left, if it was for this dataset.
pub(crate) fn last(home: &Home, dataset: &Dataset) -> Option<Fetched> {
    let bytes = std::fs::read(home.raw().join("source.json")).ok()?;
    let fetched: Fetched = serde_json::from_slice(&bytes).ok()?;
    // A file of the user's own may have changed since; what is read now is what counts.
    let sha256 = sha256_hex(&std::fs::read(&fetched.file).ok()?);
    (fetched.dataset == dataset.name).then_some(Fetched { sha256, ..fetched })
}

fn make_up(home: &Home, dataset: &Dataset) -> anyhow::Result<Fetched> {
    let bytes = sample::generate(home, dataset)?;
    let file = home.raw().join(format!("{}.sample.csv", dataset.name));
    store::write_file(&file, &bytes)?;
    let origin = format!("made up, seed {}; no real rows", dataset.split.seed);
    Ok(Fetched { dataset: dataset.name.clone(), sha256: sha256_hex(&bytes), file, origin, synthetic: true, test_file: None })
}

fn take(dataset: &Dataset, file: PathBuf) -> anyhow::Result<Fetched> {
    let bytes = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let origin = file.display().to_string();
    Ok(Fetched { dataset: dataset.name.clone(), sha256: sha256_hex(&bytes), file, origin, synthetic: false, test_file: None })
}

fn unpack(home: &Home, dataset: &Dataset, from: Option<&Path>) -> anyhow::Result<Fetched> {
    let source = &dataset.source;
    let cached = home.raw().join(format!("{}.zip", dataset.name));
    let (archive, origin) = find_archive(source, from, &cached)?;
    let mut bytes = archive;
    let mut file_name = dataset.name.clone();
    for member in &source.members {
        bytes = open_member(&bytes, member).with_context(|| format!("cannot unpack {origin}"))?;
        file_name.clone_from(member);
    }
    let ending = Path::new(&file_name).extension().and_then(|e| e.to_str()).unwrap_or("csv");
    let file = home.raw().join(format!("{}.{ending}", dataset.name));
    store::write_file(&file, &bytes)?;
    Ok(Fetched { dataset: dataset.name.clone(), sha256: sha256_hex(&bytes), file, origin, synthetic: false, test_file: None })
}

/// The archive's bytes, checked, and where they came from.
fn find_archive(source: &Source, from: Option<&Path>, cached: &Path) -> anyhow::Result<(Vec<u8>, String)> {
    let variable = source.env.as_ref().and_then(|name| Some((name, PathBuf::from(std::env::var_os(name)?))));
    if let Some(path) = from.map(Path::to_owned).or_else(|| variable.map(|(_, path)| path)) {
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        check(source, &bytes, &path.display().to_string())?;
        store::write_file(cached, &bytes)?;
        return Ok((bytes, path.display().to_string()));
    }
    if let Ok(bytes) = std::fs::read(cached) {
        match check(source, &bytes, &cached.display().to_string()) {
            Ok(()) => return Ok((bytes, cached.display().to_string())),
            Err(error) => tracing::warn!("{error}; the copy is left out"),
        }
    }
    let url = source.url.as_deref().ok_or_else(|| unreachable_source(source, cached, "the TOML file names no address"))?;
    let bytes = download(url, source.bytes.unwrap_or(MAX_BYTES))
        .map_err(|error| unreachable_source(source, cached, &format!("{error:#}")))?;
    check(source, &bytes, url)?;
    store::write_file(cached, &bytes)?;
    Ok((bytes, url.to_owned()))
}

fn download(url: &str, most: u64) -> anyhow::Result<Vec<u8>> {
    let agent = ureq::Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_global(Some(Duration::from_secs(600)))
        .build()
        .new_agent();
    let mut response = agent.get(url).call()?;
    Ok(response.body_mut().with_config().limit(most).read_to_vec()?)
}

fn check(source: &Source, bytes: &[u8], origin: &str) -> anyhow::Result<()> {
    if !source.members.is_empty() && !bytes.starts_with(b"PK") {
        return Err(failure(
            format!("{origin} is not a zip archive"),
            "the data come as a zip archive; is it a web page that says why not?",
        ));
    }
    let digest = sha256_hex(bytes);
    let other_digest = source.sha256.as_ref().is_some_and(|expected| *expected != digest);
    let other_size = source.bytes.is_some_and(|expected| expected != bytes.len() as u64);
    if !other_digest && !other_size {
        return Ok(());
    }
    let found = format!("{} bytes, sha256 {}…", bytes.len(), short(&digest));
    let size = source.bytes.map(|bytes| format!("{bytes} bytes"));
    let sum = source.sha256.as_ref().map(|digest| format!("sha256 {}…", short(digest)));
    let expected: Vec<String> = size.into_iter().chain(sum).collect();
    Err(failure(
        format!("{origin} has another checksum: {found} instead of {}", expected.join(", ")),
        "the copy is damaged or the publisher changed it; get it again, or pin the new checksum in the dataset's TOML file",
    ))
}

fn open_member(archive: &[u8], name: &str) -> anyhow::Result<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).hint("the archive is damaged: get it again")?;
    let member = archive.by_name(name).with_context(|| format!("the archive has no `{name}`"));
    let mut bytes = Vec::new();
    member
        .hint("`source.members` in the dataset's TOML file names the way to the file")?
        .take(MAX_BYTES)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreachable_source(source: &Source, cached: &Path, problem: &str) -> anyhow::Error {
    let variable = source.env.as_deref().map_or(String::new(), |name| format!("\n  {name}: not set"));
    let tried = format!(
        "\n  --from: not given{variable}\n  {}: not there\n  {}: {problem}",
        cached.display(),
        source.url.as_deref().unwrap_or("download")
    );
    failure(
        format!("no source of the data can be reached:{tried}"),
        "download the archive elsewhere and pass it with `--from PATH`, or use `--sample` for made-up rows",
    )
}

impl Shown for Fetched {
    fn text(&self) -> String {
        let label = if self.synthetic { " (SYNTHETIC ROWS)" } else { "" };
        format!("{}{label}\n  from   {}\n  sha256 {}", self.file.display(), self.origin, self.sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_error(bytes: &[u8], message: &str) {
        let source = Source { members: vec!["a.csv".into()], sha256: Some("00".repeat(32)), ..Source::default() };
        assert_eq!(check(&source, bytes, "x.zip").unwrap_err().to_string(), message);
    }

    #[test]
    fn an_archive_is_checked_before_it_is_opened() {
        check_error(b"<html>", "x.zip is not a zip archive");
        check_error(b"PK", "x.zip has another checksum: 2 bytes, sha256 fcab7fcc2b4c… instead of sha256 000000000000…");
    }

    #[test]
    fn where_nothing_can_be_reached_every_source_is_named() {
        let source = Source { url: Some("https://a/b.zip".into()), env: Some("B_ZIP".into()), ..Source::default() };
        let error = unreachable_source(&source, Path::new("raw/b.zip"), "refused").to_string();
        assert_eq!(
            error,
            "no source of the data can be reached:\n  --from: not given\n  B_ZIP: not set\n  raw/b.zip: not there\n  https://a/b.zip: refused"
        );
    }
}
