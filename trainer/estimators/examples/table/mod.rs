//! Rows in a plain binary file, as `numpy.tobytes` writes them.
//!
//! Little-endian: the numbers of rows, columns and classes (u32); the number of levels of each column, 0 for a numeric one (u32); the
//! values row by row (f32); the class of each row (u32).

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, Read};

use trainer_estimators::{Data, FeatureKind, Matrix};

/// Reads a file of this form.
pub(crate) fn read(path: &str) -> Result<Data, Box<dyn Error>> {
    let mut file = BufReader::new(File::open(path)?);
    let [n_rows, n_features, n_classes] = <[u32; 3]>::try_from(words(&mut file, 3)?).map_err(|_| "the file is too short")?;
    let kind = |levels: u32| match levels {
        0 => FeatureKind::Numeric,
        n => FeatureKind::Categorical { n_levels: n as usize },
    };
    let kinds = words(&mut file, n_features as usize)?.into_iter().map(kind).collect();
    let mut values = Vec::with_capacity(n_rows as usize * n_features as usize);
    for _ in 0..n_rows {
        values.extend(words(&mut file, n_features as usize)?.into_iter().map(f32::from_bits));
    }
    let classes = words(&mut file, n_rows as usize)?;
    Ok(Data::new(Matrix::new(n_rows as usize, n_features as usize, values)?, kinds, classes, n_classes as usize, None)?)
}

/// CPU time of this process in all threads, where the system tells (Linux, with its usual 100 ticks per second).
pub(crate) fn cpu_seconds() -> f64 {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else { return f64::NAN };
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: Result<f64, _> = fields.skip(11).take(2).map(str::parse::<f64>).sum();
    ticks.map_or(f64::NAN, |ticks| ticks / 100.0)
}

fn words(file: &mut impl Read, n: usize) -> Result<Vec<u32>, std::io::Error> {
    let mut bytes = vec![0; n * 4];
    file.read_exact(&mut bytes)?;
    Ok(bytes.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect())
}
