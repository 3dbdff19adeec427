//! NetCDF-3 files that were made by hand, and those that come back.

#![allow(clippy::unwrap_used)]

use super::*;

/// A header or values, put together from numbers and texts.
#[derive(Default)]
struct Hand(Vec<u8>);

impl Hand {
    fn numbers(mut self, numbers: &[u32]) -> Self {
        self.0.extend(numbers.iter().flat_map(|n| n.to_be_bytes()));
        self
    }

    fn text(mut self, text: &str) -> Self {
        self = self.numbers(&[text.len() as u32]);
        self.0.extend(text.as_bytes());
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }
}

/// Two records of short integers that are packed, and of bytes: as models write time steps. 44 bytes of values at the end.
pub fn records() -> Vec<u8> {
    let header = |begin: u32| {
        Hand::default()
            .bytes(b"CDF\x01")
            .numbers(&[2, 10, 2])
            .text("time")
            .numbers(&[0])
            .text("x")
            .numbers(&[3, 0, 0, 11, 3])
            // x(x), with a unit.
            .text("x")
            .numbers(&[1, 1, 12, 1])
            .text("units")
            .numbers(&[2])
            .text("m")
            .numbers(&[6, 24, begin])
            // T(time, x), packed.
            .text("T")
            .numbers(&[2, 0, 1, 12, 4])
            .text("scale_factor")
            .numbers(&[6, 1])
            .bytes(&0.5_f64.to_be_bytes())
            .text("add_offset")
            .numbers(&[6, 1])
            .bytes(&10.0_f64.to_be_bytes())
            .text("_FillValue")
            .numbers(&[3, 1])
            .bytes(&(-1_i16).to_be_bytes())
            .bytes(&[0, 0])
            .text("units")
            .numbers(&[2])
            .text("K")
            .numbers(&[3, 8, begin + 24])
            // flag(time).
            .text("flag")
            .numbers(&[1, 0, 0, 0, 1, 4, begin + 32])
            .0
    };
    let begin = header(0).len() as u32;
    let mut file = header(begin);
    for x in [0.0_f64, 0.25, 0.5] {
        file.extend(x.to_be_bytes());
    }
    for (record, flag) in [([0_i16, 2, -1], 7_u8), ([4, 6, 8], 9)] {
        file.extend(record.iter().flat_map(|v| v.to_be_bytes()));
        file.extend([0, 0]);
        file.extend([flag, 0, 0, 0]);
    }
    file
}

#[test]
fn records_and_packed_numbers_are_read() {
    let path = Path::new("a.nc");
    let file = records();
    let found = read(path, &file, Some("T")).unwrap();
    assert_eq!(found.shape, [2, 3]);
    assert_eq!(found.values[..2], [10.0, 11.0]);
    assert!(found.values[2].is_nan());
    assert_eq!(found.values[3..], [12.0, 13.0, 14.0]);
    let grid = found.grid.unwrap();
    assert_eq!((grid.name.as_str(), grid.unit.as_str()), ("T", "K"));
    assert_eq!(
        (grid.axes[1].name.as_str(), grid.axes[1].unit.as_str()),
        ("x", "m")
    );
    assert_eq!(
        (grid.axes[0].spacing, grid.axes[1].spacing),
        (None, Some(0.25))
    );
    assert_eq!(read(path, &file, Some("flag")).unwrap().values, [7.0, 9.0]);
    // A file that is still written says no number of records.
    let mut streaming = file.clone();
    streaming[4..8].copy_from_slice(&[0xff; 4]);
    assert_eq!(
        read(path, &streaming, Some("flag")).unwrap().values,
        [7.0, 9.0]
    );
    let names: Vec<String> = read_all(path, &file)
        .unwrap()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["T", "flag", "x"]);
    for (wanted, part) in [
        (None, "name one of its variables, as a.nc:T; it has T, flag"),
        (
            Some("t"),
            "no variable 't' (did you mean 'T'?); it has x, T, flag",
        ),
    ] {
        let message = read(path, &file, wanted).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn what_is_written_is_read_again() {
    let path = Path::new("a.nc");
    let axis = |name: &str, spacing| GridAxis {
        name: name.to_owned(),
        unit: "m".to_owned(),
        spacing,
        origin: 1.0,
    };
    let array = Array {
        grid: Some(FieldGrid {
            name: "field after diffusion".to_owned(),
            unit: "K".to_owned(),
            axes: vec![axis("", Some(0.5)), axis("longitude", None)],
        }),
        ..Array::new(vec![2, 3, 2], (0..12).map(|i| f64::from(i) / 7.0).collect())
    };
    let file = bytes(path, &array).unwrap();
    let back = read(path, &file, None).unwrap();
    assert_eq!((&back.shape, &back.values), (&array.shape, &array.values));
    let grid = back.grid.unwrap();
    assert_eq!(
        (grid.name.as_str(), grid.unit.as_str()),
        ("field_after_diffusion", "K")
    );
    let names: Vec<&str> = grid.axes.iter().map(|axis| axis.name.as_str()).collect();
    assert_eq!(names, ["axis0", "y", "longitude"]);
    assert_eq!(
        (grid.axes[1].spacing, grid.axes[1].origin),
        (Some(0.5), 1.0)
    );
    assert_eq!(grid.axes[1].unit, "m");
    let plain = Array::new(vec![3], vec![1.0, f64::NAN, 3.0]);
    let back = read(path, &bytes(path, &plain).unwrap(), None).unwrap();
    assert!(back.values[1].is_nan() && back.values[2] == 3.0);
}

#[test]
fn a_header_is_believed_only_as_far_as_the_file_goes() {
    let path = Path::new("a.nc");
    let file = records();
    for cut in 4..file.len() {
        // What is read of a file that is cut was there.
        let _ = read_all(path, &file[..cut]);
    }
    let claims = |at: usize, value: u32| {
        let mut claims = file.clone();
        claims[at..at + 4].copy_from_slice(&value.to_be_bytes());
        read_all(path, &claims).unwrap_err().to_string()
    };
    let message = claims(4, 1 << 20);
    assert!(
        message.contains("can hold") && message.contains("a.nc"),
        "{message}"
    );
    let message = claims(4, 1 << 27);
    assert!(
        message.contains("more than the 134217728 values"),
        "{message}"
    );
    // The number of dimensions, and the length of the first name.
    assert!(claims(12, u32::MAX).contains("ends within its header"));
    assert!(claims(16, u32::MAX).contains("ends within its header"));
    let message = read(path, b"CDF\x04", None).unwrap_err().to_string();
    assert!(message.contains("not a NetCDF-3 file"), "{message}");
}
