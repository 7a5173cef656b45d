//! Families of which no version came.

use trainer_estimators::Family;

use crate::failure::{failure, hint_of};

/// What is known to help where an error itself does not know.
const HINT: &str = "divide columns whose numbers are huge; `--family` trains the other families alone";

/// A family that could not be fitted, or whose graph differs from its fit. Nothing of it is in the registry.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub(crate) struct Failed {
    /// The family.
    pub(crate) family: Family,
    /// Why.
    pub(crate) reason: String,
    /// What can be done about it.
    pub(crate) hint: String,
}

/// Takes what became of each family, one after the other: what came of those that succeeded, and those that failed.
///
/// # Errors
/// A registry or a disk that fails, which ends it there, and no family that succeeded.
pub(super) fn set_apart<T>(results: impl Iterator<Item = (Family, anyhow::Result<T>)>) -> anyhow::Result<(Vec<T>, Vec<Failed>)> {
    let (mut succeeded, mut errors) = (vec![], vec![]);
    for (family, result) in results {
        match result {
            Ok(success) => succeeded.push(success),
            Err(error) if is_of_family(&error) => errors.push((family, error)),
            Err(error) => return Err(error),
        }
    }
    if succeeded.is_empty() {
        return Err(none_left(errors));
    }
    let failed: Vec<Failed> = errors.iter().map(|(family, error)| Failed::new(*family, error)).collect();
    for Failed { family, reason, hint } in &failed {
        tracing::warn!("no version of {family}: {reason}; {hint}");
    }
    Ok((succeeded, failed))
}

/// What came of a blend; nothing of one that failed, as the families are there without it.
///
/// # Errors
/// A registry or a disk that fails.
pub(super) fn without<T>(blend: anyhow::Result<Option<T>>) -> anyhow::Result<Option<T>> {
    match blend {
        Err(error) if is_of_family(&error) => {
            let hint = hint_of(&error).map_or(String::new(), |hint| format!("; {hint}"));
            tracing::warn!("no version of a blend: {error:#}{hint}");
            Ok(None)
        }
        others => others,
    }
}

/// Whether other families may do better: a registry or a disk that fails does so for all of them.
fn is_of_family(error: &anyhow::Error) -> bool {
    !error.chain().any(|cause| cause.is::<trainer_registry::Error>() || cause.is::<std::io::Error>())
}

/// What is wrong when all families failed: what they all say, or what each of them says.
fn none_left(mut errors: Vec<(Family, anyhow::Error)>) -> anyhow::Error {
    let reason = |(_, error): &(Family, anyhow::Error)| format!("{error:#}");
    if errors.windows(2).all(|pair| reason(&pair[0]) == reason(&pair[1])) && !errors.is_empty() {
        return errors.remove(0).1;
    }
    let all: Vec<Failed> = errors.iter().map(|(family, error)| Failed::new(*family, error)).collect();
    let reasons: Vec<String> = all.iter().map(|failed| format!("{}: {}", failed.family, failed.reason)).collect();
    let hint = all.first().map_or(String::new(), |failed| failed.hint.clone());
    failure(format!("every family failed: {}", reasons.join("; ")), hint)
}

impl Failed {
    fn new(family: Family, error: &anyhow::Error) -> Self {
        Self { family, reason: format!("{error:#}"), hint: hint_of(error).unwrap_or_else(|| HINT.to_owned()) }
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(formatter, "no version of {}: {}\nhint: {}", self.family, self.reason, self.hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Results = Vec<(Family, anyhow::Result<u32>)>;

    fn broken(text: &str) -> anyhow::Result<u32> {
        Err(failure(text, "do this"))
    }

    #[test]
    fn a_family_that_fails_is_set_apart_with_its_reason_and_its_hint() {
        let results: Results = vec![
            (Family::RandomForest, Ok(1)),
            (Family::SupportVector, broken("the exported graph differs")),
            (Family::LogisticRegression, Ok(2)),
        ];
        let (versions, failed) = set_apart(results.into_iter()).unwrap();
        assert_eq!(versions, [1, 2]);
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0].to_string(), "no version of support-vector: the exported graph differs\nhint: do this");
    }

    #[test]
    fn an_error_without_a_hint_is_given_one() {
        let results: Results = vec![(Family::RandomForest, Ok(1)), (Family::SupportVector, Err(anyhow::anyhow!("odd")))];
        let (_, failed) = set_apart(results.into_iter()).unwrap();
        assert!(failed[0].hint.contains("`--family`"), "{failed:?}");
    }

    #[test]
    fn a_blend_that_fails_is_done_without_but_a_disk_that_fails_is_told() {
        assert_eq!(without(Ok(Some(3))).unwrap(), Some(3));
        assert_eq!(without::<u32>(Err(anyhow::anyhow!("the goal is out of reach"))).unwrap(), None);
        let full = std::io::Error::other("no space left");
        assert_eq!(without::<u32>(Err(full.into())).unwrap_err().to_string(), "no space left");
    }

    #[test]
    fn what_all_families_say_is_said_once() {
        let same = || vec![(Family::RandomForest, broken("one class")), (Family::SupportVector, broken("one class"))];
        assert_eq!(set_apart(same().into_iter()).unwrap_err().to_string(), "one class");
        let other = vec![(Family::RandomForest, broken("one class")), (Family::SupportVector, broken("odd"))];
        let error = set_apart(other.into_iter()).unwrap_err();
        assert_eq!(error.to_string(), "every family failed: random-forest: one class; support-vector: odd");
        assert_eq!(hint_of(&error).as_deref(), Some("do this"));
    }

    #[test]
    fn a_disk_that_fails_ends_it_before_the_next_family() {
        let full = || Err(anyhow::Error::new(std::io::Error::from(std::io::ErrorKind::StorageFull)));
        let mut n_begun = 0;
        let results = [Ok(1), full(), Ok(2)].into_iter().map(|result: anyhow::Result<u32>| {
            n_begun += 1;
            (Family::RandomForest, result)
        });
        assert!(set_apart(results).is_err());
        assert_eq!(n_begun, 2);
    }
}
