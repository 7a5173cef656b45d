//! A home folder with a small model in production, as the trainer would leave it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::NaiveDate;
use data_contract::{
    Background, Bundle, ColumnCounts, ColumnKind, Contract, DataOrigin, Home, LabelRecord, Manifest, Parity, PredictionRecord,
    Probabilities, Reference, ValueCounts, metadata,
};
use inference_predictor::Predictor;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

/// A model of seven columns that names itself version 3.
const MODEL: &[u8] = include_bytes!("../../../inference-wasm/predictor/tests/golden/gradient-boosting/model.onnx");

/// A home folder that vanishes with the test.
pub(crate) struct Fixture {
    folder: TempDir,
    /// The home.
    pub(crate) home: Home,
    /// The contract of its versions.
    pub(crate) contract: Contract,
}

impl Fixture {
    /// An empty home.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let contract = Predictor::load(MODEL).unwrap().contract().clone();
        Self { home: Home::new(folder.path().join("home")), folder, contract }
    }

    /// A home with version 3 in production.
    pub(crate) fn with_production() -> Self {
        let fixture = Self::empty();
        fixture.register(3, &fixture.home.version(3));
        fixture.register(3, &fixture.home.production());
        fixture
    }

    /// The folder around the home.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The command, with this home.
    pub(crate) fn monitor(&self, args: &[&str]) -> assert_cmd::Command {
        let mut command = assert_cmd::Command::from_std(self.command(args));
        command.timeout(std::time::Duration::from_secs(120));
        command
    }

    /// The command, to be spawned.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("monitor"));
        command.env_remove("RUST_LOG").env_remove(Home::VARIABLE).arg("--home").arg(self.home.root()).args(args);
        command
    }

    /// Writes the bundle of a version.
    pub(crate) fn register(&self, version: u32, folder: &Path) {
        write(&folder.join(Bundle::MODEL), &model(version));
        write(&folder.join(Bundle::MANIFEST), serde_json::to_string(&self.manifest(version)).unwrap().as_bytes());
        write(&folder.join(Bundle::CONTRACT), self.contract.to_json_schema().to_string().as_bytes());
        write(&folder.join(Bundle::REFERENCE), serde_json::to_string(&self.reference()).unwrap().as_bytes());
    }

    /// Gives the model of a version background rows like the reference's: one more entry in the metadata of its file.
    pub(crate) fn give_background(&self, version: u32) {
        let rows = (0..20).flat_map(|index| self.contract.record(&self.spread(5 * index)).unwrap().features(&self.contract));
        let background = Background::new(rows.collect(), self.contract.n_features()).unwrap();
        let path = self.home.version(version).join(Bundle::MODEL);
        let entry = [field(1, metadata::BACKGROUND.as_bytes()), field(2, background.to_hex().as_bytes())].concat();
        write(&path, &[std::fs::read(&path).unwrap(), field(14, &entry)].concat());
    }

    /// A prediction of version 3 with a probability.
    pub(crate) fn prediction(&self, id: &str, date: &str, probability: f64) -> PredictionRecord {
        let fields = json!({
            "age": 20 + id.len(), "tenure": 12, "monthly_fee": 29.5, "calls_to_support": 1, "plan": "basic", "region": "north", "paperless": "yes",
        });
        PredictionRecord {
            format: 1,
            id: id.into(),
            time: format!("{date}T12:00:00Z").parse().unwrap(),
            model: "churn".into(),
            version: 3,
            contract: self.contract.digest(),
            source: "edge".into(),
            features: fields.as_object().unwrap().clone(),
            label: if probability > 0.35 { "leaves" } else { "stays" }.into(),
            probabilities: Probabilities(vec![("stays".into(), 1.0 - probability), ("leaves".into(), probability)]),
            n_flags: 0,
        }
    }

    /// Many predictions of one month, all with one probability, for rows like the reference's.
    pub(crate) fn month(&self, month: &str, n_rows: usize, probability: f64) -> Vec<PredictionRecord> {
        self.rows(month, n_rows, |_| probability)
    }

    /// Predictions of one month as spread as the reference's.
    pub(crate) fn steady_month(&self, month: &str, n_rows: usize) -> Vec<PredictionRecord> {
        self.rows(month, n_rows, |index| (1 + index % 99) as f64 / 100.0)
    }

    /// Predictions of one month for rows like the reference's.
    fn rows(&self, month: &str, n_rows: usize, probability: impl Fn(usize) -> f64) -> Vec<PredictionRecord> {
        let row = |index: usize| {
            let date = format!("{month}-{:02}", 1 + index % 28);
            let record = self.prediction(&format!("{month}-{index}"), &date, probability(index));
            PredictionRecord { features: self.spread(index), ..record }
        };
        (0..n_rows).map(row).collect()
    }

    /// One of the rows that the reference counts.
    fn spread(&self, index: usize) -> serde_json::Map<String, Json> {
        let value = |kind: &ColumnKind| match kind {
            ColumnKind::Numeric { minimum, maximum, .. } => {
                json!((minimum + (maximum - minimum) * (index % 99) as f64 / 98.0).round())
            }
            ColumnKind::Date { .. } => Json::Null,
            ColumnKind::Categorical { levels } => json!(levels[index % levels.len()]),
        };
        self.contract.columns.iter().map(|column| (column.name.clone(), value(&column.kind))).collect()
    }

    /// Writes a dataset's file with these rules.
    pub(crate) fn set_rules(&self, rules: &str) {
        let toml = "format = 1\nname = \"churn\"\nmissing = []\ncolumns = [{ name = \"age\", kind = \"numeric\" }]\n[source]\n[target]\ncolumn = \"churn\"\nclasses = [\"a\", \"b\"]\npositive = \"b\"\n[rules]\n";
        write(&self.home.dataset("churn"), format!("{toml}{rules}\n").as_bytes());
    }

    /// Puts records where the collector keeps them.
    pub(crate) fn collect(&self, predictions: &[PredictionRecord], labels: &[LabelRecord]) {
        self.collect_lines("predictions", &lines(predictions));
        self.collect_lines("labels", &lines(labels));
    }

    /// Puts lines where the collector keeps them.
    pub(crate) fn collect_lines(&self, kind: &str, lines: &str) {
        let free = |number: &usize| {
            ["ndjson", "closed.ndjson"].iter().all(|end| !self.segment(kind, *number).with_extension(end).exists())
        };
        write(&self.segment(kind, (1..).find(free).unwrap()), lines.as_bytes());
    }

    /// Runs a query over the log's files, which it names as `log` and `labels`.
    pub(crate) fn ask(&self, sql: &str) -> i64 {
        let connection = duckdb::Connection::open_in_memory().unwrap();
        let files = |folder: PathBuf| format!("read_parquet('{}/**/*.parquet', union_by_name = true)", folder.display());
        let sql = sql.replace("{log}", &files(self.home.predictions())).replace("{labels}", &files(self.home.labels()));
        connection.query_row(&sql, [], |row| row.get(0)).unwrap()
    }

    /// The report as data.
    pub(crate) fn report(&self) -> Json {
        serde_json::from_slice(&std::fs::read(self.home.monitor().join("report.json")).unwrap()).unwrap()
    }

    fn segment(&self, kind: &str, number: usize) -> PathBuf {
        self.home.collected().join(format!("{kind}-{number}.ndjson"))
    }

    fn manifest(&self, version: u32) -> Manifest {
        let day = |text: &str| Some(text.parse::<NaiveDate>().unwrap());
        let data = DataOrigin {
            dataset: "churn".into(),
            source: "12".into(),
            digest: "ab".into(),
            synthetic: true,
            n_train: 1980,
            n_validation: 1980,
            n_logged: 0,
            first_date: day("2008-01-01"),
            last_date: day("2008-12-31"),
        };
        Manifest {
            format: 1,
            name: "churn".into(),
            version,
            family: "gradient-boosting".into(),
            params: Json::Null,
            created: "2026-01-02T03:04:05Z".parse().unwrap(),
            trainer: "0.1.0".into(),
            seed: 42,
            fit_cpu_secs: 1.0,
            data,
            contract: self.contract.digest(),
            threshold: Some(0.35),
            validation: BTreeMap::from([("roc_auc".into(), 0.8), ("log_loss".into(), 0.4)]),
            parity: Parity { n_rows: 1980, largest_difference: 1e-7, labels_differ: 0 },
            files: BTreeMap::new(),
        }
    }

    fn reference(&self) -> Reference {
        let column = |column: &data_contract::Column| ColumnCounts { name: column.name.clone(), counts: counts(&column.kind) };
        Reference {
            format: 1,
            contract: self.contract.digest(),
            n_rows: 1980,
            columns: self.contract.columns.iter().map(column).collect(),
            prediction: numbers((1..100).map(|percent| (f64::from(percent) / 100.0, 20))),
            classes: BTreeMap::from([("stays".into(), 1500), ("leaves".into(), 480)]),
            own_drift: None,
        }
    }
}

/// A label that became known on a date.
pub(crate) fn label(id: &str, label: &str, date: &str) -> LabelRecord {
    LabelRecord { format: 1, id: id.into(), label: label.into(), time: format!("{date}T18:00:00Z").parse().unwrap() }
}

/// One JSON line per record.
pub(crate) fn lines(records: &[impl serde::Serialize]) -> String {
    records.iter().map(|record| serde_json::to_string(record).unwrap() + "\n").collect()
}

/// Writes a file and the folders above it.
pub(crate) fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// The model under another version: one digit in its metadata.
fn model(version: u32) -> Vec<u8> {
    let mut bytes = MODEL.to_vec();
    let key = b"tidemark.version\x12\x01";
    let at = bytes.windows(key.len()).position(|window| window == key).unwrap() + key.len();
    bytes[at] = b'0' + u8::try_from(version).unwrap();
    bytes
}

fn counts(kind: &ColumnKind) -> ValueCounts {
    match kind {
        ColumnKind::Numeric { minimum, maximum, .. } => {
            numbers((0..99).map(|step| ((minimum + (maximum - minimum) * f64::from(step) / 98.0).round(), 20)))
        }
        ColumnKind::Date { minimum, .. } => numbers((0..99).map(|day| (minimum.days() + f64::from(day), 20))),
        ColumnKind::Categorical { levels } => ValueCounts::Categorical {
            n_missing: 0,
            levels: levels.iter().map(|level| (level.clone(), 1980 / levels.len() as u64)).collect(),
        },
    }
}

fn numbers(values: impl Iterator<Item = (f64, u64)>) -> ValueCounts {
    ValueCounts::Numeric { integer: false, exact: true, n_missing: 0, values: values.collect() }
}

/// A field of bytes in protobuf's encoding.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut length = bytes.len();
    let mut field = vec![number << 3 | 2];
    while length >= 0x80 {
        field.push(length as u8 | 0x80);
        length >>= 7;
    }
    field.push(length as u8);
    field.extend_from_slice(bytes);
    field
}
