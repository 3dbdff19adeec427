//! Kinds of files of data: by their ending, or by their first bytes where there is no name.

use std::path::Path;

use super::STANDARD;

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
}

/// The endings of each kind.
const ENDINGS: [(FileKind, &[&str]); 4] = [
    (FileKind::Npy, &["npy"]),
    (FileKind::Npz, &["npz"]),
    (FileKind::Table, &["csv", "tsv", "txt", "dat"]),
    (FileKind::Png, &["png"]),
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
    /// The kind of a file, by the ending of its name; that of standard input by its first bytes.
    pub fn of(path: &Path, bytes: &[u8]) -> Result<Self, String> {
        if path.as_os_str() != STANDARD {
            return Self::named(path);
        }
        Ok(Self::of_bytes(bytes).unwrap_or(Self::Table))
    }

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
            _ => None,
        }
    }

    /// An ending under which it is kept.
    pub fn ending(self) -> &'static str {
        let own = ENDINGS.iter().find(|(kind, _)| *kind == self);
        own.and_then(|(_, endings)| endings.first())
            .unwrap_or(&"npy")
    }

    /// What it is, in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Npy => "NumPy array (.npy)",
            Self::Npz => "NumPy archive (.npz)",
            Self::Table => "table",
            Self::Png => "PNG picture, as values in [0, 1]",
        }
    }

    /// Whether something of a file can be selected behind its name.
    pub fn has_parts(self) -> bool {
        matches!(self, Self::Npz | Self::Table)
    }
}

/// What a file is whose bytes are not what its ending says.
pub fn other(kind: FileKind, bytes: &[u8]) -> Option<String> {
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
    let all: Vec<String> = ENDINGS
        .iter()
        .flat_map(|(_, endings)| endings.iter().map(|ending| format!(".{ending}")))
        .collect();
    match all.split_last() {
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}
