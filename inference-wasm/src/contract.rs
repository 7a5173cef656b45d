//! A contract from the tree that JavaScript's reader of JSON makes of it.
//!
//! Rust's reader would take a third of the small module. `data-contract` holds the type and checks it; here every field is named once more,
//! and a field or kind that is not named is refused.

use data_contract::{Column, ColumnKind, Contract, ContractError, Moment, Target};
use js_sys::{Array, JSON, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

type Read<T> = Result<T, ContractError>;

/// Reads the compact JSON form; what it says is not yet checked.
pub(crate) fn read(json: &str) -> Read<Contract> {
    let tree = JSON::parse(json).map_err(|_| wrong("JSON"))?;
    let contract = Fields::of(tree, &["format", "dataset", "columns", "target", "missing_tokens"])?;
    Ok(Contract {
        format: contract.number("format")? as u32,
        dataset: contract.text("dataset")?,
        columns: contract.list("columns")?.iter().map(column).collect::<Read<_>>()?,
        target: target(contract.get("target"))?,
        missing_tokens: contract.texts("missing_tokens")?,
    })
}

fn column(tree: JsValue) -> Read<Column> {
    let column = Fields::of(tree, &[])?;
    let or_nothing = |name: &str| if column.get(name).is_undefined() { Ok(String::new()) } else { column.text(name) };
    let n_rare_levels = column.get("n_rare_levels").as_f64().unwrap_or(0.0) as u64;
    let fixed = column.get("fixed").is_truthy();
    Ok(Column { name: column.text("name")?, about: or_nothing("about")?, n_rare_levels, fixed, kind: kind(&column)? })
}

fn kind(column: &Fields) -> Read<ColumnKind> {
    match column.text("kind")?.as_str() {
        "numeric" => Ok(ColumnKind::Numeric {
            integer: column.get("integer").as_bool().ok_or_else(|| wrong("integer"))?,
            minimum: column.number("minimum")?,
            maximum: column.number("maximum")?,
            median: column.number("median")?,
        }),
        "date" => Ok(ColumnKind::Date {
            time: column.get("time").as_bool().ok_or_else(|| wrong("time"))?,
            minimum: column.moment("minimum")?,
            maximum: column.moment("maximum")?,
            median: column.moment("median")?,
        }),
        "categorical" => Ok(ColumnKind::Categorical { levels: column.texts("levels")? }),
        _ => Err(wrong("kind")),
    }
}

fn target(tree: JsValue) -> Read<Target> {
    let target = Fields::of(tree, &["name", "classes", "positive"])?;
    let positive = target.get("positive").as_f64().map(|index| index as usize);
    Ok(Target { name: target.text("name")?, classes: target.texts("classes")?, positive })
}

/// An object of the tree.
struct Fields(Object);

impl Fields {
    /// Refuses what is no object, and fields beside the named ones, unless none is named.
    fn of(tree: JsValue, named: &[&str]) -> Read<Self> {
        let object = if tree.is_object() { tree.unchecked_into::<Object>() } else { return Err(wrong("an object")) };
        let names = Object::keys(&object);
        let is_named = |name: JsValue| name.as_string().is_some_and(|name| named.contains(&name.as_str()));
        if named.is_empty() || names.iter().all(is_named) { Ok(Self(object)) } else { Err(wrong("known fields alone")) }
    }

    fn get(&self, name: &str) -> JsValue {
        Reflect::get(&self.0, &name.into()).unwrap_or(JsValue::UNDEFINED)
    }

    fn number(&self, name: &'static str) -> Read<f64> {
        self.get(name).as_f64().ok_or_else(|| wrong(name))
    }

    fn text(&self, name: &str) -> Read<String> {
        self.get(name).as_string().ok_or_else(|| wrong(name))
    }

    fn moment(&self, name: &'static str) -> Read<Moment> {
        self.text(name)?.parse().map_err(|_| wrong(name))
    }

    fn list(&self, name: &str) -> Read<Array> {
        self.get(name).dyn_into().map_err(|_| wrong(name))
    }

    fn texts(&self, name: &str) -> Read<Vec<String>> {
        self.list(name)?.iter().map(|text| text.as_string().ok_or_else(|| wrong(name))).collect()
    }
}

fn wrong(expected: &str) -> ContractError {
    ContractError::Syntax(["expected ", expected].concat())
}
