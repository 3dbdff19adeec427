//! Where the values of a field lie and what they are, as far as a file or a simulator says: names, units, spacing.

use toml::Table;

use super::Array;
use retrodict::Space;
use retrodict::registry::Entry;

/// What is known of a field beside its values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldGrid {
    /// What the values are called.
    pub name: String,
    /// Their unit; empty where it is not known.
    pub unit: String,
    /// The axes of one field, in the order of its shape; none where nothing is known of them.
    pub axes: Vec<GridAxis>,
}

/// An axis of a field, whose values lie evenly on it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GridAxis {
    /// What it is called; empty where that is not known.
    pub name: String,
    /// Its unit; empty where it is not known.
    pub unit: String,
    /// From one value to the next; none where they do not lie evenly, or nothing is said.
    pub spacing: Option<f64>,
    /// Where the first lies.
    pub origin: f64,
}

/// How far spacings may differ from each other and count as one, relative to them: coordinates of files are rounded.
const EVEN: f64 = 1e-4;

impl GridAxis {
    /// An axis with coordinates, even or not.
    #[cfg(any(feature = "netcdf", test))]
    pub fn of(name: &str, unit: &str, coordinates: &[f64]) -> Self {
        let (first, last) = (coordinates.first(), coordinates.last());
        let spacing = match (first, last) {
            (Some(first), Some(last)) if coordinates.len() > 1 => {
                let spacing = (last - first) / (coordinates.len() - 1) as f64;
                let even =
                    |pair: &[f64]| (pair[1] - pair[0] - spacing).abs() <= EVEN * spacing.abs();
                let fits = spacing != 0.0 && coordinates.windows(2).all(even);
                fits.then_some(spacing)
            }
            _ => None,
        };
        Self {
            name: name.to_owned(),
            unit: unit.to_owned(),
            spacing,
            origin: first.copied().unwrap_or(0.0),
        }
    }
}

impl FieldGrid {
    /// The grid of a space of a simulator, whose cells may have a width.
    pub fn of<T>(space: &Space, entry: &Entry<T>, options: &Table) -> Self {
        let number =
            |value: &toml::Value| value.as_float().or(value.as_integer().map(|v| v as f64));
        let defaults = entry.defaults();
        let cell = options.get("cell").or_else(|| defaults.get("cell"));
        let axis = GridAxis {
            spacing: cell.and_then(number),
            ..GridAxis::default()
        };
        Self {
            name: space.name.to_string(),
            unit: match space.unit.to_string().as_str() {
                "1" => String::new(),
                unit => unit.to_owned(),
            },
            axes: vec![axis; space.shape.len()],
        }
    }

    /// The same where the data lie, if they have the same number of axes in each field: what is inverted has the places of
    /// what was observed.
    pub fn placed_as(mut self, data: &Array) -> Self {
        let known = data.grid.as_ref().map_or(&[][..], |grid| &grid.axes);
        let own = self.axes.len();
        let Some(from) = known.len().checked_sub(own) else {
            return self;
        };
        for (axis, found) in self.axes.iter_mut().zip(&known[from..]) {
            // The option counts where it says another width than the file.
            let spacing = axis.spacing.or(found.spacing);
            let same = spacing.map(f64::abs) == found.spacing.map(f64::abs);
            *axis = match same {
                true => found.clone(),
                false => GridAxis {
                    spacing,
                    ..found.clone()
                },
            };
        }
        self
    }

    /// The one width of all cells; none where axes differ or nothing is known.
    pub fn cell(&self) -> Option<f64> {
        let first = self.axes.first()?.spacing?.abs();
        let same = |axis: &GridAxis| {
            axis.spacing
                .is_some_and(|spacing| (spacing.abs() - first).abs() <= EVEN * first)
        };
        self.axes.iter().all(same).then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_even_or_not() {
        let spacing = |coordinates: &[f64]| GridAxis::of("x", "m", coordinates).spacing;
        assert_eq!(spacing(&[0.0, 0.5, 1.0]), Some(0.5));
        assert_eq!(spacing(&[3.0, 2.0, 1.0]), Some(-1.0));
        assert_eq!(spacing(&[0.0, 1.0, 3.0]), None);
        assert_eq!(spacing(&[1.0, 1.0]), None);
        assert_eq!(spacing(&[1.0]), None);
        assert!(spacing(&[0.0, 0.333_333_3, 0.666_666_7, 1.0]).is_some());
        let grid = |spacings: &[f64]| FieldGrid {
            axes: spacings
                .iter()
                .map(|s| GridAxis::of("", "", &[0.0, *s]))
                .collect(),
            ..FieldGrid::default()
        };
        assert_eq!(grid(&[0.5, -0.5]).cell(), Some(0.5));
        assert_eq!(grid(&[0.5, 1.0]).cell(), None);
        assert_eq!(grid(&[]).cell(), None);
    }
}
