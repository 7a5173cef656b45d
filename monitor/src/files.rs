//! Reading and writing whole files, so that a crash leaves either the old file or the new one.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::Failure;

const SYNCED_AT_ONCE: usize = 16;

/// Creates a folder and those above it.
pub(crate) fn create_folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|source| Failure::CannotWrite { path: path.into(), source })
}

/// Replaces a file that can be made again: writes beside it, then renames. A power cut may take it.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let cannot = |source| Failure::CannotWrite { path: path.into(), source };
    create_folder(path.parent().expect("a file of ours lies in a folder"))?;
    let beside = beside_alone(path);
    fs::write(&beside, bytes).map_err(cannot)?;
    fs::rename(&beside, path).map_err(cannot)
}

/// Replaces a file that cannot be made again: once this returns, not even a power cut takes it.
pub(crate) fn replace_for_good(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let cannot = |source| Failure::CannotWrite { path: path.into(), source };
    create_folder(path.parent().expect("a file of ours lies in a folder"))?;
    let beside = beside_alone(path);
    let mut file = File::create(&beside).map_err(cannot)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(cannot)?;
    fs::rename(&beside, path).map_err(cannot)?;
    sync(path.parent().expect("it was created above"))
}

/// The JSON form of one of our types.
pub(crate) fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("our types are what JSON can say")
}

/// Reads a JSON file; none when there is no such file.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Failure> {
    let Some(text) = read_text(path)? else { return Ok(None) };
    let damaged = |e: serde_json::Error| Failure::Damaged { path: path.into(), problem: e.to_string() };
    serde_json::from_str(&text).map(Some).map_err(damaged)
}

/// Reads a text file; none when there is no such file.
pub(crate) fn read_text(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Failure::CannotRead { path: path.into(), source }),
    }
}

/// Waits for the exclusive lock on a file, which is released when the returned handle is dropped.
pub(crate) fn lock(path: &Path) -> Result<File, Failure> {
    let cannot = |source| Failure::CannotWrite { path: path.into(), source };
    create_folder(path.parent().expect("a lock of ours lies in a folder"))?;
    let file = File::options().create(true).append(true).open(path).map_err(cannot)?;
    file.lock().map_err(cannot)?;
    Ok(file)
}

/// Makes a file, or the names in a folder, survive a power cut.
pub(crate) fn sync(path: &Path) -> Result<(), Failure> {
    let cannot = |source| Failure::CannotWrite { path: path.into(), source };
    File::open(path).and_then(|handle| handle.sync_all()).map_err(cannot)
}

/// Makes the names in a folder, its own name and that of the folder above it survive a power cut.
pub(crate) fn sync_names(folder: &Path) -> Result<(), Failure> {
    let real = fs::canonicalize(folder).map_err(|source| Failure::CannotRead { path: folder.into(), source })?;
    real.ancestors().take(3).try_for_each(sync)
}

/// Makes files and their names up to a root folder survive a power cut; several at a time, as each waits for the disk.
pub(crate) fn sync_files(paths: &[PathBuf], root: &Path) -> Result<(), Failure> {
    let folders: BTreeSet<&Path> =
        paths.iter().flat_map(|path| path.ancestors().skip(1).take_while(|folder| folder.starts_with(root))).collect();
    let all: Vec<&Path> = paths.iter().map(PathBuf::as_path).chain(folders).collect();
    let share = all.len().div_ceil(SYNCED_AT_ONCE).max(1);
    std::thread::scope(|scope| {
        let each = |paths: &[&Path]| paths.iter().try_for_each(|path| sync(path));
        let waiting: Vec<_> = all.chunks(share).map(|paths| scope.spawn(move || each(paths))).collect();
        waiting.into_iter().try_for_each(|thread| thread.join().expect("syncing does not panic"))
    })
}

/// Removes what a process that was killed left half written in a folder to which no one else writes.
pub(crate) fn sweep(folder: &Path) {
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    let half_written = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with('.') && name.ends_with(".tmp")
    };
    // What cannot be removed is in no one's way: no pattern finds it.
    names.map(|entry| entry.path()).filter(|path| half_written(path)).for_each(|path| drop(fs::remove_file(path)));
}

/// The name under which a file that only one process writes is written before it is renamed; it starts with a dot, so that no pattern finds it.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().expect("a file of ours has a name").to_string_lossy();
    path.with_file_name(format!(".{name}.tmp"))
}

/// Such a name that no one else uses, in this process or another.
pub(crate) fn beside_alone(path: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = path.file_name().expect("a file of ours has a name").to_string_lossy();
    path.with_file_name(format!(".{name}.{}-{number}.tmp", std::process::id()))
}
