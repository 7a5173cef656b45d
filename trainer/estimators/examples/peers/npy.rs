//! NumPy's file of one array: a short text header, then the numbers, row by row.

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// Numbers of four bytes, which is all that a case holds.
pub(crate) trait Number {
    const KIND: &str;
    fn from_bytes(bytes: [u8; 4]) -> Self;
}

impl Number for f32 {
    const KIND: &str = "'<f4'";
    fn from_bytes(bytes: [u8; 4]) -> Self {
        Self::from_le_bytes(bytes)
    }
}

impl Number for u32 {
    const KIND: &str = "'<u4'";
    fn from_bytes(bytes: [u8; 4]) -> Self {
        Self::from_le_bytes(bytes)
    }
}

/// The shape and the numbers of a file that `numpy.save` wrote.
pub(crate) fn read<T: Number>(path: &Path) -> Result<(Vec<usize>, Vec<T>), Box<dyn Error>> {
    parse(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn parse<T: Number>(path: &Path) -> Result<(Vec<usize>, Vec<T>), Box<dyn Error>> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut start = [0; 10];
    file.read_exact(&mut start)?;
    if &start[..7] != b"\x93NUMPY\x01" {
        return Err("not a NumPy file of version 1".into());
    }
    let mut header = vec![0; usize::from(u16::from_le_bytes([start[8], start[9]]))];
    file.read_exact(&mut header)?;
    let header = String::from_utf8(header)?;
    if !header.contains(T::KIND) || !header.contains("'fortran_order': False") {
        return Err(format!("expected {} row by row, the header is {header}", T::KIND).into());
    }
    let shape = shape(&header)?;
    Ok((shape.clone(), numbers(&mut file, shape.iter().product())?))
}

fn shape(header: &str) -> Result<Vec<usize>, Box<dyn Error>> {
    let tuple = header.split_once('(').and_then(|(_, rest)| rest.split_once(')')).ok_or("the header has no shape")?.0;
    let sizes = tuple.split(',').map(str::trim).filter(|size| !size.is_empty()).map(str::parse);
    Ok(sizes.collect::<Result<_, _>>()?)
}

fn numbers<T: Number>(file: &mut impl Read, count: usize) -> Result<Vec<T>, Box<dyn Error>> {
    let mut numbers = Vec::with_capacity(count);
    let mut bytes = [0; 4];
    for _ in 0..count {
        file.read_exact(&mut bytes)?;
        numbers.push(T::from_bytes(bytes));
    }
    Ok(numbers)
}
