//! Log lines as messages of a queue, which hold so much and no more.

/// A message holds at most 128 KB, and a batch of messages 256 KB.
const MESSAGE_BYTES: usize = 100_000;
/// So many messages go out at once.
pub(crate) const BATCH_MESSAGES: usize = 2;

/// Whole lines, as many as fit into a message; a line that is longer goes alone.
pub(crate) fn messages(lines: &str) -> Vec<&str> {
    let mut messages = Vec::new();
    let mut from = 0;
    let mut to = 0;
    for line in lines.split_inclusive('\n') {
        if to > from && to + line.len() - from > MESSAGE_BYTES {
            messages.push(&lines[from..to]);
            from = to;
        }
        to += line.len();
    }
    if to > from {
        messages.push(&lines[from..to]);
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line_bytes: &[usize], n_lines: &[usize]) {
        let lines: String = line_bytes.iter().map(|bytes| "é".repeat(bytes / 2) + "\n").collect();
        let messages = messages(&lines);
        assert_eq!(messages.concat(), lines);
        assert_eq!(messages.iter().map(|message| message.lines().count()).collect::<Vec<_>>(), n_lines);
    }

    #[test]
    fn lines_are_put_together_up_to_the_limit() {
        check(&[], &[]);
        check(&[10], &[1]);
        check(&[40_000, 40_000, 40_000, 10], &[2, 2]);
        check(&[10, 200_000, 10], &[1, 1, 1]);
        check(&[49_998, 49_998, 2], &[2, 1]);
    }
}
