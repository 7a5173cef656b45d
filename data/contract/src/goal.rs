//! Where the decision between two classes is made, and what it earns.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where the decision between two classes is made: a probability, or what it is to achieve on rows held out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// Above this probability: a number.
    Fixed(f64),
    /// Where the F1 score is highest: `max-f1`.
    MaxF1,
    /// As high as finds at least this share of the positive rows: `recall>=0.8`.
    Recall(f64),
    /// As low as keeps at least this share of positive ones among those predicted so: `precision>=0.5`.
    Precision(f64),
    /// Where the profit is highest: `profit`.
    Profit,
}

/// What a decision costs and earns, in one unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profit {
    /// Cost of acting on a row that is predicted positive.
    pub cost: f64,
    /// Worth of acting on a row that is positive.
    pub worth: f64,
}

/// A text that names no goal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no goal; a threshold is a probability, `max-f1`, `recall>=0.8`, `precision>=0.5` or `profit`")]
pub struct UnknownGoal(String);

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(threshold) => threshold.fmt(f),
            Self::MaxF1 => f.write_str("max-f1"),
            Self::Recall(share) => write!(f, "recall>={share}"),
            Self::Precision(share) => write!(f, "precision>={share}"),
            Self::Profit => f.write_str("profit"),
        }
    }
}

impl FromStr for Goal {
    type Err = UnknownGoal;

    fn from_str(text: &str) -> Result<Self, UnknownGoal> {
        let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let share = |text: &str| text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
        let goal = match compact.as_str() {
            "max-f1" => Some(Self::MaxF1),
            "profit" => Some(Self::Profit),
            text => match text.split_once(">=") {
                Some(("recall", least)) => share(least).map(Self::Recall),
                Some(("precision", least)) => share(least).map(Self::Precision),
                _ => share(text).map(Self::Fixed),
            },
        };
        goal.ok_or_else(|| UnknownGoal(text.to_owned()))
    }
}

impl Serialize for Goal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fixed(threshold) => serializer.serialize_f64(*threshold),
            other => serializer.collect_str(other),
        }
    }
}

impl<'de> Deserialize<'de> for Goal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GoalVisitor)
    }
}

struct GoalVisitor;

impl Visitor<'_> for GoalVisitor {
    type Value = Goal;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a probability, \"max-f1\", \"recall>=0.8\", \"precision>=0.5\" or \"profit\"")
    }

    fn visit_f64<E: de::Error>(self, threshold: f64) -> Result<Goal, E> {
        Ok(Goal::Fixed(threshold))
    }

    fn visit_i64<E: de::Error>(self, threshold: i64) -> Result<Goal, E> {
        Ok(Goal::Fixed(threshold as f64))
    }

    fn visit_u64<E: de::Error>(self, threshold: u64) -> Result<Goal, E> {
        Ok(Goal::Fixed(threshold as f64))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Goal, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_reads_as_it_is_written() {
        for text in ["max-f1", "recall>=0.8", "precision>=0.5", "profit", "0.3"] {
            assert_eq!(text.parse::<Goal>().unwrap().to_string(), text);
        }
        assert_eq!("recall >= 0.8".parse(), Ok(Goal::Recall(0.8)));
        assert_eq!(serde_json::from_str::<Goal>("0.25").unwrap(), Goal::Fixed(0.25));
        assert_eq!(serde_json::from_str::<Goal>("\"profit\"").unwrap(), Goal::Profit);
    }

    #[test]
    fn what_is_no_goal_is_refused_with_those_that_are() {
        for text in ["recall>=80", "max-f2", "", "recall>0.8", "1.5"] {
            assert!(text.parse::<Goal>().unwrap_err().to_string().contains("max-f1"), "{text}");
        }
    }
}
