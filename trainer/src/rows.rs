//! Checking rows against the dataset's TOML file: typed columns out, bad rows set aside.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use data_contract::{Clock, ColumnRule, Dataset, DateForm, DeclaredKind, MAX_TEXT_BYTES, Moment, SetAside, prepared_column};
use polars::prelude::*;

use crate::dates::{self, Calendar};
use crate::failure::failure;
use crate::frame::{Table, texts};

mod roles;

/// A share of numbers below which they are misplaced in a column of texts.
const MISPLACED_SHARE: f64 = 0.01;
/// A column of more levels than this holds codes, and a number may well be one.
const MISPLACED_LEVELS: usize = 50;

/// The rows that can be used.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    /// `tidemark_row`, `tidemark_date`, the features (Float64; String for levels and for dates, in ISO 8601), the target (String); `tidemark_weight` (Float64) and
    /// `tidemark_group` (String) where the dataset has them.
    pub(crate) frame: DataFrame,
    /// Index of each row's class.
    pub(crate) classes: Vec<u32>,
    /// Date of each row, where the dataset says what dates it.
    pub(crate) dates: Option<Vec<NaiveDate>>,
    /// The rows that cannot be used, in file order.
    pub(crate) set_aside: Vec<SetAside>,
}

/// Reasons by row number, the first one found of each.
#[derive(Debug, Default)]
struct Faults(BTreeMap<usize, (Option<String>, String)>);

/// Checks files one after another, as if the rows of each followed those of the one before.
#[derive(Debug)]
pub(crate) struct Checker<'a> {
    dataset: &'a Dataset,
    calendar: Calendar,
    n_before: usize,
}

impl<'a> Checker<'a> {
    /// A checker that has seen no file yet.
    pub(crate) fn new(dataset: &'a Dataset) -> Self {
        Self { dataset, calendar: Calendar::new(&dataset.time), n_before: 0 }
    }

    /// Checks every row of a file.
    ///
    /// # Errors
    /// A column that is not there, and a table without a usable row.
    pub(crate) fn check(&mut self, table: &Table) -> anyhow::Result<Rows> {
        let dataset = self.dataset;
        require_free_names(dataset)?;
        let mut faults = Faults::default();
        table.broken.iter().for_each(|(row, problem)| faults.add(*row, None, problem.clone()));
        let others = |name: &str| dataset.rule(name).map_or(&[][..], |rule| &rule.also);
        let find = |name: &str| column_of(table, name, others(name));
        let (classes, target) = check_target(find(&dataset.target.column)?, dataset, &mut faults)?;
        let mut columns = Vec::new();
        for rule in &dataset.columns {
            columns.push(check_column(find(&rule.name)?, rule, &dataset.missing, &mut faults)?);
        }
        columns.push(target);
        columns.extend(roles::check(dataset, find, &mut faults)?);
        warn_about_others(table, dataset);
        let dates = dates::date_rows(dataset, &mut self.calendar, find)?;
        if dates.is_none() && dataset.time != Clock::None {
            tracing::warn!("the rows of {} are not in the order of time that tells their years; they get no dates", table.file);
        }
        for (row, problem) in dates.iter().flatten().enumerate().filter_map(|(row, date)| Some((row, date.as_ref().err()?))) {
            faults.add(row, None, problem.clone());
        }
        let kept: Vec<usize> = (0..table.lines.len()).filter(|row| !faults.0.contains_key(row)).collect();
        let set_aside = faults.set_aside(table);
        if kept.is_empty() {
            let first = set_aside.first().map_or_else(|| "it has no rows".into(), |s| format!("line {}: {}", s.line, s.reason));
            return Err(failure(format!("{} has no usable row", table.file), first));
        }
        let dates = dates.map(|dates| kept.iter().filter_map(|row| dates[*row].clone().ok()).collect::<Vec<_>>());
        let classes: Vec<u32> = kept.iter().filter_map(|row| classes[*row]).collect();
        let frame = self.assemble(&kept, dates.as_deref(), columns)?;
        self.n_before += table.lines.len();
        Ok(Rows { frame, classes, dates, set_aside })
    }

    fn assemble(&self, kept: &[usize], dates: Option<&[NaiveDate]>, columns: Vec<Column>) -> anyhow::Result<DataFrame> {
        let picked = IdxCa::from_vec("kept".into(), kept.iter().map(|row| *row as IdxSize).collect());
        let n_rows = columns.first().map_or(0, Column::len);
        let columns = DataFrame::new(n_rows, columns)?.take(&picked)?;
        let rows: Vec<u64> = kept.iter().map(|row| (self.n_before + *row) as u64 + 1).collect();
        let dates: Vec<Option<NaiveDate>> =
            dates.map_or_else(|| vec![None; kept.len()], |dates| dates.iter().copied().map(Some).collect());
        let dates = DateChunked::from_naive_date_options(prepared_column::DATE.into(), dates).into_column();
        let mut all = vec![Column::new(prepared_column::ROW.into(), rows), dates];
        all.extend(columns.columns().iter().cloned());
        Ok(DataFrame::new(kept.len(), all)?)
    }
}

impl Rows {
    /// These rows, then those.
    pub(crate) fn followed_by(mut self, other: Self) -> anyhow::Result<Self> {
        self.frame.vstack_mut(&other.frame)?;
        self.classes.extend(other.classes);
        self.dates = self.dates.zip(other.dates).map(|(first, second)| [first, second].concat());
        self.set_aside.extend(other.set_aside);
        Ok(self)
    }
}

/// Finds a column by its name in the TOML file, or under another header that the file may carry.
pub(crate) fn column_of<'a>(table: &'a Table, name: &str, others: &[String]) -> anyhow::Result<&'a Column> {
    let found = std::iter::once(name).chain(others.iter().map(String::as_str)).find_map(|header| table.frame.column(header).ok());
    found.ok_or_else(|| {
        let names: Vec<_> = table.frame.get_column_names().iter().map(|name| name.to_string()).collect();
        failure(
            format!("column `{name}` is missing from {}", table.file),
            format!("the file has {}; `also` in the dataset's TOML file names other headers of a column", names.join(", ")),
        )
    })
}

/// Names that prepared rows use themselves.
pub(crate) const TAKEN: [&str; 4] =
    [prepared_column::ROW, prepared_column::DATE, prepared_column::WEIGHT, prepared_column::GROUP];

fn require_free_names(dataset: &Dataset) -> anyhow::Result<()> {
    let mut names = dataset.columns.iter().map(|rule| rule.name.as_str()).chain([dataset.target.column.as_str()]);
    match names.find(|name| TAKEN.contains(name)) {
        Some(name) => Err(failure(
            format!("column `{name}` has a name that prepared rows use themselves"),
            "rename it in the file, or leave it out in the dataset's TOML file",
        )),
        None => Ok(()),
    }
}

fn check_target(column: &Column, dataset: &Dataset, faults: &mut Faults) -> anyhow::Result<(Vec<Option<u32>>, Column)> {
    let texts = texts(column)?;
    let known = &dataset.target.classes;
    let mut class_of = |(row, text): (usize, Option<&str>)| {
        let class = text.and_then(|text| known.iter().position(|class| class == text.trim()));
        if class.is_none() {
            let problem = text
                .filter(|text| !is_missing(text, &dataset.missing))
                .map_or("the target is missing".into(), |text| format!("`{text}` is not a class"));
            faults.add(row, Some(&dataset.target.column), problem);
        }
        class.map(|class| class as u32)
    };
    let classes: Vec<_> = texts.iter().enumerate().map(&mut class_of).collect();
    let names: StringChunked = classes.iter().map(|class| class.map(|class| known[class as usize].as_str())).collect();
    Ok((classes, names.with_name(dataset.target.column.as_str().into()).into_column()))
}

fn check_column(column: &Column, rule: &ColumnRule, missing: &[String], faults: &mut Faults) -> anyhow::Result<Column> {
    let name = PlSmallStr::from_str(&rule.name);
    match rule.kind {
        DeclaredKind::Numeric if column.dtype().is_primitive_numeric() => {
            let mut numbers = column.cast(&DataType::Float64)?.f64()?.clone();
            numbers = numbers.iter().map(|number| number.filter(|number| !number.is_nan())).collect();
            let infinite = numbers.iter().enumerate().filter(|(_, number)| number.is_some_and(|n| !(n as f32).is_finite()));
            infinite.for_each(|(row, _)| faults.add(row, Some(&rule.name), "an infinity is not a number to learn from".into()));
            Ok(numbers.with_name(name).into_column())
        }
        DeclaredKind::Numeric => {
            let numbers: Float64Chunked = parse_all(&texts(column)?, rule, missing, faults, parse_number).collect();
            Ok(numbers.with_name(name).into_column())
        }
        DeclaredKind::Date => {
            let (texts, parse) = (texts(column)?, |text: &str| parse_moment(text, rule.form));
            let moments = parse_all(&texts, rule, missing, faults, parse).map(|moment| moment.map(|moment| moment.to_string()));
            Ok(moments.collect::<StringChunked>().with_name(name).into_column())
        }
        DeclaredKind::Categorical => {
            let texts = texts(column)?;
            let is_known = |text: &&str| !is_missing(text, missing);
            let levels: Vec<Option<&str>> = texts.iter().map(|text| text.map(str::trim).filter(is_known)).collect();
            find_misplaced_numbers(&levels, rule, faults);
            find_long_texts(&levels, rule, faults);
            let levels: StringChunked = levels.into_iter().collect();
            Ok(levels.with_name(name).into_column())
        }
    }
}

fn is_missing(text: &str, missing: &[String]) -> bool {
    let text = text.trim();
    text.is_empty() || missing.iter().any(|token| token == text)
}

/// What the texts say, none where that is missing; a text that cannot be parsed is its row's fault.
fn parse_all<'a, T>(
    texts: &'a StringChunked,
    rule: &'a ColumnRule,
    missing: &'a [String],
    faults: &'a mut Faults,
    parse: impl Fn(&str) -> Result<T, String> + 'a,
) -> impl Iterator<Item = Option<T>> + 'a {
    texts.iter().enumerate().map(move |(row, text)| {
        let text = text.map(str::trim).filter(|text| !is_missing(text, missing))?;
        parse(text).map_err(|problem| faults.add(row, Some(&rule.name), problem)).ok()
    })
}

fn parse_number(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if !(number as f32).is_finite() => Err(format!("`{text}` is not a finite number")),
        Ok(number) => Ok(number),
        Err(_) => Err(format!("expected a number, found `{text}`")),
    }
}

pub(crate) fn parse_moment(text: &str, form: Option<DateForm>) -> Result<Moment, String> {
    Moment::read(text, form).map_err(|_| format!("`{text}` is not a date like {}", DateForm::example(form)))
}

/// A few numbers in a column of texts are misplaced fields; a column of number-like codes is not.
fn find_misplaced_numbers(levels: &[Option<&str>], rule: &ColumnRule, faults: &mut Faults) {
    let is_number = |text: &str| text.parse::<f64>().is_ok();
    let misplaced: Vec<usize> = (0..levels.len()).filter(|row| levels[*row].is_some_and(is_number)).collect();
    let n_present = levels.iter().flatten().count();
    let is_few = !misplaced.is_empty() && (misplaced.len() as f64) < MISPLACED_SHARE * n_present as f64;
    if is_few && levels.iter().flatten().collect::<BTreeSet<_>>().len() <= MISPLACED_LEVELS {
        for row in misplaced {
            faults.add(row, Some(&rule.name), format!("expected a text, found the number {}", levels[row].unwrap_or_default()));
        }
    }
}

fn find_long_texts(levels: &[Option<&str>], rule: &ColumnRule, faults: &mut Faults) {
    for (row, text) in levels.iter().enumerate().filter_map(|(row, text)| Some((row, (*text)?))) {
        if text.len() > MAX_TEXT_BYTES {
            faults.add(row, Some(&rule.name), format!("a text of {} bytes, the most is {MAX_TEXT_BYTES}", text.len()));
        }
    }
}

fn warn_about_others(table: &Table, dataset: &Dataset) {
    let known = |name: &str| {
        let used = dataset.columns.iter().any(|rule| rule.name == name || rule.also.iter().any(|also| also == name));
        let has_a_role = [dataset.weights.as_ref(), dataset.split.group.as_ref()].into_iter().flatten().any(|role| role == name);
        used || has_a_role || name == dataset.target.column || dataset.left_out.contains_key(name)
    };
    for name in table.frame.get_column_names().iter().filter(|name| !known(name)) {
        tracing::warn!("column `{name}` of {} is not in the TOML file and not used", table.file);
    }
}

/// Refuses rows that are all of one class.
pub(crate) fn require_two_classes(classes: &[u32], dataset: &Dataset, file: &str) -> anyhow::Result<()> {
    let mut present: Vec<u32> = classes.to_vec();
    present.sort_unstable();
    present.dedup();
    if present.len() >= 2 {
        return Ok(());
    }
    let only = present.first().map_or("none", |class| &dataset.target.classes[*class as usize]);
    Err(failure(
        format!("column `{}` of {file} holds one class only: {only}", dataset.target.column),
        "a classifier needs rows of two classes or more",
    ))
}

impl Faults {
    fn add(&mut self, row: usize, column: Option<&str>, reason: String) {
        self.0.entry(row).or_insert((column.map(str::to_owned), reason));
    }

    fn set_aside(self, table: &Table) -> Vec<SetAside> {
        let of_row = |(row, (column, reason))| SetAside { file: table.file.clone(), line: table.lines[row], column, reason };
        self.0.into_iter().map(of_row).collect()
    }
}
