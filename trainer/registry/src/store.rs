//! Writing so that a reader sees the old content or the new, never half of it.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::Error;

/// Replaces a file: writes beside it, then renames.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let beside = Beside::new(path)?;
    beside.file()?.write_all(bytes).map_err(Error::io("write", path))?;
    beside.replace()
}

/// A file beside the one that it will replace; it is removed when dropped before that.
#[derive(Debug)]
pub struct Beside {
    file: tempfile::NamedTempFile,
    place: PathBuf,
}

impl Beside {
    /// An empty file beside `place`, whose folder is made where there is none.
    pub fn new(place: &Path) -> Result<Self, Error> {
        let folder = folder_of(place);
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let file = tempfile::Builder::new().prefix(".writing-").tempfile_in(folder).map_err(Error::io("write in", folder))?;
        Ok(Self { file, place: place.to_owned() })
    }

    /// The file that it will replace.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// The file, to write to: whoever writes buffers.
    pub fn file(&self) -> Result<File, Error> {
        self.file.as_file().try_clone().map_err(Error::io("write", &self.place))
    }

    /// Puts it into its place, once all of it is on disk.
    pub fn replace(self) -> Result<(), Error> {
        let Self { file, place } = self;
        file.as_file().sync_all().map_err(Error::io("write", &place))?;
        // A temporary file is private by default; what is published follows the folder's habits.
        set_readable(file.path()).map_err(Error::io("write", &place))?;
        file.persist(&place).map_err(|e| Error::io("replace", &place)(e.error))?;
        sync_folder(folder_of(&place))
    }
}

/// Replaces a folder by another one beside it, at once where the file system can exchange names.
///
/// The old content is removed afterwards.
pub fn replace_folder(new: &Path, place: &Path) -> Result<(), Error> {
    if !place.exists() {
        fs::rename(new, place).map_err(Error::io("move to", place))?;
        return sync_parent(place);
    }
    let old = match rustix::fs::renameat_with(rustix::fs::CWD, new, rustix::fs::CWD, place, rustix::fs::RenameFlags::EXCHANGE) {
        Ok(()) => new.to_owned(),
        Err(_) => replace_in_two_steps(new, place)?,
    };
    sync_parent(place)?;
    fs::remove_dir_all(&old).map_err(Error::io("remove", old))
}

/// A new, empty, hidden folder inside another; it is removed when dropped unless it is moved away.
pub fn folder_beside(parent: &Path) -> Result<tempfile::TempDir, Error> {
    fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
    let folder = tempfile::Builder::new().prefix(".writing-").tempdir_in(parent).map_err(Error::io("write in", parent))?;
    set_searchable(folder.path()).map_err(Error::io("write in", parent))?;
    Ok(folder)
}

/// Removes what processes that died left unfinished.
pub fn sweep(parent: &Path) {
    let unfinished = |name: &str| name.starts_with(".writing-");
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(unfinished) {
            // What cannot be removed is invisible to every reader, and tried again the next time.
            let _ = fs::remove_dir_all(entry.path()).or_else(|_| fs::remove_file(entry.path()));
        }
    }
}

/// Makes renames inside a folder last.
pub fn sync_folder(folder: &Path) -> Result<(), Error> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io("sync", folder))
}

fn sync_parent(path: &Path) -> Result<(), Error> {
    sync_folder(folder_of(path))
}

/// The folder that a path lies in; a bare name lies in the current one.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn replace_in_two_steps(new: &Path, place: &Path) -> Result<PathBuf, Error> {
    let old = new.with_extension("old");
    fs::rename(place, &old).map_err(Error::io("move away", place))?;
    fs::rename(new, place).map_err(Error::io("move to", place))?;
    Ok(old)
}

#[cfg(unix)]
fn set_readable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

#[cfg(unix)]
fn set_searchable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_file(&path, b"one").unwrap();
        write_file(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_bare_name_lies_in_the_current_folder() {
        assert_eq!(folder_of(Path::new("a.json")), Path::new("."));
        assert_eq!(folder_of(Path::new("a/b.json")), Path::new("a"));
    }

    #[test]
    fn a_folder_is_replaced_whole() {
        let parent = tempfile::tempdir().unwrap();
        let place = parent.path().join("place");
        for content in ["one", "two"] {
            let new = folder_beside(parent.path()).unwrap();
            fs::write(new.path().join("file"), content).unwrap();
            replace_folder(&new.keep(), &place).unwrap();
            assert_eq!(fs::read_to_string(place.join("file")).unwrap(), content);
        }
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_dead_process_left_is_swept() {
        let parent = tempfile::tempdir().unwrap();
        let _dead = folder_beside(parent.path()).unwrap().keep();
        fs::write(parent.path().join("kept"), "").unwrap();
        sweep(parent.path());
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }
}
