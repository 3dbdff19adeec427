//! Pictures and fields of other tools through the real binary: read, written, and refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;

use crate::binary::{fail, run, succeed};
use tempfile::{TempDir, tempdir};

/// A grid of 4 × 6 values, and what heat makes of it with cells of 0.5.
fn grid() -> TempDir {
    let folder = tempdir().unwrap();
    let rows = [
        "0,0,0,0,0,0",
        "0,1,0.5,0,0,0",
        "0,0.25,1,0,0,0.125",
        "0,0,0,0,0,0",
    ];
    fs::write(folder.path().join("x.csv"), rows.join("\n")).unwrap();
    let words = "simulate heat --set nu_t=0.2 --set cell=0.5 --input x.csv -o";
    for name in ["y.csv", "y.nc", "y.vti", "y.tif"] {
        succeed(folder.path(), &format!("{words} {name}"));
    }
    folder
}

fn numbers(folder: &Path, name: &str) -> Vec<f64> {
    let text = fs::read_to_string(folder.join(name)).unwrap();
    let cells = text.split([',', '\n']).filter(|cell| !cell.is_empty());
    cells.map(|cell| cell.parse().unwrap()).collect()
}

fn said(folder: &Path, words: &str) -> String {
    let output = run(folder, words);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words}: {errors}");
    errors.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(feature = "netcdf")]
#[test]
fn spacing_and_names_travel_with_a_field() {
    let folder = grid();
    let f = folder.path();
    let shown = succeed(f, "inspect y.nc");
    assert!(
        shown.contains("axes of field_after_diffusion: y (0.5) × x (0.5)"),
        "{shown}"
    );
    // What the file says of the cells is what was set for them before.
    succeed(
        f,
        "solve heat --set nu_t=0.2 --set cell=0.5 --target y.csv -o told.csv",
    );
    let notes = said(f, "solve heat --set nu_t=0.2 --target y.nc -o read.csv");
    assert!(
        notes.contains("y.nc gives the width of a cell of heat: 0.5"),
        "{notes}"
    );
    assert_eq!(numbers(f, "read.csv"), numbers(f, "told.csv"));
    succeed(
        f,
        "solve heat --set nu_t=0.2 --set cell=1.0 --target y.nc -o other.csv",
    );
    assert_ne!(numbers(f, "other.csv"), numbers(f, "told.csv"));
    // x is written where y lies.
    succeed(f, "solve heat --set nu_t=0.2 --target y.nc");
    let shown = succeed(f, "inspect y-solved.nc");
    assert!(
        shown.contains("axes of initial_field: y (0.5) × x (0.5)"),
        "{shown}"
    );
    let shown = succeed(f, "inspect y.nc:x --json");
    assert!(shown.contains("\"maximum\": 2.5"), "{shown}");
}

#[cfg(feature = "vti")]
#[test]
fn a_field_is_written_for_paraview() {
    let folder = grid();
    let f = folder.path();
    let text = fs::read_to_string(f.join("y.vti")).unwrap();
    for part in [
        "WholeExtent=\"0 5 0 3 0 0\"",
        "Spacing=\"0.5 0.5 1\"",
        "Name=\"field after diffusion\"",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[cfg(feature = "fits")]
#[test]
fn an_image_of_a_telescope_is_read() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    let cards = [
        "SIMPLE  =                    T",
        "BITPIX  =                  -32",
        "NAXIS   =                    2",
        "NAXIS1  =                    3",
        "NAXIS2  =                    2",
        "CDELT1  =                 -0.5",
        "CDELT2  =                  0.5",
        "BUNIT   = 'Jy      '",
        "END",
    ];
    let mut file: Vec<u8> = cards
        .iter()
        .flat_map(|card| format!("{card:<80}").into_bytes())
        .collect();
    file.resize(2880, b' ');
    file.extend(
        [0.5_f32, 1.0, 0.25, 0.0, 2.0, 1.5]
            .iter()
            .flat_map(|v| v.to_be_bytes()),
    );
    file.resize(5760, 0);
    fs::write(f.join("sky.fits"), file).unwrap();
    let shown = succeed(f, "inspect sky.fits");
    assert!(
        shown.contains("Jy") && shown.contains("axis 2 (-0.5)"),
        "{shown}"
    );
    succeed(f, "solve heat --set nu_t=0.1 --target sky.fits");
    assert!(f.join("sky-solved.npy").exists());
    fs::write(f.join("sky.csv"), "0.5,1,0.25\n0,2,1.5\n").unwrap();
    succeed(
        f,
        "solve heat --set nu_t=0.1 --set cell=0.5 --target sky.csv -o told.csv",
    );
    succeed(f, "solve heat --set nu_t=0.1 --target sky.fits -o read.csv");
    assert_eq!(numbers(f, "read.csv"), numbers(f, "told.csv"));
}

#[test]
fn pictures_say_what_they_lose() {
    let folder = grid();
    let f = folder.path();
    // To 32 bits, and beyond [0, 1] too.
    succeed(f, "simulate heat --input y.csv -o told.csv");
    succeed(f, "simulate heat --input y.tif -o from.csv");
    let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-6;
    assert!(
        numbers(f, "from.csv")
            .iter()
            .zip(&numbers(f, "told.csv"))
            .all(close)
    );
    let words = "solve heat --set nu_t=0.2 --set cell=0.5";
    let notes = said(f, &format!("{words} --target y.csv -o x.png"));
    assert!(
        notes.contains("clipped; write .npy or .tif to keep them"),
        "{notes}"
    );
    let list: Vec<String> = (0..72).map(|i| (f64::from(i) / 71.0).to_string()).collect();
    fs::write(f.join("three.csv"), list.join("\n")).unwrap();
    succeed(
        f,
        "simulate heat --set shape=[3,4,6] --input three.csv -o cube.npy",
    );
    let notes = said(
        f,
        "simulate heat --set shape=[4,6] --input cube.npy -o c.png",
    );
    assert!(
        notes.contains("Pillow and what builds on it read 8 of them"),
        "{notes}"
    );
}

#[test]
fn what_cannot_be_read_or_written_is_told() {
    let folder = grid();
    let f = folder.path();
    fs::write(f.join("text.tif"), "not a picture").unwrap();
    fs::write(f.join("text.jpg"), "not a picture").unwrap();
    fs::write(f.join("text.nc"), "not a field").unwrap();
    fs::write(f.join("text.fits"), "not a field").unwrap();
    fs::write(f.join("hdf.nc"), b"\x89HDF\r\n\x1a\n").unwrap();
    fs::copy(f.join("y.tif"), f.join("named.png")).unwrap();
    fs::copy(f.join("y.tif"), f.join("named.csv")).unwrap();
    for (words, part) in [
        (
            "solve heat --target text.tif",
            "cannot read text.tif: it is not a complete TIFF",
        ),
        (
            "solve heat --target text.jpg",
            "cannot read text.jpg: it is not a complete JPEG",
        ),
        ("solve heat --target text.nc", "it is not a NetCDF-3 file"),
        ("solve heat --target text.fits", "it is not a FITS file"),
        (
            "solve heat --target hdf.nc",
            "it is HDF5 (also NetCDF-4 and MATLAB 7.3); convert the array to .npy",
        ),
        ("inspect hdf.nc", "it is HDF5"),
        (
            "solve heat --target named.png",
            "it is a .tif file by its first bytes; name it so",
        ),
        (
            "solve heat --target named.csv",
            "it is a .tif file by its first bytes",
        ),
        (
            "solve heat --target y.vti",
            "is written for other tools, and not read",
        ),
        ("solve heat --target y.tif:2", "it has fewer pages than 2"),
        ("solve heat --target y.nc:z", "it has no variable 'z'"),
        (
            "simulate heat --input x.csv -o never.jpg",
            "JPEG would drop what an inversion finds; write one of .npy",
        ),
        (
            "simulate heat --input x.csv -o never.fits",
            "it is read alone; write one of .npy",
        ),
        (
            "simulate heat --input x.csv -o never.docx",
            "unknown ending '.docx'",
        ),
        ("solve heat --target book.xlsx", "save the sheet as CSV"),
    ] {
        let message = fail(f, words, 2);
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(message.contains(part), "{words}: {message}");
    }
}
