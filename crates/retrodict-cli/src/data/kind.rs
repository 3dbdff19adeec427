//! Kinds of files of data: by their ending, or by their first bytes where there is no name.

use std::path::Path;

use crate::failure::Failure;

/// How a file holds numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// One array of NumPy's.
    Npy,
    /// An archive of them.
    Npz,
    /// A table of text.
    Table,
    /// A picture as PNG.
    Png,
    /// A picture as JPEG.
    Jpeg,
    /// Pictures as TIFF.
    Tiff,
    /// Fields of models, in the classic format.
    NetCdf,
    /// Images of telescopes.
    Fits,
    /// Fields for ParaView.
    Vti,
}

/// The endings of each kind.
const ENDINGS: [(FileKind, &[&str]); 9] = [
    (FileKind::Npy, &["npy"]),
    (FileKind::Npz, &["npz"]),
    (FileKind::Table, &["csv", "tsv", "txt", "dat"]),
    (FileKind::Png, &["png"]),
    (FileKind::Jpeg, &["jpg", "jpeg"]),
    (FileKind::Tiff, &["tif", "tiff"]),
    (FileKind::NetCdf, &["nc", "cdf"]),
    (FileKind::Fits, &["fits", "fit", "fts"]),
    (FileKind::Vti, &["vti"]),
];

/// What files that are often met begin with, what they are, and what to do about them.
const OTHERS: [(&[u8], &str); 6] = [
    (
        b"\xd0\xcf\x11\xe0",
        "an old Excel workbook; save the sheet as CSV",
    ),
    (
        b"\x89HDF",
        "HDF5 (also NetCDF-4 and MATLAB 7.3); convert the array to .npy",
    ),
    (b"MATLAB", "a MATLAB file; save the array as .npy or CSV"),
    (b"\x1f\x8b", "compressed by gzip; decompress it"),
    (b"%PDF", "a PDF"),
    (b"PAR1", "a Parquet file; save the table as CSV"),
];

impl FileKind {
    /// The kind of a file by the ending of its name.
    pub fn named(path: &Path) -> Result<Self, String> {
        let ending = super::ending(path);
        Self::of_ending(&ending).ok_or_else(|| {
            let known = endings();
            match ending.as_str() {
                "xlsx" | "xls" | "ods" => format!(
                    "a workbook ('.{ending}') is not read; save the sheet as CSV; known: {known}"
                ),
                ending => format!("unknown ending '.{ending}'; known: {known}"),
            }
        })
    }

    /// The kind of an ending, without the point.
    pub fn of_ending(ending: &str) -> Option<Self> {
        let has = |(_, endings): &&(Self, &[&str])| endings.contains(&ending);
        ENDINGS.iter().find(has).map(|(kind, _)| *kind)
    }

    /// The kind by the first bytes; none for text.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Some(Self::Npy),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Npz),
            [0x89, b'P', b'N', b'G', ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Self::Tiff),
            [b'C', b'D', b'F', 1 | 2 | 5, ..] => Some(Self::NetCdf),
            [b'S', b'I', b'M', b'P', b'L', b'E', b' ', ..] => Some(Self::Fits),
            _ => None,
        }
    }

    /// An ending under which it is kept.
    pub fn ending(self) -> &'static str {
        let own = ENDINGS.iter().find(|(kind, _)| *kind == self);
        own.and_then(|(_, endings)| endings.first())
            .unwrap_or(&"npy")
    }

    /// A failure to read a file of this kind, with what the file is by its first bytes, where that is something else.
    pub fn explained(self, failure: Failure, bytes: &[u8]) -> Failure {
        match other(self, bytes) {
            Some(what) => failure.and(&format!("; it is {what}")),
            None => failure,
        }
    }

    /// What it is, in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Npy => "NumPy array (.npy)",
            Self::Npz => "NumPy archive (.npz)",
            Self::Table => "table",
            Self::Png => "PNG picture, as values in [0, 1]",
            Self::Jpeg => "JPEG picture, as values in [0, 1]",
            Self::Tiff => "TIFF picture (8 and 16 bits as values in [0, 1], others as they are)",
            Self::NetCdf => "NetCDF-3 file",
            Self::Fits => "FITS file",
            Self::Vti => "image of VTK (.vti)",
        }
    }

    /// Why it is not read.
    pub fn not_read(self) -> String {
        format!("a {} is written for other tools, and not read", self.name())
    }

    /// Why it is not written.
    pub fn not_written(self) -> String {
        let why = match self {
            Self::Jpeg => "JPEG would drop what an inversion finds",
            _ => "it is read alone",
        };
        format!("{why}; write one of {}", endings_written())
    }

    /// Whether arrays are written so.
    pub fn is_written(self) -> bool {
        !matches!(self, Self::Jpeg | Self::Fits)
    }

    /// Whether something of a file can be selected behind its name.
    pub fn has_parts(self) -> bool {
        matches!(
            self,
            Self::Npz | Self::Table | Self::Tiff | Self::NetCdf | Self::Fits
        )
    }

    /// Refuses what this binary was built without.
    pub fn built(self) -> Result<Self, String> {
        let lacking = match self {
            Self::NetCdf if !cfg!(feature = "netcdf") => "netcdf",
            Self::Fits if !cfg!(feature = "fits") => "fits",
            Self::Vti if !cfg!(feature = "vti") => "vti",
            _ => return Ok(self),
        };
        Err(format!(
            "this retrodict was built without the feature '{lacking}', which .{} needs; build it with --features {lacking}",
            self.ending()
        ))
    }
}

/// What a file is whose bytes are not what its ending says.
fn other(kind: FileKind, bytes: &[u8]) -> Option<String> {
    let found = FileKind::of_bytes(bytes).filter(|found| *found != kind);
    if let Some(found) = found {
        return Some(match found {
            FileKind::Npz => {
                "a ZIP archive, such as .npz or an Excel workbook (.xlsx): save a sheet as CSV"
                    .to_owned()
            }
            found => format!("a .{} file by its first bytes; name it so", found.ending()),
        });
    }
    let known = OTHERS.iter().find(|(first, _)| bytes.starts_with(first));
    known.map(|(_, what)| (*what).to_owned())
}

/// All endings, for messages.
pub fn endings() -> String {
    listed(|_| true)
}

/// The endings of what can be written.
pub fn endings_written() -> String {
    listed(FileKind::is_written)
}

fn listed(which: fn(FileKind) -> bool) -> String {
    let all: Vec<String> = ENDINGS
        .iter()
        .filter(|(kind, _)| which(*kind))
        .flat_map(|(_, endings)| endings.iter().map(|ending| format!(".{ending}")))
        .collect();
    match all.split_last() {
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}
