//! Where x and y live: a name, a shape and a unit.

/// The set in which x or y lives: a name, a grid shape (row-major) and a unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Space {
    /// What the values are, for example `temperature`.
    pub name: String,
    /// Extent along each axis, slowest first; the product is the length of a slice.
    pub shape: Vec<usize>,
    /// The physical unit, for example `K`, or `1` where there is none.
    pub unit: String,
}

impl Space {
    /// A space of the given name, shape and unit.
    pub fn new(name: &str, shape: &[usize], unit: &str) -> Self {
        Self {
            name: name.to_owned(),
            shape: shape.to_vec(),
            unit: unit.to_owned(),
        }
    }

    /// The number of values: the product of the shape. One beyond all memory stays as large as a number can be.
    pub fn len(&self) -> usize {
        self.shape.iter().fold(1, |len, n| len.saturating_mul(*n))
    }

    /// Whether the space holds no value at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
