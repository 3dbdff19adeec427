//! Names and units of the unknowns, for tables and reports.

use retrodict::Simulator;

/// Name and unit of each unknown.
pub fn labels(simulator: &dyn Simulator) -> Vec<(String, String)> {
    let space = simulator.input();
    let labels = simulator.describe().labels.map(without_gaps);
    labels.unwrap_or_else(|| {
        let unit = &space.unit;
        (0..space.len())
            .map(|i| (format!("x[{}]", place(i, &space.shape)), unit.clone()))
            .collect()
    })
}

/// The same, with 1 for a unit that is not said.
fn without_gaps(mut labels: Vec<(String, String)>) -> Vec<(String, String)> {
    let open = labels.iter_mut().filter(|(_, unit)| unit.is_empty());
    open.for_each(|(_, unit)| "1".clone_into(unit));
    labels
}

/// The index along each axis.
fn place(index: usize, shape: &[usize]) -> String {
    let mut rest = index;
    let mut along: Vec<String> = Vec::new();
    for extent in shape.iter().rev() {
        along.push((rest % extent).to_string());
        rest /= extent;
    }
    along.reverse();
    along.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_on_a_grid_are_told_along_each_axis() {
        assert_eq!(place(0, &[3]), "0");
        assert_eq!(place(23, &[4, 6]), "3, 5");
        assert_eq!(place(23, &[2, 3, 4]), "1, 2, 3");
    }
}
