//! When verdicts on a row of windows become an alarm, and when the alarm ends.
//!
//! An alarm begins once `to_fire` windows in a row have drifted and ends once `to_clear` in a row have not (a Schmitt trigger), so that a
//! column that lies on the limit does not ring at every other window.

/// How many windows in a row begin an alarm, and how many end it; at least 1 each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Drifted windows in a row that begin an alarm.
    pub to_fire: u32,
    /// Calm windows in a row that end it.
    pub to_clear: u32,
}

/// What a window adds to the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Whether the alarm is on after this window.
    pub alarmed: bool,
    /// Whether enough calm windows in a row end here to end any alarm.
    pub calmed: bool,
}

impl Patience {
    /// Follows windows in time order, each drifted or not.
    #[must_use]
    pub fn follow(self, drifted: &[bool]) -> Vec<Step> {
        let (mut in_a_row, mut calm, mut alarmed) = (0, 0, false);
        let step = |&drifted: &bool| {
            (in_a_row, calm) = if drifted { (in_a_row + 1, 0) } else { (0, calm + 1) };
            let calmed = calm >= self.to_clear.max(1);
            alarmed = !calmed && (alarmed || in_a_row >= self.to_fire.max(1));
            Step { alarmed, calmed }
        };
        drifted.iter().map(step).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `#` drifted, `.` calm; the answer has `A` where the alarm is on.
    #[track_caller]
    fn check(to_fire: u32, to_clear: u32, windows: &str, expect: &str) {
        let drifted: Vec<bool> = windows.chars().map(|window| window == '#').collect();
        let steps = Patience { to_fire, to_clear }.follow(&drifted);
        let found: String = steps.iter().map(|step| if step.alarmed { 'A' } else { '.' }).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn one_and_one_follow_every_window() {
        check(1, 1, ".##.#.", ".AA.A.");
    }

    #[test]
    fn an_alarm_waits_for_a_row_and_outlives_a_short_calm() {
        check(2, 1, "#.##.#", "...A..");
        check(1, 2, "#.#..#", "AAAA.A");
        check(2, 2, "#.##.#..#", "...AAAA..");
    }

    #[test]
    fn calm_is_told_even_when_there_was_no_alarm() {
        let steps = Patience { to_fire: 3, to_clear: 2 }.follow(&[true, false, false]);
        assert_eq!(steps.iter().map(|step| step.calmed).collect::<Vec<_>>(), [false, false, true]);
    }
}
