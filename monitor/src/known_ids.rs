//! Which records the log holds, remembered from one segment to the next: reading every id of a day for each segment would take
//! longer the longer the day is.
//!
//! Only a hash of each id is kept. One that is not there is new for certain; one that is there may be, and is looked for in the log.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::path::{Path, PathBuf};

use anyhow::Result;

/// Ids in memory, at some 10 to 20 bytes each; above it, other days are forgotten.
const MAX_IDS: usize = 16 << 20;

/// Ids of the partitions that were written to last.
#[derive(Debug, Default)]
pub(crate) struct KnownIds {
    keys: RandomState,
    partitions: RefCell<HashMap<PathBuf, Partition>>,
}

#[derive(Debug, Default)]
struct Partition {
    parts: HashSet<PathBuf>,
    hashes: HashSet<u64, BuildHasherDefault<AsItIs>>,
}

/// The numbers are hashes already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl KnownIds {
    /// Whether ids are all new to a partition and to each other. They are remembered, which does no harm where they are not written
    /// after all. `read` gives the ids of parts that were not read before.
    pub(crate) fn all_new<'a>(
        &self,
        folder: &Path,
        parts: Vec<PathBuf>,
        ids: impl IntoIterator<Item = &'a str>,
        read: impl FnOnce(Vec<PathBuf>) -> Result<Vec<String>>,
    ) -> Result<bool> {
        let mut partitions = self.partitions.borrow_mut();
        if partitions.values().map(|partition| partition.hashes.len()).sum::<usize>() > MAX_IDS {
            partitions.retain(|kept, _| kept == folder);
        }
        let partition = partitions.entry(folder.into()).or_default();
        let unread: Vec<PathBuf> = parts.into_iter().filter(|part| !partition.parts.contains(part)).collect();
        if !unread.is_empty() {
            partition.hashes.extend(read(unread.clone())?.iter().map(|id| self.keys.hash_one(id.as_str())));
            partition.parts.extend(unread);
        }
        let mut all_new = true;
        for id in ids {
            all_new &= partition.hashes.insert(self.keys.hash_one(id));
        }
        Ok(all_new)
    }

    /// A part was written, whose ids are remembered.
    pub(crate) fn wrote(&self, folder: &Path, part: PathBuf) {
        self.partitions.borrow_mut().entry(folder.into()).or_default().parts.insert(part);
    }
}

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only whole numbers are kept")
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_new_once_in_a_partition_and_parts_are_read_once() {
        let known = KnownIds::default();
        let [day, other] = [Path::new("dt=1"), Path::new("dt=2")];
        let part = |name: &str| vec![PathBuf::from(name)];
        let holds = |parts: Vec<PathBuf>| Ok(parts.iter().map(|part| format!("of {}", part.display())).collect());
        let never = |_| panic!("it was read before");
        assert!(known.all_new(day, vec![], ["a", "b"], never).unwrap());
        assert!(!known.all_new(day, vec![], ["c", "b"], never).unwrap());
        assert!(!known.all_new(day, vec![], ["d", "d"], never).unwrap());
        assert!(known.all_new(other, vec![], ["a"], never).unwrap());
        assert!(!known.all_new(day, part("1"), ["of 1"], holds).unwrap());
        known.wrote(day, "2".into());
        assert!(known.all_new(day, [part("1"), part("2")].concat(), ["e", "of 2"], never).unwrap());
    }
}
