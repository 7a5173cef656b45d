//! Whether a column is numbers or categories, when nobody said.
//!
//! Source: `infer_column_type` of Evidently 0.7.23 on what pandas makes of the file: whole numbers with a missing value become
//! floats there, truth values with a missing one become objects of unknown type, and so are unsigned integers and decimals.

use monitor_drift::{Counts, Kind};

use crate::compare::count::Values;
use crate::compare::table::Storage;

/// Up to this many different values, integers are categories.
const MAX_INTEGER_CATEGORIES: usize = 10;

const FREE_TEXT: &str = "more than half of its texts differ, so it is free text; `--categorical` compares it";

const DATES: &str = "it holds dates, which move on, so they are not compared; `--categorical` compares it";

/// The kind of a column, from how its values are stored and what the current side holds; or why it has none.
pub(crate) fn infer(storage: &Storage, current: &Values) -> Result<Kind, &'static str> {
    match (storage, current) {
        (_, Values::FreeText { .. }) => Err(FREE_TEXT),
        (Storage::Text, Values::Counted(counts)) if is_free_text(counts) => Err(FREE_TEXT),
        (Storage::Text, Values::Counted(counts)) if counts.n() == 0 => Err("the current side holds no values"),
        (Storage::Text, _) => Ok(Kind::Categorical),
        (Storage::Float, _) => Ok(Kind::Numeric),
        (Storage::Boolean, Values::Counted(counts)) if counts.n_missing() == 0 => Ok(Kind::Categorical),
        (Storage::Boolean, _) => Err("truth values with gaps have no kind for Evidently; `--categorical` compares it"),
        (Storage::Integer | Storage::Unsigned, Values::Counted(counts)) if counts.n_missing() > 0 => Ok(Kind::Numeric),
        (Storage::Integer, Values::Counted(counts)) if counts.n_distinct() <= MAX_INTEGER_CATEGORIES => Ok(Kind::Categorical),
        (Storage::Integer, _) => Ok(Kind::Numeric),
        (Storage::Unsigned | Storage::Decimal, _) => {
            Err("unsigned integers and decimals have no kind for Evidently; `--numeric` compares it")
        }
        (Storage::Other(name), _) if name.starts_with("DATE") || name.starts_with("TIMESTAMP") => Err(DATES),
        (Storage::Other(_), _) => Err("it holds neither numbers nor text"),
    }
}

/// The same, with a kind for everything that is stored as numbers, truth values or few texts, missing ones or not.
pub(crate) fn infer_any(storage: &Storage, current: &Values) -> Result<Kind, &'static str> {
    match (storage, current) {
        (Storage::Unsigned | Storage::Decimal, _) => Ok(Kind::Numeric),
        (Storage::Boolean, _) => Ok(Kind::Categorical),
        (Storage::Text, Values::Counted(counts)) if counts.n() == 0 => Ok(Kind::Categorical),
        _ => infer(storage, current),
    }
}

fn is_free_text(counts: &Counts) -> bool {
    counts.n_distinct() as f64 > counts.n() as f64 * 0.5
}

#[cfg(test)]
mod tests {
    use super::*;
    use monitor_drift::{CategoricalCounts, NumericCounts};

    #[track_caller]
    fn check(storage: Storage, counts: impl Into<Counts>, expected: Option<Kind>) {
        assert_eq!(infer(&storage, &Values::Counted(counts.into())).ok(), expected);
    }

    fn numbers(n: u32) -> NumericCounts {
        NumericCounts::from_values((0..n).map(f64::from)).of_integers()
    }

    #[test]
    fn few_whole_numbers_are_categories_unless_one_is_missing() {
        check(Storage::Integer, numbers(10), Some(Kind::Categorical));
        check(Storage::Integer, numbers(11), Some(Kind::Numeric));
        check(Storage::Integer, numbers(3).with_missing(1), Some(Kind::Numeric));
        check(Storage::Float, numbers(1), Some(Kind::Numeric));
    }

    #[test]
    fn text_of_which_more_than_half_differs_is_free() {
        check(Storage::Text, CategoricalCounts::from_pairs([("a", 2), ("b", 2)]), Some(Kind::Categorical));
        check(Storage::Text, CategoricalCounts::from_pairs([("a", 2), ("b", 1)]), None);
        check(Storage::Text, CategoricalCounts::default().with_missing(3), None);
    }

    #[test]
    fn what_pandas_holds_as_objects_has_no_kind() {
        check(Storage::Boolean, numbers(2), Some(Kind::Categorical));
        check(Storage::Boolean, numbers(2).with_missing(1), None);
        check(Storage::Unsigned, numbers(30), None);
        check(Storage::Other("DATE".into()), numbers(30), None);
        let date = infer(&Storage::Other("TIMESTAMP WITH TIME ZONE".into()), &Values::Counted(numbers(30).into()));
        assert!(date.unwrap_err().starts_with("it holds dates"));
    }

    #[test]
    fn without_pandas_they_have_one() {
        for (storage, kind) in [(Storage::Boolean, Kind::Categorical), (Storage::Unsigned, Kind::Numeric)] {
            assert_eq!(infer_any(&storage, &Values::Counted(numbers(2).with_missing(1).into())), Ok(kind));
        }
    }
}
