//! FITS: images of the primary unit or an extension, as telescopes deliver them. Read, not written.

use std::path::Path;

use super::grid::{FieldGrid, GridAxis};
use super::{Array, bounded};
use crate::failure::{Failure, Outcome};

/// What the file is divided into.
const BLOCK: usize = 2880;

/// A line of a header.
const CARD: usize = 80;

/// The most units and axes that are looked at.
const UNITS: usize = 1000;

/// The most axes of an image, as the standard has it.
const AXES: usize = 999;

/// A unit of a file: its header, and where its data are.
struct HeaderUnit {
    cards: Vec<(String, String)>,
    data: std::ops::Range<usize>,
}

/// An image: of the unit of a number, 0 for the primary one, or of a name; or the first that there is.
pub fn read(path: &Path, bytes: &[u8], wanted: Option<&str>) -> Outcome<Array> {
    let read = || {
        let units = units(bytes)?;
        let unit = chosen(&units, path, wanted)?;
        image(unit, bytes)
    };
    read().map_err(|why: String| Failure::unreadable(path, why))
}

/// All images, by the numbers of their units.
pub fn read_all(path: &Path, bytes: &[u8]) -> Outcome<Vec<(String, Array)>> {
    let read = || {
        let units = units(bytes)?;
        let mut room = bounded::VALUES;
        let mut images = Vec::new();
        for (number, unit) in units.iter().enumerate().filter(|(_, unit)| unit.is_image()) {
            let size = bounded::count(&unit.shape()?)?;
            room = room
                .checked_sub(size)
                .ok_or("its images are too large together; select one")?;
            images.push((number.to_string(), image(unit, bytes)?));
        }
        match images.is_empty() {
            true => Err(no_image(&units)),
            false => Ok(images),
        }
    };
    read().map_err(|why: String| Failure::unreadable(path, why))
}

fn chosen<'a>(
    units: &'a [HeaderUnit],
    path: &Path,
    wanted: Option<&str>,
) -> Result<&'a HeaderUnit, String> {
    let Some(wanted) = wanted else {
        return units
            .iter()
            .find(|unit| unit.is_image())
            .ok_or_else(|| no_image(units));
    };
    let named = || {
        units
            .iter()
            .find(|unit| unit.text("EXTNAME").eq_ignore_ascii_case(wanted))
    };
    let number = wanted.parse::<usize>().ok();
    let unit = number.and_then(|number| units.get(number)).or_else(named);
    let unit = unit.ok_or_else(|| {
        format!(
            "it has no unit '{wanted}'; select an image as {}:NUMBER, from 0; it has {}",
            path.display(),
            listed(units)
        )
    })?;
    match unit.is_image() {
        true => Ok(unit),
        false => Err(format!(
            "unit '{wanted}' is no image; it has {}",
            listed(units)
        )),
    }
}

fn no_image(units: &[HeaderUnit]) -> String {
    match units.iter().any(|unit| unit.text("ZIMAGE") == "T") {
        true => "its images are compressed in tiles; decompress them with funpack".to_owned(),
        false => format!("it has no image, but {}", listed(units)),
    }
}

fn listed(units: &[HeaderUnit]) -> String {
    let said = units.iter().enumerate().map(|(number, unit)| {
        let kind = match (unit.is_image(), unit.text("XTENSION")) {
            (true, _) => format!("image {:?}", unit.shape().unwrap_or_default()),
            (false, "") => "no data".to_owned(),
            (false, kind) => kind.to_lowercase(),
        };
        match unit.text("EXTNAME") {
            "" => format!("{number}: {kind}"),
            name => format!("{number} ({name}): {kind}"),
        }
    });
    said.collect::<Vec<_>>().join(", ")
}

/// The units of a file, found by their headers alone.
fn units(bytes: &[u8]) -> Result<Vec<HeaderUnit>, String> {
    if !bytes.starts_with(b"SIMPLE  =") {
        return Err("it is not a FITS file: it does not begin with SIMPLE".to_owned());
    }
    let mut units = Vec::new();
    let mut at = 0;
    while at < bytes.len() && units.len() < UNITS {
        // What follows the last unit may be padding.
        if at > 0 && !bytes[at..].starts_with(b"XTENSION") {
            break;
        }
        let (cards, end) = header(bytes, at)?;
        let mut unit = HeaderUnit {
            cards,
            data: end..end,
        };
        let length = unit.length()?;
        let last = end.checked_add(length).filter(|last| *last <= bytes.len());
        let last = last.ok_or_else(|| {
            format!(
                "the header of its unit {} claims {length} bytes of data, but {} follow",
                units.len(),
                bytes.len() - end
            )
        })?;
        unit.data = end..last;
        units.push(unit);
        at = last.next_multiple_of(BLOCK);
    }
    Ok(units)
}

/// The cards of a header, and where it ends.
fn header(bytes: &[u8], from: usize) -> Result<(Vec<(String, String)>, usize), String> {
    let mut cards = Vec::new();
    for (i, card) in bytes[from..].chunks_exact(CARD).enumerate() {
        let key = String::from_utf8_lossy(&card[..8]).trim_end().to_owned();
        if key == "END" {
            let end = (from + (i + 1) * CARD).next_multiple_of(BLOCK);
            return match end <= bytes.len() {
                true => Ok((cards, end)),
                false => Err("it ends within a header".to_owned()),
            };
        }
        if &card[8..10] == b"= " {
            cards.push((key, value(&String::from_utf8_lossy(&card[10..]))));
        }
    }
    Err("it ends within a header".to_owned())
}

/// The value of a card, without quotes and comment.
fn value(text: &str) -> String {
    let text = text.trim_start();
    let Some(quoted) = text.strip_prefix('\'') else {
        return text.split('/').next().unwrap_or_default().trim().to_owned();
    };
    let mut found = String::new();
    let mut characters = quoted.chars().peekable();
    while let Some(c) = characters.next() {
        match (c, characters.peek()) {
            ('\'', Some('\'')) => {
                characters.next();
                found.push('\'');
            }
            ('\'', _) => break,
            (c, _) => found.push(c),
        }
    }
    found.trim_end().to_owned()
}

impl HeaderUnit {
    fn text(&self, key: &str) -> &str {
        let found = self.cards.iter().find(|(known, _)| known == key);
        found.map_or("", |(_, value)| value)
    }

    fn number(&self, key: &str) -> Option<f64> {
        // Fortran's exponent.
        self.text(key).replace(['D', 'd'], "e").parse().ok()
    }

    fn count(&self, key: &str, default: usize) -> Result<usize, String> {
        match self.text(key) {
            "" => Ok(default),
            text => text
                .parse()
                .map_err(|_| format!("its header says {key} = {text}, which is no count")),
        }
    }

    fn is_image(&self) -> bool {
        let kind = self.text("XTENSION");
        (kind.is_empty() || kind == "IMAGE")
            && self.text("GROUPS") != "T"
            && self.count("NAXIS", 0).is_ok_and(|axes| axes > 0)
            && !self.data.is_empty()
    }

    /// Extent along each axis, slowest first.
    fn shape(&self) -> Result<Vec<usize>, String> {
        let axes = self.count("NAXIS", 0)?;
        if axes > AXES {
            return Err(format!(
                "its header says NAXIS = {axes}, more than the {AXES} that may be"
            ));
        }
        (1..=axes)
            .rev()
            .map(|axis| self.count(&format!("NAXIS{axis}"), 0))
            .collect()
    }

    fn bits(&self) -> Result<i32, String> {
        let text = self.text("BITPIX");
        let bits = text
            .parse()
            .ok()
            .filter(|bits| [8, 16, 32, 64, -32, -64].contains(bits));
        bits.ok_or_else(|| {
            format!("its header says BITPIX = {text}; known: 8, 16, 32, 64, -32, -64")
        })
    }

    /// Bytes of its data.
    fn length(&self) -> Result<usize, String> {
        let shape = self.shape()?;
        if shape.is_empty() {
            return Ok(0);
        }
        // Random groups have a first axis of 0.
        let grouped = self.text("GROUPS") == "T" && shape.last() == Some(&0);
        let axes = if grouped {
            &shape[..shape.len() - 1]
        } else {
            &shape[..]
        };
        let values = axes
            .iter()
            .try_fold(1_usize, |product, n| product.checked_mul(*n));
        let values = values.and_then(|n| n.checked_add(self.count("PCOUNT", 0).ok()?));
        let values = values.and_then(|n| n.checked_mul(self.count("GCOUNT", 1).ok()?));
        let bytes =
            values.and_then(|n| n.checked_mul(self.bits().ok()?.unsigned_abs() as usize / 8));
        self.bits()?;
        bytes.ok_or_else(|| "its header claims more data than there can be".to_owned())
    }

    /// Names, units and spacing, as far as its header says them.
    fn grid(&self, axes: usize) -> FieldGrid {
        let axis = |axis: usize| {
            let key = |name: &str| format!("{name}{axis}");
            let step = self
                .number(&key("CDELT"))
                .filter(|step| step.is_finite() && *step != 0.0);
            let value = self.number(&key("CRVAL")).unwrap_or(0.0);
            let pixel = self.number(&key("CRPIX")).unwrap_or(1.0);
            GridAxis {
                name: self.text(&key("CTYPE")).to_owned(),
                unit: self.text(&key("CUNIT")).to_owned(),
                spacing: step,
                origin: value + (1.0 - pixel) * step.unwrap_or(0.0),
            }
        };
        FieldGrid {
            name: match self.text("EXTNAME") {
                "" => self.text("OBJECT").to_owned(),
                name => name.to_owned(),
            },
            unit: self.text("BUNIT").to_owned(),
            axes: (1..=axes).rev().map(axis).collect(),
        }
    }
}

/// The values of a unit: scaled, and NaN where it says BLANK.
fn image(unit: &HeaderUnit, bytes: &[u8]) -> Result<Array, String> {
    let shape = unit.shape()?;
    let count = bounded::count(&shape)?;
    let (bits, data) = (unit.bits()?, &bytes[unit.data.clone()]);
    let scale = unit.number("BSCALE").unwrap_or(1.0);
    let zero = unit.number("BZERO").unwrap_or(0.0);
    let blank = unit.number("BLANK").filter(|_| bits > 0);
    let size = bits.unsigned_abs() as usize / 8;
    let number = |bytes: &[u8]| {
        let unsigned = bytes
            .iter()
            .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        let unused = 64 - 8 * size as u32;
        let raw = match bits {
            8 => unsigned as f64,
            -32 => f64::from(f32::from_bits(unsigned as u32)),
            -64 => f64::from_bits(unsigned),
            _ => (((unsigned << unused) as i64) >> unused) as f64,
        };
        match blank == Some(raw) {
            true => f64::NAN,
            false => raw * scale + zero,
        }
    };
    let values: Vec<f64> = data.chunks_exact(size).take(count).map(number).collect();
    if values.len() != count {
        return Err(format!("its shape {shape:?} has more values than the file"));
    }
    Ok(Array {
        grid: Some(unit.grid(shape.len())),
        ..Array::new(shape, values)
    })
}

#[cfg(test)]
pub mod tests;
