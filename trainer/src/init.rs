//! Writing a dataset's TOML file for a table nobody has described yet.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::path::Path;

use anyhow::Context;
use data_contract::{
    Clock, ColumnRule, Dataset, DateForm, DeclaredKind, MAX_LEVELS, Moment, Rules, Source, Split, TargetRule, Training,
};
use polars::prelude::*;
use trainer_registry::store;

use crate::args::{Init, Place};
use crate::dialect::Dialect;
use crate::failure::{Hint, failure};
use crate::frame::{self, Table, texts};
use crate::output::{self, Shown};
use crate::{contract, dataset, rows};

/// Texts that stand for "missing" in files from anywhere.
const MISSING_TOKENS: [&str; 9] = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "?", "unknown"];
/// A column of texts with more different values than this share of its rows is an identifier or free text.
const NEAR_UNIQUE_SHARE: f64 = 0.75;
/// So is one with so many levels that rare ones are left out, if fewer than this share of its rows would keep a level.
const FREQUENT_SHARE: f64 = 0.1;
/// Fewer rows than this do not tell an identifier from other columns.
const TELLING_ROWS: usize = 20;
/// A column with at least this share of numbers is one of numbers, with this share of dates one of dates; rows with something else are set
/// aside. A column of dates dates the rows if at least this share has one.
const NUMBERS_SHARE: f64 = 0.99;
/// Rows of a file that tell what a column is.
const LOOKED_AT_ROWS: usize = 100_000;
/// The most classes that a target may have.
const MAX_CLASSES: usize = 50;

/// What `init` prints.
#[derive(Debug, serde::Serialize)]
struct Outcome {
    file: std::path::PathBuf,
    dataset: Dataset,
    /// The command to go on with.
    next: String,
}

/// Looks at a file and writes `<home>/<name>.toml`.
pub(crate) fn execute(place: &Place, args: &Init) -> anyhow::Result<()> {
    let table = frame::read_table(&args.file, Dialect::default())?;
    if table.lines.is_empty() {
        return Err(failure(format!("{} has no rows", table.file), "it should hold a header line and one line per row"));
    }
    let name = args.name.clone().unwrap_or_else(|| name_of(&args.file));
    let toml = place.home().dataset(&name);
    if toml.exists() && !args.force {
        return Err(failure(
            format!("{} is already there", toml.display()),
            "`--force` replaces it; `--name` writes another one",
        ));
    }
    let dataset = describe(&table, args, name, path_from(place.home().root(), &args.file)?)?;
    let text = render(&dataset);
    Dataset::parse(&text).hint("change the file or its name (`--name`), or write the dataset's file by hand")?;
    store::write_file(&toml, text.as_bytes())?;
    let next = match dataset::names(&place.home()).len() {
        1 => "trainer run".into(),
        _ => format!("trainer --dataset {} run", dataset.name),
    };
    output::show(&Outcome { file: toml, dataset, next }, place.json);
    Ok(())
}

fn describe(table: &Table, args: &Init, name: String, path: String) -> anyhow::Result<Dataset> {
    let target = target(table, args)?;
    let apart: Vec<&String> = [Some(&args.target), args.weights.as_ref()].into_iter().flatten().collect();
    for column in apart.iter().chain(&args.group.as_ref()) {
        rows::column_of(table, column, &[])?;
    }
    let Roles { columns, left_out, time } = roles(table, args, &apart)?;
    if columns.is_empty() {
        return Err(failure(
            format!("{} has no column to predict from", table.file),
            "is the separator right? is it the right file?",
        ));
    }
    let mut source = Source { path: Some(path), ..Source::default() };
    table.dialect.inspect(|found| found.note(&mut source));
    Ok(Dataset {
        format: 1,
        name,
        title: String::new(),
        licence: String::new(),
        citation: String::new(),
        missing: MISSING_TOKENS.map(str::to_owned).to_vec(),
        weights: args.weights.clone(),
        source,
        target,
        time,
        split: Split { group: args.group.clone(), ..Split::default() },
        training: Training::default(),
        rules: Rules::default(),
        left_out,
        columns,
    })
}

/// What the columns of a file are for.
struct Roles {
    columns: Vec<ColumnRule>,
    left_out: BTreeMap<String, String>,
    time: Clock,
}

/// What each column is for, but those that stand apart, which are known already.
fn roles(table: &Table, args: &Init, apart: &[&String]) -> anyhow::Result<Roles> {
    let mut roles = Roles { columns: Vec::new(), left_out: BTreeMap::new(), time: Clock::None };
    let mut folded = BTreeSet::from([args.target.to_lowercase()]);
    for column in table.frame.columns().iter().filter(|column| apart.iter().all(|name| *name != column.name().as_str())) {
        let name = column.name().to_string();
        let look = match look_at(column)? {
            _ if name.is_empty() => Look::LeaveOut("it has no name"),
            _ if rows::TAKEN.contains(&name.as_str()) => Look::LeaveOut("its name is one that prepared rows use themselves"),
            _ if !folded.insert(name.to_lowercase()) => {
                Look::LeaveOut("its name differs from another in case only: rename it in the file to use it")
            }
            _ if args.group.as_ref() == Some(&name) => Look::LeaveOut("it groups the rows"),
            look => look,
        };
        match look {
            Look::Use(kind) => roles.columns.push(ColumnRule::new(name, kind)),
            Look::LeaveOut(reason) => _ = roles.left_out.insert(name, reason.into()),
            Look::Date { form, dates_rows } => {
                if dates_rows && roles.time == Clock::None {
                    roles.time = Clock::Column { column: name.clone() };
                }
                roles.columns.push(ColumnRule { form, ..ColumnRule::new(name, DeclaredKind::Date) });
            }
        }
    }
    Ok(roles)
}

fn target(table: &Table, args: &Init) -> anyhow::Result<TargetRule> {
    let names = || table.frame.get_column_names().iter().map(|name| name.to_string()).collect::<Vec<_>>().join(", ");
    let column = table.frame.column(&args.target);
    let column = column.map_err(|_| {
        failure(format!("there is no column `{}` in {}", args.target, table.file), format!("its columns are {}", names()))
    })?;
    if column.dtype().is_nested() {
        return Err(failure(
            format!("column `{}` holds lists or structures", args.target),
            "a target holds one text, number or boolean in each row",
        ));
    }
    let mut counts: Vec<(String, usize)> = count(column)?.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    if counts.len() < 2 {
        let found = if counts.is_empty() { "no value at all" } else { "one class only" };
        return Err(failure(format!("column `{}` holds {found}", args.target), "a classifier needs rows of two classes or more"));
    }
    if counts.len() > MAX_CLASSES {
        let message = format!("column `{}` holds {} different values: too many for classes", args.target, counts.len());
        return Err(failure(message, format!("the most is {MAX_CLASSES}; is it the right column?")));
    }
    let mut classes: Vec<String> = counts.iter().map(|(class, _)| class.clone()).collect();
    let rarest = classes.last().cloned().filter(|_| classes.len() == 2);
    let positive = args.positive.clone().or(rarest);
    if let Some(positive) = positive.as_ref().filter(|positive| !classes.contains(positive)) {
        return Err(failure(
            format!("`{positive}` is not a value of column `{}`", args.target),
            format!("its values are {}", classes.join(", ")),
        ));
    }
    sort(&mut classes, positive.as_ref());
    Ok(TargetRule { column: args.target.clone(), classes, positive })
}

/// Numbers by size, else by name; the positive class comes last.
fn sort(classes: &mut [String], positive: Option<&String>) {
    classes.sort();
    let number = |class: &String| class.parse::<f64>().unwrap_or(f64::NAN);
    if classes.iter().all(|class| number(class).is_finite()) {
        classes.sort_by(|a, b| number(a).total_cmp(&number(b)));
    }
    classes.sort_by_key(|class| Some(class) == positive);
}

enum Look {
    Use(DeclaredKind),
    Date { form: Option<DateForm>, dates_rows: bool },
    LeaveOut(&'static str),
}

/// Looks at evenly spaced rows of many; what seems empty, constant or unique in these is looked at whole.
fn look_at(column: &Column) -> anyhow::Result<Look> {
    if column.dtype().is_nested() {
        return Ok(Look::LeaveOut("its values are lists or structures"));
    }
    let step = column.len().div_ceil(LOOKED_AT_ROWS).max(1);
    match look_at_rows(&column.gather_every(step, 0)?)? {
        Look::LeaveOut(_) if step > 1 => look_at_rows(column),
        found => Ok(found),
    }
}

fn look_at_rows(column: &Column) -> anyhow::Result<Look> {
    let counts = count(column)?;
    let n_present: usize = counts.values().sum();
    let complete = n_present == column.len();
    let dates_rows = n_present as f64 >= NUMBERS_SHARE * column.len() as f64;
    let n_where = |is: &dyn Fn(&str) -> bool| counts.iter().filter(|(text, _)| is(text)).map(|(_, count)| count).sum::<usize>();
    let n_numbers = n_where(&|text| text.parse::<f64>().is_ok());
    let n_dates = |form| n_where(&|text| Moment::read(text, form).is_ok());
    let is_date = |form| n_dates(form) as f64 >= NUMBERS_SHARE * n_present as f64;
    let all = |is: &dyn Fn(&str) -> bool| counts.keys().all(|text| is(text));
    Ok(match () {
        () if counts.is_empty() => Look::LeaveOut("it has no values"),
        () if counts.len() == 1 && complete => Look::LeaveOut("it has the same value in every row"),
        () if is_date(None) => Look::Date { form: None, dates_rows },
        () if is_date(DAY_FIRST) && is_date(MONTH_FIRST) => Look::LeaveOut(
            "dates whose day and month cannot be told apart: name it in `columns` with `kind = \"date\"` and `form = \"day-first\"` or `\"month-first\"`",
        ),
        () if is_date(DAY_FIRST) => Look::Date { form: DAY_FIRST, dates_rows },
        () if is_date(MONTH_FIRST) => Look::Date { form: MONTH_FIRST, dates_rows },
        () if n_present > TELLING_ROWS && counts.len() == n_present && all(&|text| text.parse::<i64>().is_ok()) => {
            Look::LeaveOut("every row has a whole number of its own: an identifier")
        }
        () if n_numbers as f64 >= NUMBERS_SHARE * n_present as f64 => Look::Use(DeclaredKind::Numeric),
        () if n_present > TELLING_ROWS && is_near_unique(&counts, n_present) => {
            Look::LeaveOut("nearly every row has a value of its own: an identifier or free text")
        }
        () => Look::Use(DeclaredKind::Categorical),
    })
}

const DAY_FIRST: Option<DateForm> = Some(DateForm::DayFirst);
const MONTH_FIRST: Option<DateForm> = Some(DateForm::MonthFirst);

/// Whether a column of texts has so many levels that nothing can be learned from them.
fn is_near_unique(counts: &HashMap<String, usize>, n_present: usize) -> bool {
    let share = |n: usize| n as f64 / n_present as f64;
    if counts.len() <= MAX_LEVELS as usize {
        return share(counts.len()) > NEAR_UNIQUE_SHARE;
    }
    let n_frequent: usize = counts.values().filter(|count| **count >= contract::MIN_LEVEL_ROWS).sum();
    share(n_frequent) < FREQUENT_SHARE
}

/// How often each text occurs, without those that mean "missing".
fn count(column: &Column) -> anyhow::Result<HashMap<String, usize>> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for text in texts(column)?.iter().flatten().map(str::trim).filter(|text| !MISSING_TOKENS.contains(text)) {
        match counts.get_mut(text) {
            Some(count) => *count += 1,
            None => _ = counts.insert(text.to_owned(), 1),
        }
    }
    Ok(counts)
}

fn name_of(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let name: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' }).collect();
    if name.is_empty() { "dataset".into() } else { name }
}

/// The file's path as seen from the home folder, where that is short; else its full path.
fn path_from(home: &Path, file: &Path) -> anyhow::Result<String> {
    std::fs::create_dir_all(home).with_context(|| format!("cannot create {}", home.display()))?;
    let (home, file) = (home.canonicalize()?, file.canonicalize()?);
    let beside = home.parent().and_then(|parent| file.strip_prefix(parent).ok()).map(|rest| Path::new("..").join(rest));
    let inside = file.strip_prefix(&home).ok().map(Path::to_owned);
    Ok(inside.or(beside).unwrap_or(file).to_string_lossy().into_owned())
}

/// The TOML text, one column a line.
fn render(dataset: &Dataset) -> String {
    let mut text = String::from("# Written by `trainer init`; change what it got wrong.\n\n");
    let whole = Dataset { columns: Vec::new(), ..dataset.clone() }.to_toml();
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut columns = String::from("columns = [\n");
    for column in &dataset.columns {
        let kind = match column.kind {
            DeclaredKind::Numeric => "numeric",
            DeclaredKind::Categorical => "categorical",
            DeclaredKind::Date => "date",
        };
        let form = match column.form {
            Some(DateForm::DayFirst) => ", form = \"day-first\"",
            Some(DateForm::MonthFirst) => ", form = \"month-first\"",
            None => "",
        };
        let _ = writeln!(columns, "    {{ name = {}, kind = \"{kind}\"{form} }},", quoted(&column.name));
    }
    text += &whole.replacen("columns = []", &(columns + "]"), 1);
    text
}

impl Shown for Outcome {
    fn text(&self) -> String {
        let n_of = |kind| self.dataset.columns.iter().filter(|column| column.kind == kind).count();
        let numbers = match (n_of(DeclaredKind::Numeric), n_of(DeclaredKind::Date)) {
            (n_numeric, 0) => format!("{n_numeric} numeric"),
            (n_numeric, n_dates) => format!("{n_numeric} numeric, {n_dates} date"),
        };
        let mut text = format!(
            "{}: predicts `{}` ({}) from {numbers} and {} categorical columns",
            self.file.display(),
            self.dataset.target.column,
            self.dataset.target.classes.join(", "),
            n_of(DeclaredKind::Categorical)
        );
        for (column, reason) in &self.dataset.left_out {
            let _ = write!(text, "\n  left out `{column}`: {reason}");
        }
        if let Clock::Column { column } = &self.dataset.time {
            let _ = write!(text, "\n  `{column}` dates the rows; `split.kind = \"time\"` would keep the newest for the test");
        }
        text + &format!("\nnext: `{}`", self.next)
    }
}
