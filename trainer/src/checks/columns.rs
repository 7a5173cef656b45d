//! Columns from which nothing can be learned: without a value, always the same, or different in every row.

use std::collections::HashSet;

use data_contract::{CheckKind, ColumnRule, DeclaredKind, Finding, Part};
use polars::prelude::*;

use super::{Subject, percent};

/// From this share of different values on a column of texts or whole numbers is an identifier.
const NEAR_UNIQUE_SHARE: f64 = 0.95;
/// Fewer rows than this do not tell an identifier from other columns.
const TELLING_ROWS: usize = 50;

pub(super) fn check(subject: Subject) -> anyhow::Result<Vec<Finding>> {
    let known: BooleanChunked = subject.parts.iter().map(|part| Some(*part != Part::Test)).collect();
    let mut findings = Vec::new();
    for rule in &subject.dataset.columns {
        let column = subject.rows.column(&rule.name)?.filter(&known)?;
        findings.extend(look_at(&column, rule)?);
    }
    Ok(findings)
}

fn look_at(column: &Column, rule: &ColumnRule) -> PolarsResult<Option<Finding>> {
    let finding = |check, figure, message: String, advice: &str| {
        Some(Finding { check, column: Some(rule.name.clone()), figure, message, advice: advice.into() })
    };
    let values = Values::of(column, rule.kind)?;
    let (name, n_present) = (&rule.name, values.n_present());
    if n_present == 0 {
        let advice = "nothing can be learned from it: move it to `[left_out]`, or look for what went wrong with the file";
        return Ok(finding(CheckKind::Empty, 0.0, format!("column `{name}` has no value in any training row"), advice));
    }
    if values.never_vary() && n_present == column.len() {
        let advice = "nothing can be learned from it: move it to `[left_out]`";
        return Ok(finding(
            CheckKind::Constant,
            1.0,
            format!("column `{name}` has the same value in every training row"),
            advice,
        ));
    }
    if n_present < TELLING_ROWS || !values.are_names() {
        return Ok(None);
    }
    let share = values.n_distinct() as f64 / n_present as f64;
    if share < NEAR_UNIQUE_SHARE {
        return Ok(None);
    }
    let message =
        format!("column `{name}` has a value of its own in {} of the training rows: is it an identifier?", percent(share));
    let advice = "an identifier says nothing about rows to come: move it to `[left_out]`";
    Ok(finding(CheckKind::Identifier, share, message, advice))
}

enum Values<'a> {
    Numbers(&'a Float64Chunked),
    Texts(&'a StringChunked),
    Dates(&'a StringChunked),
}

impl<'a> Values<'a> {
    fn of(column: &'a Column, kind: DeclaredKind) -> PolarsResult<Self> {
        Ok(match kind {
            DeclaredKind::Numeric => Self::Numbers(column.f64()?),
            DeclaredKind::Categorical => Self::Texts(column.str()?),
            DeclaredKind::Date => Self::Dates(column.str()?),
        })
    }

    fn n_present(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len() - numbers.null_count(),
            Self::Texts(texts) | Self::Dates(texts) => texts.len() - texts.null_count(),
        }
    }

    fn never_vary(&self) -> bool {
        fn alike<T: PartialEq>(mut values: impl Iterator<Item = T>) -> bool {
            values.next().is_none_or(|first| values.all(|value| value == first))
        }
        match self {
            Self::Numbers(numbers) => alike(numbers.iter().flatten()),
            Self::Texts(texts) | Self::Dates(texts) => alike(texts.iter().flatten()),
        }
    }

    /// Whether values can be names of rows: texts and whole numbers, but no measurements and no dates.
    fn are_names(&self) -> bool {
        match self {
            Self::Numbers(numbers) => numbers.iter().flatten().all(|number| number.fract() == 0.0),
            Self::Texts(_) => true,
            Self::Dates(_) => false,
        }
    }

    fn n_distinct(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.iter().flatten().map(f64::to_bits).collect::<HashSet<_>>().len(),
            Self::Texts(texts) | Self::Dates(texts) => texts.iter().flatten().collect::<HashSet<_>>().len(),
        }
    }
}
