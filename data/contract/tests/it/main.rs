//! The house rules that a reader relies on, held against the tree itself.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::fs;
use std::path::{Path, PathBuf};

use data_contract::Dataset;

const PACKAGES: [&str; 12] = [
    "data/contract",
    "inference-wasm",
    "inference-wasm/edge",
    "inference-wasm/inventory",
    "inference-wasm/predictor",
    "inference-wasm/rustfft",
    "monitor",
    "monitor/drift",
    "trainer",
    "trainer/estimators",
    "trainer/onnx",
    "trainer/registry",
];

/// Each heavy dependency and the packages it may enter by.
const DOORS: [(&str, &[&str]); 9] = [
    ("polars", &["trainer"]),
    ("burn", &["trainer/estimators"]),
    ("prost", &["trainer/onnx"]),
    ("tract-onnx", &["inference-wasm/predictor"]),
    ("wasm-bindgen", &["inference-wasm", "inference-wasm/edge"]),
    ("worker", &["inference-wasm/edge"]),
    ("duckdb", &["monitor"]),
    ("statrs", &["monitor/drift"]),
    ("schemars", &["data/contract", "monitor", "monitor/drift"]),
];

/// Packages that a bottom crate may not know.
const LAYERS: [(&str, &[&str]); 4] = [
    ("data/contract", &["trainer", "monitor", "inference"]),
    ("trainer/onnx", &["trainer-estimators", "trainer-registry", "monitor", "inference", "data-contract"]),
    ("monitor/drift", &["trainer", "monitor.", "inference", "data-contract"]),
    ("trainer/registry", &["trainer-estimators", "trainer-onnx", "monitor", "inference"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What a package depends on, on any target; tests and build scripts apart.
fn dependencies(package: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap();
    let sections = text.split("\n[").filter_map(|section| section.split_once("]\n"));
    let ours =
        sections.filter(|(name, _)| *name == "dependencies" || name.starts_with("target.") && name.ends_with("'.dependencies"));
    let lines = ours.flat_map(|(_, section)| section.lines());
    lines.filter_map(|line| line.split(['.', ' ', '=']).next().filter(|name| !name.is_empty()).map(str::to_owned)).collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !["target", "node_modules", "tests", "examples", "benches", "dist", "pkg", "build"].contains(&name.as_str()) {
                found.extend(sources(&path));
            }
        } else if [".rs", ".ts", ".sql", ".mjs"].iter().any(|ending| name.ends_with(ending)) {
            found.push(path);
        }
    }
    found
}

/// The part of a source file that is no test.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned()
}

#[test]
fn a_heavy_dependency_comes_in_by_one_door() {
    for (dependency, doors) in DOORS {
        let users: Vec<_> =
            PACKAGES.into_iter().filter(|package| dependencies(package).iter().any(|name| name == dependency)).collect();
        assert_eq!(users, doors, "{dependency}");
    }
}

#[test]
fn the_types_of_the_bottom_layers_tell_their_schema_to_those_who_ask_alone() {
    for package in ["data/contract", "monitor/drift"] {
        let manifest = fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap();
        assert!(manifest.contains("schemars = { workspace = true, optional = true }"), "{package}");
    }
}

#[test]
fn the_bottom_layers_know_nothing_above_them() {
    for (package, forbidden) in LAYERS {
        for dependency in dependencies(package) {
            assert!(!forbidden.iter().any(|name| dependency.starts_with(name)), "{package} depends on {dependency}");
        }
    }
}

#[test]
fn no_column_of_a_dataset_occurs_in_code() {
    let dataset = Dataset::parse(&fs::read_to_string(root().join("data/bank-marketing.toml")).unwrap()).unwrap();
    // Names that are also ordinary words of programs are looked for in quotes only where they are no words of ours.
    let ours = ["default", "day", "month", "age"];
    let names = dataset.columns.iter().map(|column| column.name.as_str()).chain(["duration", "day_of_week"]);
    let names: Vec<String> = names.filter(|name| !ours.contains(name)).map(|name| format!("\"{name}\"")).collect();
    for path in
        ["data/contract/src", "trainer", "inference-wasm", "monitor", "web"].iter().flat_map(|room| sources(&root().join(room)))
    {
        let code = code(&path);
        for name in &names {
            assert!(!code.contains(name), "{} names the column {name}", path.display());
        }
    }
}

#[test]
fn the_contract_crate_reads_no_clock_and_does_no_io() {
    for path in sources(&root().join("data/contract/src")) {
        let code = code(&path);
        for forbidden in ["std::fs", "std::net", "std::env", "SystemTime", "Utc::now", "Instant::now", "rand::"] {
            assert!(!code.contains(forbidden), "{} uses {forbidden}", path.display());
        }
    }
}

#[test]
fn statistics_see_neither_files_nor_time() {
    for path in sources(&root().join("monitor/drift/src")) {
        let code = code(&path);
        for forbidden in ["std::fs", "SELECT ", "chrono", "SystemTime", "Instant::now"] {
            assert!(!code.contains(forbidden), "{} uses {forbidden}", path.display());
        }
    }
}
