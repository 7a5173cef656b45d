//! A request's body: how it is packed, and its text.

use std::borrow::Cow;
use std::io::Read;

use anyhow::{Context, Result};
use axum::http::{HeaderMap, HeaderValue, header};

use crate::serve::room::MAX_BODY;

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Not at all.
    Plain,
    /// With gzip.
    Gzip,
}

impl Encoding {
    /// What the headers say.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self> {
        let named = headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes).unwrap_or_default().to_ascii_lowercase();
        match named.as_slice() {
            b"" | b"identity" => Ok(Self::Plain),
            b"gzip" => Ok(Self::Gzip),
            other => anyhow::bail!("content encoding `{}` is not known", String::from_utf8_lossy(other)),
        }
    }

    /// The body's text; none when it is larger than allowed, of which no more than [`MAX_BODY`] is unpacked.
    pub(crate) fn unpack(self, bytes: &[u8]) -> Result<Option<Cow<'_, str>>> {
        const NOT_TEXT: &str = "the body is not UTF-8";
        if self == Self::Plain {
            return std::str::from_utf8(bytes).map(|text| Some(text.into())).context(NOT_TEXT);
        }
        let mut plain = Vec::new();
        let unpacked = flate2::read::MultiGzDecoder::new(bytes);
        unpacked.take(MAX_BODY as u64 + 1).read_to_end(&mut plain).context("the body is not gzip")?;
        if plain.len() > MAX_BODY {
            return Ok(None);
        }
        String::from_utf8(plain).map(|text| Some(text.into())).context(NOT_TEXT)
    }
}

/// The length that the headers announce.
pub(crate) fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
