//! The pointer: a small JSON file that says which models serve. It is replaced last, so whoever reads it finds the files it names.
//!
//! ```json
//! { "format": 1,
//!   "champion":   { "version": 7, "file": "0007-3f2a/model.onnx", "sha256": "3f2a…", "golden": "0007-3f2a/golden.json" },
//!   "challenger": { "version": 8, "file": "…", "sha256": "…", "role": "canary", "share": 0.1 } }
//! ```

use serde::{Deserialize, Serialize};

/// Version of the pointer's format.
pub(crate) const POINTER_FORMAT: u32 = 1;

/// Which models serve.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pointer {
    /// [`POINTER_FORMAT`].
    pub(crate) format: u32,
    /// The model that answers.
    pub(crate) champion: File,
    /// A second model, on trial.
    #[serde(default)]
    pub(crate) challenger: Option<Challenger>,
}

/// A model file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// The version in its registry, which the file must carry too.
    pub(crate) version: u32,
    /// Its name in the store.
    pub(crate) file: String,
    /// Its SHA-256 as 64 lowercase hexadecimal digits.
    pub(crate) sha256: String,
    /// Name of the golden records that it must reproduce, where there are some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) golden: Option<String>,
}

/// A model on trial.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Challenger {
    /// The version in its registry.
    version: u32,
    /// Its name in the store.
    file: String,
    /// Its SHA-256.
    sha256: String,
    /// Name of its golden records.
    #[serde(default)]
    golden: Option<String>,
    /// What it does.
    pub(crate) role: Role,
    /// Of which share of the requests, from 0 to 1.
    pub(crate) share: f64,
}

/// What a model on trial does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    /// It answers its share of the requests instead of the champion.
    Canary,
    /// It is asked beside the champion, and its predictions are only logged.
    Shadow,
}

impl Pointer {
    /// Reads a pointer.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let pointer: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if pointer.format != POINTER_FORMAT {
            return Err(format!("format is {}, this worker reads {POINTER_FORMAT}", pointer.format));
        }
        if let Some(challenger) = pointer.challenger.as_ref().filter(|challenger| !(0.0..=1.0).contains(&challenger.share)) {
            return Err(format!("challenger.share is {}, not from 0 to 1", challenger.share));
        }
        pointer.files().iter().try_for_each(File::check)?;
        Ok(pointer)
    }

    /// The files it names, the champion's first.
    pub(crate) fn files(&self) -> Vec<File> {
        std::iter::once(self.champion.clone()).chain(self.challenger.as_ref().map(Challenger::file)).collect()
    }
}

impl Challenger {
    /// Its file.
    pub(crate) fn file(&self) -> File {
        File { version: self.version, file: self.file.clone(), sha256: self.sha256.clone(), golden: self.golden.clone() }
    }
}

impl File {
    fn check(&self) -> Result<(), String> {
        let is_digest =
            self.sha256.len() == 64 && self.sha256.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if !is_digest {
            return Err(format!("sha256 of version {} is not 64 lowercase hexadecimal digits", self.version));
        }
        let stays_inside = |name: &str| !name.is_empty() && !name.starts_with('/') && name.split('/').all(|part| part != "..");
        match std::iter::once(&self.file).chain(&self.golden).all(|name| stays_inside(name)) {
            true => Ok(()),
            false => Err(format!("a file of version {} lies outside the store", self.version)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pointer() -> serde_json::Value {
        let digest = "0a".repeat(32);
        json!({
            "format": 1,
            "champion": { "version": 7, "file": "7/model.onnx", "sha256": digest, "golden": "7/golden.json" },
            "challenger": { "version": 8, "file": "8/model.onnx", "sha256": digest, "role": "canary", "share": 0.1 },
        })
    }

    #[test]
    fn a_pointer_is_read() {
        let pointer = Pointer::parse(&pointer().to_string()).unwrap();
        assert_eq!(pointer.files().iter().map(|file| file.version).collect::<Vec<_>>(), [7, 8]);
        assert_eq!(pointer.challenger.unwrap().role, Role::Canary);
    }

    #[track_caller]
    fn check(path: &str, value: serde_json::Value, message: &str) {
        let mut pointer = pointer();
        *pointer.pointer_mut(path).unwrap() = value;
        let error = Pointer::parse(&pointer.to_string()).unwrap_err();
        assert!(error.contains(message), "{error}");
    }

    #[test]
    fn what_is_wrong_with_a_pointer_is_told() {
        check("/format", json!(2), "format is 2");
        check("/champion/sha256", json!("0A"), "sha256 of version 7");
        check("/champion/file", json!("../7/model.onnx"), "outside the store");
        check("/champion/golden", json!("/etc/passwd"), "outside the store");
        check("/challenger/share", json!(1.5), "challenger.share is 1.5");
        check("/challenger/role", json!("boss"), "unknown variant");
        check("/champion", json!({}), "missing field");
        assert!(Pointer::parse("{").is_err());
    }
}
