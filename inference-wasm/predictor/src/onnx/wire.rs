//! Protobuf's wire format: numbered fields, read where they lie.
//!
//! What reads long lists is never put into what calls it: `lowered/trees/build.rs` tells why.
//!
//! Source: "Encoding", protobuf.dev. Groups, which ONNX has none of, are refused.

/// Bytes of the longest number, with seven bits each.
const MAX_BYTES: usize = 10;

/// Why bytes are not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// They are no protobuf message.
    Message,
    /// They hold more parts than a classifier has.
    TooLarge,
}

/// What a field holds.
#[derive(Clone, Copy)]
pub(crate) enum Field<'a> {
    Number(u64),
    Four([u8; 4]),
    Eight,
    Bytes(&'a [u8]),
}

/// The fields of a message with their numbers, in its order; the last is an error where the message is broken.
pub(crate) fn fields(mut bytes: &[u8]) -> impl Iterator<Item = Result<(u64, Field<'_>), Broken>> {
    std::iter::from_fn(move || next_field(&mut bytes))
}

/// Takes a field off the front of a message.
pub(crate) fn next_field<'a>(bytes: &mut &'a [u8]) -> Option<Result<(u64, Field<'a>), Broken>> {
    if bytes.is_empty() {
        return None;
    }
    let field = field(bytes).ok_or(Broken::Message);
    if field.is_err() {
        *bytes = &[];
    }
    Some(field)
}

/// Takes texts under a key off the front, as long as there are some, and they are short: each text of a list has its key and its length.
#[inline(never)]
pub(crate) fn short_texts<'a>(key: u8, bytes: &mut &'a [u8], list: &mut Vec<&'a [u8]>) {
    /// What a text takes, about: its key, its length and itself.
    const LENGTH: usize = 8;
    while let [found, length @ ..0x80, rest @ ..] = *bytes
        && *found == key << 3 | 2
        && let Some((text, rest)) = rest.split_at_checked(usize::from(*length))
    {
        if list.len() == list.capacity() {
            list.reserve(bytes.len().div_ceil(LENGTH));
        }
        list.push(text);
        *bytes = rest;
    }
}

fn field<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Field<'a>)> {
    let key = varint(bytes)?;
    let field = match key & 7 {
        0 => Field::Number(varint(bytes)?),
        1 => take(bytes, 8).map(|_| Field::Eight)?,
        2 => {
            let length = varint(bytes)?;
            Field::Bytes(take(bytes, usize::try_from(length).ok()?)?)
        }
        5 => Field::Four(*take(bytes, 4)?.first_chunk()?),
        _ => return None,
    };
    Some((key >> 3, field))
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

/// Takes a number off the front; `None` when the bytes end within it, or it is longer than any.
pub(crate) fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for (place, byte) in (0..MAX_BYTES).zip(*bytes) {
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            *bytes = &bytes[place + 1..];
            return Some(number);
        }
    }
    None
}

pub(crate) fn text(bytes: &[u8]) -> Result<&str, Broken> {
    std::str::from_utf8(bytes).map_err(|_| Broken::Message)
}

/// Appends one number, or a packed list of them.
pub(crate) fn integers(field: Field, list: &mut Vec<i64>) -> Result<(), Broken> {
    match field {
        Field::Number(number) => list.push(number as i64),
        Field::Bytes(mut packed) => {
            list.reserve_exact(n_numbers(packed));
            while !packed.is_empty() {
                list.push(varint(&mut packed).ok_or(Broken::Message)? as i64);
            }
        }
        _ => return Err(Broken::Message),
    }
    Ok(())
}

/// As [`integers`], for long lists of numbers that fit 32 bits; in place of one that does not stands the largest or the least that does.
#[inline(never)]
pub(crate) fn small_integers(field: Field, list: &mut Vec<i32>) -> Result<(), Broken> {
    match field {
        Field::Number(number) => list.push(small(number)),
        Field::Bytes(packed) => {
            list.reserve_exact(n_numbers(packed));
            unpack(packed, list)?;
        }
        _ => return Err(Broken::Message),
    }
    Ok(())
}

fn small(number: u64) -> i32 {
    (number as i64).clamp(i32::MIN.into(), i32::MAX.into()) as i32
}

/// The numbers of a packed list. A file has a million of them, nearly all of one byte or of two, so they are taken eight bytes at once
/// where these hold eight or four numbers.
fn unpack(mut packed: &[u8], list: &mut Vec<i32>) -> Result<(), Broken> {
    const GOES_ON: u64 = 0x8080_8080_8080_8080;
    const OF_TWO: u64 = 0x0080_0080_0080_0080;
    loop {
        while let Some((eight, rest)) = packed.split_first_chunk() {
            let eight = u64::from_le_bytes(*eight);
            match eight & GOES_ON {
                0 => list.extend_from_slice(&eight.to_le_bytes().map(i32::from)),
                OF_TWO => {
                    let two = |at: u32| ((eight >> (16 * at)) & 0x7f | (eight >> (16 * at + 1)) & 0x3f80) as i32;
                    list.extend_from_slice(&[two(0), two(1), two(2), two(3)]);
                }
                _ => break,
            }
            packed = rest;
        }
        if packed.is_empty() {
            return Ok(());
        }
        list.push(small(varint(&mut packed).ok_or(Broken::Message)?));
    }
}

/// How many numbers a packed list holds: the bytes without the bit that says that more follow, counted by eight.
fn n_numbers(packed: &[u8]) -> usize {
    let (eights, rest) = packed.as_chunks::<8>();
    let going_on = |bits: u64| (bits & 0x8080_8080_8080_8080).count_ones() as usize;
    let mut n_going_on = 0;
    for eight in eights {
        n_going_on += going_on(u64::from_le_bytes(*eight));
    }
    for byte in rest {
        n_going_on += going_on(u64::from(*byte));
    }
    packed.len() - n_going_on
}

/// Appends one float32, or a packed list of them.
#[inline(never)]
pub(crate) fn floats(field: Field, list: &mut Vec<f32>) -> Result<(), Broken> {
    match field {
        Field::Four(bytes) => list.push(f32::from_le_bytes(bytes)),
        Field::Bytes(packed) => match packed.as_chunks::<4>() {
            (values, []) => {
                list.reserve_exact(values.len());
                for bytes in values {
                    list.push(f32::from_le_bytes(*bytes));
                }
            }
            _ => return Err(Broken::Message),
        },
        _ => return Err(Broken::Message),
    }
    Ok(())
}

/// Appends a field with a number.
#[cfg(feature = "tract")]
pub(crate) fn put_number(key: u64, number: u64, bytes: &mut Vec<u8>) {
    put_varint(key << 3, bytes);
    put_varint(number, bytes);
}

/// Appends a field with bytes.
#[cfg(feature = "tract")]
pub(crate) fn put_bytes(key: u64, value: &[u8], bytes: &mut Vec<u8>) {
    put_varint(key << 3 | 2, bytes);
    put_varint(value.len() as u64, bytes);
    bytes.extend_from_slice(value);
}

#[cfg(feature = "tract")]
fn put_varint(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_length_are_read() {
        let read = |mut bytes: &[u8]| varint(&mut bytes);
        assert_eq!(read(&[0x96, 0x01]), Some(150));
        assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]), Some(u64::MAX));
        assert_eq!(read(&[0xff; 11]), None);
        assert_eq!(read(&[0x80]), None);
    }

    #[test]
    fn a_length_beyond_the_end_and_a_group_are_refused() {
        for broken in [&[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1][..], &[0x0b], &[0x0a], &[0x0d, 1, 2, 3], &[0x09, 1]] {
            assert!(fields(broken).any(|field| field.is_err()), "{broken:?}");
            assert!(fields(broken).count() <= 1);
        }
    }

    #[test]
    fn a_packed_list_that_ends_early_or_holds_too_long_a_number_is_refused() {
        for read in [
            |packed: &[u8]| integers(Field::Bytes(packed), &mut Vec::new()),
            |packed: &[u8]| small_integers(Field::Bytes(packed), &mut Vec::new()),
        ] {
            assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]), Ok(()));
            assert_eq!(read(&[1, 0x80]), Err(Broken::Message));
            assert_eq!(read(&[0xff; 11]), Err(Broken::Message));
        }
    }

    #[test]
    fn lists_are_read_packed_or_one_by_one() {
        #[track_caller]
        fn check(bytes: &[u8], expect: &[i64]) {
            let (mut list, mut small) = (Vec::new(), Vec::new());
            fields(bytes).for_each(|field| integers(field.unwrap().1, &mut list).unwrap());
            fields(bytes).for_each(|field| small_integers(field.unwrap().1, &mut small).unwrap());
            assert_eq!((&list[..], small.into_iter().map(i64::from).collect::<Vec<_>>()), (expect, expect.to_vec()));
        }
        check(&[0x08, 3, 0x08, 4], &[3, 4]);
        check(&[0x0a, 3, 3, 0x96, 0x01], &[3, 150]);
        check(&[0x0a, 12, 1, 2, 3, 0x96, 0x01, 4, 5, 6, 0x96, 0x01, 7, 8], &[1, 2, 3, 150, 4, 5, 6, 150, 7, 8]);
        check(&[0x0a, 10, 0x80, 0x01, 0xff, 0x7f, 0x96, 0x01, 0x81, 0x02, 0x82, 0x03], &[128, 16_383, 150, 257, 386]);
        check(&[0x0a, 11, 5, 0x80, 0x01, 0xff, 0x7f, 0x96, 0x01, 0x81, 0x02, 0x82, 0x03], &[5, 128, 16_383, 150, 257, 386]);
        check(&[0x0a, 11, 0x80, 0x80, 0x01, 1, 2, 3, 4, 5, 6, 7, 8], &[16_384, 1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn a_number_that_does_not_fit_is_the_nearest_that_does() {
        let read = |number: u64| {
            let mut list = Vec::new();
            small_integers(Field::Number(number), &mut list).unwrap();
            list[0]
        };
        assert_eq!([read(u64::MAX), read(1 << 40), read(1 << 63)], [-1, i32::MAX, i32::MIN]);
    }
}
