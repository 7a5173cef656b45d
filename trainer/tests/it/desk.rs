//! A temporary folder in which the real program runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use data_contract::{HistoryLine, Home};
use serde_json::Value as Json;
use tempfile::TempDir;
use trainer_registry::{Registry, State};

use crate::churn;

/// No command of these tests may take longer.
const LIMIT: Duration = Duration::from_secs(120);

/// An empty folder, and the program that works in it.
pub(crate) struct Desk {
    _folder: Option<TempDir>,
    root: PathBuf,
}

/// What a command left: exit code and both streams.
pub(crate) struct Ran {
    command: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { root: folder.path().to_owned(), _folder: Some(folder) }
    }

    /// Works in a folder that someone else made.
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), _folder: None }
    }

    /// A folder with the churn file, described by `init`.
    pub(crate) fn described() -> Self {
        Self::with_rows(&churn::csv(600))
    }

    /// A folder with rows of the churn file's columns, described by `init`.
    #[track_caller]
    pub(crate) fn with_rows(csv: &str) -> Self {
        let desk = Self::new();
        desk.write("churn.csv", csv);
        desk.run(["init", "churn.csv", "--target", "churn"]).works();
        desk.leave_out_the_date();
        desk.keep_two_families();
        desk
    }

    /// The date only dates the rows, where tests are about other columns.
    #[track_caller]
    pub(crate) fn leave_out_the_date(&self) {
        let rule = "    { name = \"joined\", kind = \"date\" },\n";
        if self.read("data/churn.toml").contains(rule) {
            self.edit("data/churn.toml", rule, "");
            self.edit("data/churn.toml", "[left_out]\n", "[left_out]\njoined = \"it dates the rows\"\n");
        }
    }

    /// Two families are enough where it does not matter which, and quicker.
    #[track_caller]
    pub(crate) fn keep_two_families(&self) {
        self.edit("data/churn.toml", "families = []", "families = [\"logistic-regression\", \"gradient-boosting\"]");
    }

    /// A folder with a model of the churn file in production.
    #[track_caller]
    pub(crate) fn trained() -> Self {
        let desk = Self::described();
        desk.run(["run"]).works();
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(crate) fn home(&self) -> Home {
        Home::new(self.path("data"))
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Changes one text in a file.
    #[track_caller]
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} has no `{from}`:\n{text}");
        self.write(name, text.replacen(from, to, 1));
    }

    /// Runs the program to its end.
    pub(crate) fn run<const N: usize>(&self, args: [&str; N]) -> Ran {
        self.run_with(&args, &[])
    }

    /// Runs the program to its end with environment variables.
    pub(crate) fn run_with(&self, args: &[&str], variables: &[(&str, &Path)]) -> Ran {
        let mut command = assert_cmd::Command::from_std(self.command(args));
        let output = command.envs(variables.iter().copied()).timeout(LIMIT).output().unwrap();
        Ran {
            command: args.join(" "),
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Starts the program; nobody reads its output but through the pipe of stderr.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// The numbers of the registry's versions, each loaded and held against its manifest's checksums; the small files parse.
    #[track_caller]
    pub(crate) fn check_registry(&self) -> Vec<u32> {
        let home = self.home();
        if let Ok(text) = fs::read(home.registry().join("registry.json")) {
            serde_json::from_slice::<State>(&text).unwrap();
        }
        for line in fs::read_to_string(home.history()).unwrap_or_default().lines() {
            serde_json::from_str::<HistoryLine>(line).unwrap();
        }
        let versions = Registry::new(&home).versions().unwrap();
        for version in &versions {
            for name in version.manifest.files.keys() {
                version.file(name).unwrap();
            }
            inference_predictor::Predictor::load(&version.model().unwrap()).unwrap();
        }
        versions.iter().map(|version| version.manifest.version).collect()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
        command.args(args).current_dir(&self.root);
        for variable in [Home::VARIABLE, "BANK_MARKETING_ZIP", "RUST_LOG", "COLUMNS"] {
            command.env_remove(variable);
        }
        command
    }
}

impl Ran {
    /// Exit code 0 and no error.
    #[track_caller]
    pub(crate) fn works(self) -> Self {
        assert_eq!(self.code, Some(0), "{self}");
        assert!(!self.stderr.contains("error:"), "{self}");
        self
    }

    /// Exit code 2, an error and a hint that hold these texts, and nothing on stdout.
    #[track_caller]
    pub(crate) fn fails(self, error: &str, hint: &str) -> Self {
        assert_eq!(self.code, Some(2), "{self}");
        let (message, remedy) = self.stderr.split_once("\nhint: ").unwrap_or((&self.stderr, ""));
        let (_, message) = message.split_once("error: ").unwrap_or_else(|| panic!("no error: {self}"));
        assert!(message.contains(error), "the error does not say `{error}`: {self}");
        assert!(remedy.contains(hint) && (hint.is_empty() || !remedy.is_empty()), "the hint does not say `{hint}`: {self}");
        assert_eq!(self.stdout, "", "{self}");
        self
    }

    /// The result as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "stdout does not say `{text}`: {self}");
        self
    }

    #[track_caller]
    pub(crate) fn warns(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "stderr does not say `{text}`: {self}");
        self
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(formatter, "`trainer {}` ended with {:?}\n{}\n{}", self.command, self.code, self.stderr, self.stdout)
    }
}
