//! FITS files that were made by hand.

#![allow(clippy::unwrap_used)]

use super::*;

/// A unit: its cards, padded, and its data, padded.
fn unit(cards: &[&str], data: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    for card in cards.iter().chain(&["END"]) {
        file.extend(format!("{card:<80}").as_bytes());
    }
    file.resize(file.len().next_multiple_of(BLOCK), b' ');
    file.extend(data);
    file.resize(file.len().next_multiple_of(BLOCK), 0);
    file
}

/// A primary unit without data, and an image of unsigned numbers with a gap.
pub fn sample() -> Vec<u8> {
    let mut file = unit(
        &[
            "SIMPLE  =                    T / made by hand",
            "BITPIX  =                    8",
            "NAXIS   =                    0",
        ],
        &[],
    );
    let values: Vec<u8> = [-32768_i16, 0, 1, -32767, 2, 7]
        .iter()
        .flat_map(|v| v.to_be_bytes())
        .collect();
    file.extend(unit(
        &[
            "XTENSION= 'IMAGE   '",
            "BITPIX  =                   16",
            "NAXIS   =                    2",
            "NAXIS1  =                    3 / columns",
            "NAXIS2  =                    2",
            "PCOUNT  =                    0",
            "GCOUNT  =                    1",
            "BSCALE  =                  1.0",
            "BZERO   =              3.2768D4",
            "BLANK   =                    7",
            "BUNIT   = 'adu/s   '           / of a day''s",
            "CDELT1  =                -0.25",
            "CDELT2  =                 0.25",
            "CUNIT1  = 'deg     '",
            "CRVAL1  =                 10.0",
            "CRPIX1  =                  2.0",
            "EXTNAME = 'SCI     '",
            "COMMENT   what is not a value",
        ],
        &values,
    ));
    file
}

#[test]
fn images_are_read_with_what_is_known_of_them() {
    let path = Path::new("a.fits");
    let file = sample();
    for wanted in [None, Some("1"), Some("sci")] {
        let array = read(path, &file, wanted).unwrap();
        assert_eq!(array.shape, [2, 3]);
        assert_eq!(array.values[..5], [0.0, 32768.0, 32769.0, 1.0, 32770.0]);
        assert!(array.values[5].is_nan());
        let grid = array.grid.unwrap();
        assert_eq!((grid.unit.as_str(), grid.name.as_str()), ("adu/s", "SCI"));
        assert_eq!(
            (grid.axes[1].spacing, grid.axes[1].origin),
            (Some(-0.25), 10.25)
        );
        assert_eq!(
            (grid.axes[1].unit.as_str(), grid.cell()),
            ("deg", Some(0.25))
        );
    }
    let float = unit(
        &[
            "SIMPLE  =  T",
            "BITPIX  = -64",
            "NAXIS   = 1",
            "NAXIS1  = 1",
        ],
        &1.5_f64.to_be_bytes(),
    );
    assert_eq!(read(path, &float, None).unwrap().values, [1.5]);
    let float = unit(
        &[
            "SIMPLE  =  T",
            "BITPIX  = -32",
            "NAXIS   = 1",
            "NAXIS1  = 1",
        ],
        &f32::NAN.to_be_bytes(),
    );
    assert!(read(path, &float, None).unwrap().values[0].is_nan());
}

#[test]
fn what_is_wrong_is_told() {
    let path = Path::new("a.fits");
    let file = sample();
    for (wanted, part) in [
        (
            "0",
            "unit '0' is no image; it has 0: no data, 1 (SCI): image [2, 3]",
        ),
        ("2", "no unit '2'"),
        ("x", "no unit 'x'"),
    ] {
        let message = read(path, &file, Some(wanted)).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
    let with = |cards: &[&str]| {
        read(path, &unit(cards, &[0; 8]), None)
            .unwrap_err()
            .to_string()
    };
    for (cards, part) in [
        (
            &["SIMPLE  =  T", "BITPIX  = 12", "NAXIS   = 1", "NAXIS1  = 1"][..],
            "BITPIX = 12",
        ),
        (
            &["SIMPLE  =  T", "BITPIX  = 8", "NAXIS   = 1", "NAXIS1  = -1"],
            "NAXIS1 = -1, which is no count",
        ),
        (
            &["SIMPLE  =  T", "BITPIX  = 8", "NAXIS   = 4000000000"],
            "NAXIS = 4000000000",
        ),
        (
            &[
                "SIMPLE  =  T",
                "BITPIX  = 64",
                "NAXIS   = 2",
                "NAXIS1  = 99999999999",
                "NAXIS2  = 99999999999",
            ],
            "more data than there can be",
        ),
        (
            &[
                "SIMPLE  =  T",
                "BITPIX  = 8",
                "NAXIS   = 1",
                "NAXIS1  = 100000",
            ],
            "claims 100000 bytes of data, but 2880 follow",
        ),
        (
            &["SIMPLE  =  T", "BITPIX  = 8", "NAXIS   = 0"],
            "it has no image, but 0: no data",
        ),
    ] {
        let message = with(cards);
        assert!(
            message.contains(part) && message.contains("a.fits"),
            "{message}"
        );
    }
    for cut in [0, 100, 2000] {
        assert!(read(path, &file[..cut], None).is_err());
    }
}
