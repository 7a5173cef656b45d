//! Who may post to the collector: anyone, or whoever sends one of its keys.
//!
//! Keys come from a file or the environment, never from the command line, which every user of the machine can read.

use std::path::Path;

use axum::http::{HeaderMap, HeaderValue, header};
use data_contract::sha256_hex;
use subtle::{Choice, ConstantTimeEq};

use crate::failure::Failure;
use crate::files;

/// The environment variable that holds a key.
pub(crate) const VARIABLE: &str = "TIDEMARK_API_KEY";
/// The header that holds a key where `Authorization` is taken by something else.
pub(crate) const HEADER: &str = "x-api-key";
/// A shorter key can be guessed.
pub(crate) const MIN_KEY: usize = 16;

/// Digests of the keys; without any, everyone is admitted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    digests: Vec<String>,
}

impl Keys {
    /// Reads the keys of a file, one a line, and that of the environment. Where either is given it must hold a key.
    pub(crate) fn read(file: Option<&Path>, variable: Option<&str>) -> Result<Self, Failure> {
        let mut keys = Self::default();
        if let Some(path) = file {
            let missing = || Failure::CannotRead { path: path.into(), source: std::io::ErrorKind::NotFound.into() };
            keys.add(&files::read_text(path)?.ok_or_else(missing)?, &path.display().to_string())?;
        }
        if let Some(text) = variable {
            keys.add(text, VARIABLE)?;
        }
        Ok(keys)
    }

    /// Whether everyone is admitted.
    pub(crate) fn is_open(&self) -> bool {
        self.digests.is_empty()
    }

    /// Whether a request may pass. How long this takes tells nothing about the keys.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> bool {
        if self.is_open() {
            return true;
        }
        let Some(sent) = sent(headers) else { return false };
        let sent = sha256_hex(sent);
        let equal = |digest: &String| digest.as_bytes().ct_eq(sent.as_bytes());
        self.digests.iter().map(equal).fold(Choice::from(0), |any, one| any | one).into()
    }

    fn add(&mut self, text: &str, place: &str) -> Result<(), Failure> {
        let keys: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if keys.is_empty() || keys.iter().any(|key| key.len() < MIN_KEY || key.contains(char::is_whitespace)) {
            return Err(Failure::WeakKey { place: place.to_owned() });
        }
        self.digests.extend(keys.iter().map(|key| sha256_hex(key.as_bytes())));
        Ok(())
    }
}

fn sent(headers: &HeaderMap) -> Option<&[u8]> {
    let bearer = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes).and_then(|value| {
        let (scheme, key) = value.split_at_checked(b"Bearer ".len())?;
        scheme.eq_ignore_ascii_case(b"Bearer ").then_some(key.trim_ascii())
    });
    bearer.or_else(|| headers.get(HEADER).map(HeaderValue::as_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "correct-horse-battery-staple";

    #[track_caller]
    fn check(keys: &Keys, name: &'static str, value: &str, admitted: bool) {
        let headers = HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_str(value).unwrap())]);
        assert_eq!(keys.admit(&headers), admitted, "{name}: {value}");
    }

    #[test]
    fn a_key_comes_as_bearer_token_or_in_a_header_of_its_own() {
        let keys = Keys::read(None, Some(KEY)).unwrap();
        check(&keys, "authorization", &format!("Bearer {KEY}"), true);
        check(&keys, "authorization", &format!("bearer {KEY}"), true);
        check(&keys, "x-api-key", KEY, true);
        for wrong in ["", "Bearer", "Bearer ", KEY, &format!("Basic {KEY}"), &format!("Bearer {KEY}x")] {
            check(&keys, "authorization", wrong, false);
        }
        check(&keys, "x-api-key", &KEY[1..], false);
        check(&keys, "x-other", KEY, false);
        check(&Keys::default(), "x-other", KEY, true);
    }

    #[test]
    fn a_file_may_hold_several_keys_so_that_one_can_be_replaced_by_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        std::fs::write(&path, format!("{KEY}\n\n  another-key-of-20-chars \n")).unwrap();
        let keys = Keys::read(Some(&path), None).unwrap();
        check(&keys, "x-api-key", KEY, true);
        check(&keys, "x-api-key", "another-key-of-20-chars", true);
    }

    #[test]
    fn what_holds_no_key_does_not_open_the_door() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty");
        std::fs::write(&empty, "\n").unwrap();
        assert!(matches!(Keys::read(Some(&empty), None), Err(Failure::WeakKey { .. })));
        assert!(matches!(Keys::read(Some(&folder.path().join("none")), None), Err(Failure::CannotRead { .. })));
        assert!(matches!(Keys::read(None, Some("")), Err(Failure::WeakKey { .. })));
        assert!(matches!(Keys::read(None, Some("short")), Err(Failure::WeakKey { .. })));
    }
}
