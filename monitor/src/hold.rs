//! One at a time: a lock that names its holder to whoever finds it taken.

use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, Utc};

use crate::failure::Failure;
use crate::files;

const POLL: Duration = Duration::from_millis(50);

/// The lock, which the operating system gives back when its holder ends, however that comes.
#[derive(Debug)]
pub(crate) struct Hold(#[expect(dead_code, reason = "it locks until it is dropped")] File);

impl Hold {
    /// Takes the lock of a file for a command, and waits so long where another process has it.
    pub(crate) fn take(path: &Path, command: &str, patience: Duration) -> Result<Self, Failure> {
        let cannot = |source| Failure::CannotWrite { path: path.into(), source };
        files::create_folder(path.parent().expect("a lock of ours lies in a folder"))?;
        let mut file = File::options().create(true).append(true).open(path).map_err(cannot)?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(cannot(error)),
                Err(TryLockError::WouldBlock) if begun.elapsed() >= patience => {
                    let holder = files::read_text(path)?.unwrap_or_default().trim().to_owned();
                    return Err(Failure::Busy { command: command.to_owned(), holder, path: path.into() });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(POLL),
            }
        }
        let since = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
        file.set_len(0)
            .and_then(|()| writeln!(file, "monitor {command}, process {}, since {since}", std::process::id()))
            .map_err(cannot)?;
        Ok(Self(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_second_learns_who_came_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("home/.lock");
        let first = Hold::take(&path, "watch", Duration::ZERO).unwrap();
        let error = Hold::take(&path, "report", Duration::from_millis(60)).unwrap_err().to_string();
        let process = format!("process {}", std::process::id());
        assert!(
            error.starts_with("`monitor report` cannot begin: monitor watch, process ") && error.contains(&process),
            "{error}"
        );
        drop(first);
        assert!(Hold::take(&path, "report", Duration::ZERO).is_ok());
    }
}
