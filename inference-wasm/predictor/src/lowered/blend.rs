//! A weighted mean of what several models say, as the trainer writes it.

use super::pattern::{Known, unknown};
use super::{BLOCK, Decision, Lowered, Reader, Room};
use crate::PROBABILITIES;

/// More models are none that the trainer wrote.
const MOST_MEMBERS: usize = 16;

/// Several models, each with its weight; the label is that of the mean.
#[derive(Clone, Debug)]
pub(crate) struct Blend {
    pub(crate) members: Vec<(f32, Lowered)>,
    decision: Decision,
}

impl Blend {
    /// Takes the mean apart.
    pub(super) fn recognise(reader: &Reader, decision: Decision) -> Known<Self> {
        let mut shares = Vec::new();
        let mut sum = PROBABILITIES;
        while reader.pattern.is(sum, "Add") {
            let [before, share] = reader.pattern.op(sum, "Add", &[])?;
            shares.push(share);
            sum = before;
            if shares.len() >= MOST_MEMBERS {
                return unknown("so many models");
            }
        }
        shares.push(sum);
        let member = |share: &&str| {
            let [own, weight] = reader.pattern.op(share, "Mul", &[])?;
            Ok((reader.pattern.float(weight)?, reader.lowered(own, decision)?))
        };
        Ok(Self { members: shares.iter().rev().map(member).collect::<Known<_>>()?, decision })
    }

    /// As [`Lowered::scores`].
    pub(crate) fn scores(&self, features: &[f32], labels: &mut Vec<i64>, probabilities: &mut Vec<f32>) {
        let (n_features, n_classes) = (self.members[0].1.n_features, self.members[0].1.n_classes);
        let mut rooms: Vec<Room> = self.members.iter().map(|_| Room::default()).collect();
        let mut own = Vec::new();
        for rows in features.chunks(BLOCK * n_features) {
            let start = probabilities.len();
            probabilities.resize(start + rows.len() / n_features * n_classes, 0.0);
            for ((weight, member), room) in self.members.iter().zip(&mut rooms) {
                own.clear();
                member.logits_of_block(rows, room);
                for logits in room.logits.chunks_exact(member.n_logits()) {
                    member.append_probabilities(logits, &mut own);
                }
                probabilities[start..].iter_mut().zip(&own).for_each(|(sum, p)| *sum += p * weight);
            }
            labels.extend(probabilities[start..].chunks_exact(n_classes).map(|row| self.decision.label(row)));
        }
    }
}
