//! Who may ask: callers that name one of the keys, compared in constant time.
//!
//! Digests are compared rather than keys, so that neither a key's length nor where it first differs shows in the time taken.

use data_contract::sha256_hex;

use crate::config::list;

/// A shorter key could be guessed.
const LEAST_KEY_BYTES: usize = 16;

/// The digests of the keys; without any everyone may ask.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Keys(Vec<String>);

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Anyone, where no key is asked for.
    Anyone,
    /// The holder of the key with this index.
    Key(usize),
    /// Someone without a key that is known.
    Stranger,
}

impl Keys {
    /// Reads keys parted by commas or white space.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match list(text).find(|key| key.len() < LEAST_KEY_BYTES) {
            Some(_) => Err(format!("holds a key of fewer than {LEAST_KEY_BYTES} characters")),
            None => Ok(Self(list(text).map(|key| sha256_hex(key.as_bytes())).collect())),
        }
    }

    /// Whether callers must name a key.
    pub(crate) fn are_asked_for(&self) -> bool {
        !self.0.is_empty()
    }

    /// Who asks, by the headers `authorization: Bearer KEY` and `x-api-key: KEY`.
    pub(crate) fn caller(&self, authorization: Option<&str>, api_key: Option<&str>) -> Caller {
        if !self.are_asked_for() {
            return Caller::Anyone;
        }
        let given = sha256_hex(authorization.and_then(bearer).or(api_key).unwrap_or_default().as_bytes());
        // Every key is compared, so that the time does not tell which one it was.
        let found =
            self.0.iter().enumerate().fold(None, |found, (index, key)| if equal(key, &given) { Some(index) } else { found });
        found.map_or(Caller::Stranger, Caller::Key)
    }
}

fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, key) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// Whether two texts of one length are equal; the time depends on the length alone.
fn equal(a: &str, b: &str) -> bool {
    let differences = a.bytes().zip(b.bytes()).fold(0, |differences, (a, b)| differences | (a ^ b));
    a.len() == b.len() && std::hint::black_box(differences) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "a-key-of-twenty-char";
    const B: &str = "another-key-of-these";

    #[track_caller]
    fn check(authorization: Option<&str>, api_key: Option<&str>, caller: Caller) {
        assert_eq!(Keys::parse(&format!("{A}, {B}")).unwrap().caller(authorization, api_key), caller);
    }

    #[test]
    fn a_known_key_is_let_in() {
        check(Some(&format!("Bearer {A}")), None, Caller::Key(0));
        check(Some(&format!("bearer  {B} ")), None, Caller::Key(1));
        check(None, Some(B), Caller::Key(1));
        check(Some("Basic x"), Some(A), Caller::Key(0));
    }

    #[test]
    fn all_else_is_not() {
        check(None, None, Caller::Stranger);
        check(Some(A), None, Caller::Stranger);
        check(Some("Bearer "), None, Caller::Stranger);
        check(Some(&format!("Bearer {A}x")), None, Caller::Stranger);
        check(None, Some(&A[..19]), Caller::Stranger);
    }

    #[test]
    fn without_keys_anyone_may_ask() {
        assert_eq!(Keys::parse(" ").unwrap().caller(None, None), Caller::Anyone);
    }
}
