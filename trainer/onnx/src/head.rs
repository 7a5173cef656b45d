//! What a model carries beside its numbers: a name, a threshold, and texts by key.

use std::collections::BTreeMap;

use prost::Message;

use crate::calendar::Calendar;
use crate::calibration::Calibration;
use crate::error::Error;
use crate::proto::ModelMetadata;

/// What a model carries beside its numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Head {
    /// With two classes: the label is 1 when the second class's probability is above this; 0.5 when absent.
    /// With more classes the label is the likeliest class, and this is not used.
    pub threshold: Option<f32>,
    /// What the classifier's rows are made of, where features are dates; without, its rows are the features.
    pub calendar: Option<Calendar>,
    /// What is done to the classifier's probabilities, if anything.
    pub calibration: Option<Calibration>,
    /// The file's `metadata_props`.
    pub metadata: BTreeMap<String, String>,
    /// Name of the graph; not empty.
    pub name: String,
}

/// Reads the `metadata_props` of an ONNX file and nothing else of it.
pub fn metadata(model: &[u8]) -> Result<BTreeMap<String, String>, Error> {
    let model = ModelMetadata::decode(model).map_err(|error| Error::Decode { reason: error.to_string() })?;
    Ok(model.metadata_props.into_iter().map(|entry| (entry.key, entry.value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_protobuf_are_refused() {
        let error = metadata(b"PK\x03\x04 a zip archive").unwrap_err().to_string();
        assert!(error.starts_with("not an ONNX file: "), "{error}");
    }
}
