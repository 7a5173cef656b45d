//! Whole numbers of 8 and 16 bits, and decimals, as the wider numbers that a Parquet file stores them as.
//!
//! Polars is built without these types, as each makes the program larger; so the file's description is changed before it is read, and
//! decimals are divided by their power of ten afterwards. The Arrow schema that some writers add would bring the narrow types back.

use std::collections::HashMap;

use polars::io::parquet::read::FileMetadata;
use polars::prelude::*;
use polars_parquet::parquet::metadata::SchemaDescriptor;
use polars_parquet::parquet::schema::types::{
    IntegerType, ParquetType, PrimitiveConvertedType, PrimitiveLogicalType, PrimitiveType,
};

/// The changed description, and the digits after the point of each column of decimals.
pub(super) fn widen(metadata: &FileMetadata) -> (FileMetadata, HashMap<String, usize>) {
    let mut metadata = metadata.clone();
    let mut scales = HashMap::new();
    let mut widen_field = |field: &ParquetType| match field {
        ParquetType::PrimitiveType(primitive) => {
            scales.extend(scale(primitive).map(|scale| (primitive.field_info.name.to_string(), scale)));
            ParquetType::PrimitiveType(widened(primitive))
        }
        other => other.clone(),
    };
    let fields = metadata.schema_descr.fields().iter().map(&mut widen_field).collect();
    metadata.schema_descr = SchemaDescriptor::new(metadata.schema_descr.name().into(), fields);
    metadata.key_value_metadata = None;
    (metadata, scales)
}

fn widened(primitive: &PrimitiveType) -> PrimitiveType {
    if scale(primitive).is_none() && !is_narrow(primitive) {
        return primitive.clone();
    }
    PrimitiveType { logical_type: None, converted_type: None, ..primitive.clone() }
}

fn is_narrow(primitive: &PrimitiveType) -> bool {
    use PrimitiveConvertedType as C;
    match (primitive.logical_type, primitive.converted_type) {
        (Some(PrimitiveLogicalType::Integer(integer)), _) => {
            matches!(integer, IntegerType::Int8 | IntegerType::Int16 | IntegerType::UInt8 | IntegerType::UInt16)
        }
        (_, converted) => matches!(converted, Some(C::Int8 | C::Int16 | C::Uint8 | C::Uint16)),
    }
}

fn scale(primitive: &PrimitiveType) -> Option<usize> {
    match (primitive.logical_type, primitive.converted_type) {
        (Some(PrimitiveLogicalType::Decimal(_, scale)), _) | (None, Some(PrimitiveConvertedType::Decimal(_, scale))) => {
            Some(scale)
        }
        _ => None,
    }
}

/// Decimals as numbers: stored as whole numbers, or as the bytes of one, the highest first.
pub(super) fn decimals(column: &Column, scale: usize) -> PolarsResult<Column> {
    let unit = 10f64.powi(scale as i32);
    let numbers: Float64Chunked = match column.dtype() {
        DataType::Binary => column.binary()?.iter().map(|bytes| Some(whole(bytes?)? as f64 / unit)).collect(),
        _ => column.cast(&DataType::Float64)?.f64()?.iter().map(|number| Some(number? / unit)).collect(),
    };
    Ok(numbers.with_name(column.name().clone()).into_column())
}

/// A whole number in two's complement; none beyond 128 bits.
fn whole(bytes: &[u8]) -> Option<i128> {
    let is_negative = bytes.first().is_some_and(|byte| *byte >= 0x80);
    let mut wide = [if is_negative { 0xff } else { 0 }; 16];
    let start = 16usize.checked_sub(bytes.len())?;
    wide[start..].copy_from_slice(bytes);
    Some(i128::from_be_bytes(wide))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_whole_numbers() {
        let numbers = [&[0x01, 0x00][..], &[0xff, 0x38], &[], &[0x7f; 16]].map(|bytes| whole(bytes));
        assert_eq!(numbers[..3], [Some(256), Some(-200), Some(0)]);
        assert!(numbers[3].is_some() && whole(&[0; 17]).is_none());
    }

    #[test]
    fn decimals_are_divided() {
        let stored = Column::new("price".into(), [Some(1250i64), None, Some(-5)]);
        let numbers = decimals(&stored, 2).unwrap();
        assert_eq!(numbers.f64().unwrap().iter().collect::<Vec<_>>(), [Some(12.5), None, Some(-0.05)]);
    }
}
