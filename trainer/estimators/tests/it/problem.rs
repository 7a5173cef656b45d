//! Made-up labelled rows of any shape, from a seed.

use data_contract::{Column, ColumnKind, Contract, Moment, Target};
use trainer_estimators::{Data, FeatureKind, Matrix};

/// The shape of a problem.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) kinds: Vec<FeatureKind>,
    pub(crate) n_rows: usize,
    pub(crate) n_classes: usize,
    pub(crate) weighted: bool,
    /// Standard unit of the numbers.
    pub(crate) unit: f64,
}

impl Shape {
    /// 1 to 12 columns, of 1 to 300 levels where they have levels.
    pub(crate) fn random(random: &mut Random) -> Self {
        let kind = |random: &mut Random| match random.below(4) {
            0 | 1 => FeatureKind::Numeric,
            2 => FeatureKind::Categorical { n_levels: 1 + random.below(6) },
            _ => FeatureKind::Categorical { n_levels: 1 + random.below(300) },
        };
        let n_columns = 1 + random.below(12);
        Self {
            kinds: (0..n_columns).map(|_| kind(random)).collect(),
            n_rows: 60 + random.below(500),
            n_classes: 2 + random.below(3),
            weighted: random.below(2) == 0,
            unit: [0.001, 1.0, 1e6][random.below(3)],
        }
    }

    /// Training rows; the class follows all known values and chance.
    pub(crate) fn training(&self, random: &mut Random) -> Data {
        let mut classes: Vec<u32> = Vec::new();
        let mut values = Vec::new();
        for row in 0..self.n_rows {
            let features: Vec<f32> = self.kinds.iter().map(|kind| self.value(*kind, random)).collect();
            let lean: f64 = features.iter().zip(&self.kinds).map(|(value, kind)| self.pull(*value, *kind)).sum();
            let class = (lean + 2.0 * random.unit()).abs() * self.n_classes as f64 / 3.0;
            classes.push(if row < self.n_classes { row } else { class as usize % self.n_classes } as u32);
            values.extend(features);
        }
        let weights = self.weighted.then(|| (0..self.n_rows).map(|row| (row % 4) as f32 * 0.75).collect());
        let features = Matrix::new(self.n_rows, self.kinds.len(), values).unwrap();
        Data::new(features, self.kinds.clone(), classes, self.n_classes, weights).unwrap()
    }

    /// Rows to predict: like the training rows, and with values that no training row had, up to the largest number.
    pub(crate) fn odd_rows(&self, n_rows: usize, largest: f32, random: &mut Random) -> Matrix {
        let row = |random: &mut Random| self.kinds.iter().map(|kind| self.odd_value(*kind, largest, random)).collect::<Vec<_>>();
        let values = (0..n_rows).flat_map(|_| row(random)).collect();
        Matrix::new(n_rows, self.kinds.len(), values).unwrap()
    }

    /// A contract that fits.
    pub(crate) fn contract(&self) -> Contract {
        let kind = |kind: &FeatureKind| match *kind {
            FeatureKind::Date { has_time } => {
                let moment = |days: f64| Moment::from_days(days);
                let (minimum, maximum, median) = (moment(17_000.0), moment(20_000.0), moment(18_000.0));
                ColumnKind::Date { time: has_time, minimum, maximum, median }
            }
            FeatureKind::Numeric => ColumnKind::Numeric { integer: false, minimum: -1.0, maximum: 1.0, median: 0.0 },
            FeatureKind::Categorical { n_levels } => {
                ColumnKind::Categorical { levels: (0..n_levels).map(|level| format!("level {level}")).collect() }
            }
        };
        let column = |(at, of): (usize, &FeatureKind)| Column::new(&format!("column {at}"), kind(of));
        Contract {
            format: 1,
            dataset: "parity".into(),
            columns: self.kinds.iter().enumerate().map(column).collect(),
            target: Target {
                name: "class".into(),
                classes: (0..self.n_classes).map(|class| format!("class {class}")).collect(),
                positive: (self.n_classes == 2).then_some(1),
            },
            missing_tokens: vec![],
        }
    }

    /// A tenth is missing; numbers have a long tail, and many are equal.
    fn value(&self, kind: FeatureKind, random: &mut Random) -> f32 {
        let missing = random.below(10) == 0;
        match kind {
            FeatureKind::Numeric if missing => f32::NAN,
            FeatureKind::Numeric if random.below(4) == 0 => -self.unit as f32,
            FeatureKind::Numeric => (self.unit * (1.0 / (0.02 + random.unit()) - 3.0)) as f32,
            FeatureKind::Date { .. } if missing => f32::NAN,
            FeatureKind::Date { has_time } => {
                let quarters = if has_time { random.below(96) } else { 0 };
                (17_000.0 + random.below(3000) as f64 + quarters as f64 / 96.0) as f32
            }
            FeatureKind::Categorical { .. } if missing => -1.0,
            FeatureKind::Categorical { n_levels } => random.below(n_levels).min(random.below(n_levels)) as f32,
        }
    }

    fn odd_value(&self, kind: FeatureKind, largest: f32, random: &mut Random) -> f32 {
        let odd = random.below(4) == 0;
        match kind {
            FeatureKind::Numeric if odd => {
                [f32::NAN, 0.0, -0.0, f32::MIN_POSITIVE, 1e9, -1e9, largest, -largest][random.below(8)]
            }
            FeatureKind::Date { .. } if odd => {
                [f32::NAN, 0.0, -0.5, -719_162.0, 2_932_896.5, 11_016.0, 47_541.0, 1e9, largest, -largest][random.below(10)]
            }
            FeatureKind::Categorical { n_levels } if odd => {
                [-1.0, f32::NAN, n_levels as f32, 1e9, 0.5, -2.0, -0.0][random.below(7)]
            }
            _ => self.value(kind, random),
        }
    }

    fn pull(&self, value: f32, kind: FeatureKind) -> f64 {
        match kind {
            FeatureKind::Numeric if value.is_nan() => 0.7,
            FeatureKind::Numeric => (f64::from(value) / self.unit).sin(),
            FeatureKind::Date { .. } if value.is_nan() => -0.3,
            FeatureKind::Date { .. } => f64::from((value.floor() + 3.0) % 7.0).sin() + f64::from(value / 58.0).sin(),
            FeatureKind::Categorical { .. } => f64::from(value * 0.61).sin(),
        }
    }
}

/// SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }
}
