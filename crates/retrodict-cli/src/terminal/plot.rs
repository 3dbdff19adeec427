//! Small pictures of numbers: a line of blocks for a vector, a few lines of shades for a field.

use std::io::IsTerminal;

/// Heights of blocks, on a terminal and where none shows them.
const BLOCKS: [&str; 2] = ["▁▂▃▄▅▆▇█", "_.-=+*%#"];

/// Shades, from dark to bright.
const SHADES: [&str; 2] = [" ░▒▓█", " .:-=+*#%@"];

/// The characters that standard output shows: blocks on a terminal, else letters that any file can hold.
fn drawn_with(characters: [&'static str; 2]) -> Vec<char> {
    let plain = usize::from(!std::io::stdout().is_terminal());
    characters[plain].chars().collect()
}

/// A line of at most `width` characters; a blank where nothing is finite.
pub fn sparkline(values: &[f64], width: usize) -> String {
    line(values, width, &drawn_with(BLOCKS))
}

/// Lines for a field in row-major order, at most `most` characters wide.
pub fn field(values: &[f64], rows: usize, columns: usize, most: usize) -> Vec<String> {
    shades(values, (rows, columns), most, &drawn_with(SHADES))
}

fn line(values: &[f64], width: usize, characters: &[char]) -> String {
    let cells = means(values.len(), width, |i| values[i]);
    drawn(&cells, &cells, characters)
}

fn shades(
    values: &[f64],
    (rows, columns): (usize, usize),
    most: usize,
    characters: &[char],
) -> Vec<String> {
    if rows == 0 || columns == 0 || values.len() != rows * columns {
        return Vec::new();
    }
    let wide = columns.min(most);
    // A character is about twice as high as wide.
    let ratio = wide as f64 / columns as f64;
    let high = ((rows as f64 * ratio / 2.0).round() as usize).clamp(1, rows.min(most));
    let across = |row: usize| means(columns, wide, |column| values[row * columns + column]);
    let slim: Vec<Vec<f64>> = (0..rows).map(across).collect();
    let down = |column: usize| means(rows, high, |row| slim[row][column]);
    let cells: Vec<Vec<f64>> = (0..wide).map(down).collect();
    let all = cells.concat();
    let line = |row: usize| -> String {
        let cells: Vec<f64> = cells.iter().map(|column| column[row]).collect();
        drawn(&cells, &all, characters)
    };
    (0..high).map(line).collect()
}

/// The means of `count` values in at most `cells` groups, without those that are not finite; NaN where none is.
fn means(count: usize, cells: usize, value: impl Fn(usize) -> f64) -> Vec<f64> {
    let cells = cells.min(count);
    let mean = |cell: usize| {
        let group = cell * count / cells..(cell + 1) * count / cells;
        let finite: Vec<f64> = group.map(&value).filter(|v| v.is_finite()).collect();
        let n = finite.len() as f64;
        match finite.is_empty() {
            true => f64::NAN,
            false => finite.iter().map(|v| v / n).sum(),
        }
    };
    (0..cells).map(mean).collect()
}

/// Characters for some cells, between the least and the greatest of all.
fn drawn(cells: &[f64], all: &[f64], characters: &[char]) -> String {
    let finite = || all.iter().copied().filter(|v| v.is_finite());
    let low = finite().fold(f64::INFINITY, f64::min);
    let high = finite().fold(f64::NEG_INFINITY, f64::max);
    let last = characters.len().saturating_sub(1);
    let character = |value: &f64| {
        // Halves, so that no range overflows.
        let part = (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
        let at = match part.is_finite() {
            true => (part * last as f64).round() as usize,
            false => 0,
        };
        match value.is_finite() {
            true => characters.get(at.min(last)).copied().unwrap_or(' '),
            false => ' ',
        }
    };
    cells.iter().map(character).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_rise_and_pictures_keep_their_shape() {
        let blocks: Vec<char> = BLOCKS[0].chars().collect();
        let ramp: Vec<f64> = (0..8).map(f64::from).collect();
        assert_eq!(line(&ramp, 20, &blocks), "▁▂▃▄▅▆▇█");
        assert_eq!(line(&ramp, 4, &blocks), "▁▃▆█");
        assert_eq!(line(&[1.0, f64::NAN, 2.0], 3, &blocks), "▁ █");
        assert_eq!(line(&[3.0, 3.0], 3, &blocks), "▁▁");
        assert_eq!(line(&[f64::MIN, f64::MAX], 3, &blocks), "▁█");
        assert_eq!(line(&[], 3, &blocks), "");
        let shade: Vec<char> = SHADES[1].chars().collect();
        let field: Vec<f64> = (0..32).map(|i| f64::from(i % 8)).collect();
        assert_eq!(
            shades(&field, (4, 8), 8, &shade),
            [" .:-+*#%"; 2].map(|_| " .-=+*%@".to_owned())
        );
        assert!(shades(&field, (4, 7), 8, &shade).is_empty());
    }
}
