//! Training and test rows, as both sides read them.

use std::error::Error;
use std::path::Path;

use serde::Deserialize;
use trainer_estimators::{Data, FeatureKind, Matrix};

use crate::npy;

/// The rows of one comparison.
pub(crate) struct Case {
    pub(crate) train: Data,
    pub(crate) validation: Option<Data>,
    pub(crate) test: Data,
}

/// `case.json`.
#[derive(Deserialize)]
struct Description {
    n_classes: usize,
    columns: Vec<Column>,
}

#[derive(Deserialize)]
struct Column {
    /// The number of levels of a categorical column; none for a number.
    n_levels: Option<usize>,
}

impl Case {
    pub(crate) fn read(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let path = folder.join("case.json");
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let description: Description = serde_json::from_str(&text)?;
        let part = |name: &str| data(folder, name, &description);
        let validation = if folder.join("validation.npy").exists() { Some(part("validation")?) } else { None };
        Ok(Self { train: part("train")?, validation, test: part("test")? })
    }
}

fn data(folder: &Path, part: &str, description: &Description) -> Result<Data, Box<dyn Error>> {
    let (shape, values) = npy::read::<f32>(&folder.join(format!("{part}.npy")))?;
    let (_, classes) = npy::read::<u32>(&folder.join(format!("{part}_classes.npy")))?;
    let &[n_rows, n_features] = shape.as_slice() else {
        return Err(format!("{part}.npy has {} dimensions instead of 2", shape.len()).into());
    };
    let kinds = description.columns.iter().map(|column| match column.n_levels {
        Some(n_levels) => FeatureKind::Categorical { n_levels },
        None => FeatureKind::Numeric,
    });
    Ok(Data::new(Matrix::new(n_rows, n_features, values)?, kinds.collect(), classes, description.n_classes, None)?)
}
