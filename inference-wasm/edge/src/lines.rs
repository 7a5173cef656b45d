//! From the chunks of a stream to whole lines, with no more than a line and a chunk in memory.

use crate::refusal::Fault;

/// Cuts a stream where its last line ends.
#[derive(Debug)]
pub(crate) struct Lines {
    rest: Vec<u8>,
    n_read: u64,
    max_line_bytes: usize,
    max_stream_bytes: u64,
}

impl Lines {
    /// Lines of at most so many bytes, of a stream of at most so many.
    pub(crate) fn new(max_line_bytes: usize, max_stream_bytes: u64) -> Self {
        Self { rest: Vec::new(), n_read: 0, max_line_bytes, max_stream_bytes }
    }

    /// Takes the next chunk; gives the lines that are whole with it, perhaps none.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<Vec<u8>, Fault> {
        self.n_read += chunk.len() as u64;
        let end = chunk.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let whole = if end == 0 { Vec::new() } else { [&self.rest, &chunk[..end]].concat() };
        if end > 0 {
            self.rest.clear();
        }
        self.rest.extend(&chunk[end..]);
        match self.n_read > self.max_stream_bytes || self.rest.len() > self.max_line_bytes {
            true => Err(Fault::Long),
            false => Ok(whole),
        }
    }

    /// The last line, which nothing ends.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(chunks: &[&str], whole: &[&str], rest: &str) {
        let mut lines = Lines::new(10, 100);
        let found: Vec<_> =
            chunks.iter().map(|chunk| String::from_utf8(lines.push(chunk.as_bytes()).unwrap()).unwrap()).collect();
        assert_eq!((found, lines.finish()), (whole.iter().map(ToString::to_string).collect(), rest.as_bytes().to_vec()));
    }

    #[test]
    fn lines_are_whole_however_they_are_cut() {
        check(&["a\nb\n"], &["a\nb\n"], "");
        check(&["a\nb", "c", "d\ne"], &["a\n", "", "bcd\n"], "e");
        check(&["", "\n", "a"], &["", "\n", ""], "a");
    }

    #[test]
    fn a_line_or_a_stream_that_is_too_long_is_refused() {
        let mut lines = Lines::new(10, 100);
        assert_eq!(lines.push(&[b'x'; 11]), Err(Fault::Long));
        let mut lines = Lines::new(10, 100);
        assert!((0..20).all(|_| lines.push(b"1234\n").is_ok()));
        assert_eq!(lines.push(b"\n"), Err(Fault::Long));
    }
}
