//! Numbers in files, as programs of any language read and write them.

use std::fs::{self, File};
use std::io::{self, Cursor, ErrorKind, Read, Write};
use std::path::Path;

use npyz::{DType, NpyFile, WriterBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::numbers;

/// What a file may hold beside its numbers.
const OVERHEAD: u64 = 64 * 1024;

/// No number takes more bytes in JSON, blanks included.
const BYTES_PER_VALUE: u64 = 64;

/// How a file holds numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Format {
    /// NumPy's `.npy`: one array of float64.
    #[default]
    Npy,
    /// NumPy's `.npz`: the arrays `x` and `y`.
    Npz,
    /// A list of numbers in JSON.
    Json,
}

impl Format {
    /// The ending of the file's name.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Npy => "npy",
            Self::Npz => "npz",
            Self::Json => "json",
        }
    }
}

/// Writes x.
pub(super) fn write(path: &Path, format: Format, x: &[f64]) -> io::Result<()> {
    let bytes = match format {
        Format::Npy => npy(x)?,
        Format::Npz => {
            let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
            let stored = CompressionMethod::Stored;
            zip.start_file(
                "x.npy",
                SimpleFileOptions::default().compression_method(stored),
            )?;
            zip.write_all(&npy(x)?)?;
            zip.finish()?.into_inner()
        }
        Format::Json => serde_json::to_vec(x)?,
    };
    fs::write(path, bytes)
}

fn npy(x: &[f64]) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let options = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&[x.len() as u64]);
    let mut writer = options.writer(&mut out).begin_nd()?;
    writer.extend(x.iter().copied())?;
    writer.finish()?;
    Ok(out)
}

/// Reads the numbers of an array of about this shape, in row order; NaN is passed on.
///
/// Nothing is waited for: what is no file, as a pipe, is refused.
pub(super) fn read(path: &Path, format: Format, shape: &[usize]) -> Result<Vec<f64>, String> {
    let most: usize = shape.iter().product();
    let limit = OVERHEAD + BYTES_PER_VALUE * most as u64;
    if let Some(kind) = fs::metadata(path).ok().and_then(|about| no_file(&about)) {
        return Err(format!(
            "it left {kind} at {{output}}: write the {most} values to a file there"
        ));
    }
    let found = open(path).and_then(|file| {
        // It may have changed since.
        if no_file(&file.metadata()?).is_some() {
            return Err(io::Error::other("it is not a file"));
        }
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    });
    let bytes = found.map_err(|e| match e.kind() {
        ErrorKind::NotFound => format!(
            "it exited successfully but wrote no file at {{output}}: write the {most} values there, as .{}",
            format.ending()
        ),
        _ => format!("its output cannot be read: {e}"),
    })?;
    if bytes.len() as u64 > limit {
        return Err(format!(
            "its output is longer than {limit} bytes, more than {most} values can take"
        ));
    }
    let numbers = match format {
        Format::Npy => from_npy(&bytes, shape),
        Format::Npz => member(&bytes, limit).and_then(|bytes| from_npy(&bytes, shape)),
        Format::Json => from_json(&bytes, shape),
    };
    numbers.map_err(|why| {
        format!(
            "its output is not a .{} file of {most} numbers: {why}",
            format.ending()
        )
    })
}

/// What stands in a file's place, if it is none.
fn no_file(about: &fs::Metadata) -> Option<&'static str> {
    if about.is_file() {
        return None;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = about.file_type();
        if kind.is_fifo() {
            return Some("a pipe");
        }
        if kind.is_socket() {
            return Some("a socket");
        }
        if kind.is_char_device() || kind.is_block_device() {
            return Some("a device");
        }
    }
    Some(if about.is_dir() {
        "a folder"
    } else {
        "something that is not a file"
    })
}

/// Opens a file without waiting for whoever may write to it.
fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::NONBLOCK;
        options.custom_flags(flags.bits().cast_signed());
    }
    options.open(path)
}

fn from_npy(bytes: &[u8], shape: &[usize]) -> Result<Vec<f64>, String> {
    let file = NpyFile::new(bytes).map_err(|e| e.to_string())?;
    let declared = file
        .shape()
        .iter()
        .try_fold(1_u64, |n, k| n.checked_mul(*k));
    if declared.is_none_or(|n| n > bytes.len() as u64) {
        return Err(format!(
            "it declares an array of {:?}, more than its {} bytes can hold",
            file.shape(),
            bytes.len()
        ));
    }
    let found: Vec<usize> = file.shape().iter().map(|n| *n as usize).collect();
    numbers::expect_rows(&found, shape)?;
    if file.order() == npyz::Order::Fortran && file.shape().len() > 1 {
        return Err("it is stored by columns; write numpy.ascontiguousarray(y)".to_owned());
    }
    let kind = file.dtype();
    let code = match &kind {
        DType::Plain(plain) => plain.to_string(),
        _ => String::new(),
    };
    let code: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    match code.as_str() {
        "f8" => file.into_vec::<f64>(),
        "f4" => file
            .into_vec::<f32>()
            .map(|v| v.into_iter().map(f64::from).collect()),
        "i8" => file
            .into_vec::<i64>()
            .map(|v| v.into_iter().map(|v| v as f64).collect()),
        "i4" => file
            .into_vec::<i32>()
            .map(|v| v.into_iter().map(f64::from).collect()),
        _ => {
            let found = kind.descr();
            return Err(format!(
                "its values are {found}; write numpy.asarray(y, dtype=float)"
            ));
        }
    }
    .map_err(|e| e.to_string())
}

/// The array `y` of an archive, or its only one.
fn member(bytes: &[u8], limit: u64) -> Result<Vec<u8>, String> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| e.to_string())?;
    let names: Vec<String> = archive
        .file_names()
        .map(|name| name.map(|name| name.into_owned()))
        .collect::<Result<_, _>>()
        .map_err(|e| e.to_string())?;
    let index = match names.iter().position(|name| name == "y.npy") {
        Some(index) => index,
        None if names.len() == 1 => 0,
        None => {
            return Err(format!(
                "it contains no array 'y', but {}",
                names.join(", ")
            ));
        }
    };
    let entry = archive.by_index(index).map_err(|e| e.to_string())?;
    let mut content = Vec::new();
    entry
        .take(limit)
        .read_to_end(&mut content)
        .map_err(|e| e.to_string())?;
    Ok(content)
}

fn from_json(bytes: &[u8], shape: &[usize]) -> Result<Vec<f64>, String> {
    let mut value =
        numbers::parse(bytes).map_err(|e| format!("{e}; write a list such as [1.0, 2.5]"))?;
    if let Some(y) = value.get_mut("y") {
        value = y.take();
    }
    numbers::array(&value, shape)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_they_went() {
        let folder = tempfile::tempdir().unwrap();
        let x = [1.0, -2.5e-300, 0.1 + 0.2];
        for format in [Format::Npy, Format::Npz, Format::Json] {
            let path = folder.path().join(format.ending());
            write(&path, format, &x).unwrap();
            assert_eq!(read(&path, format, &[3]).unwrap(), x, "{format:?}");
            // Half a file is no file.
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
            let message = read(&path, format, &[3]).unwrap_err();
            assert!(message.contains("is not a ."), "{message}");
        }
    }

    #[test]
    fn y_may_have_its_name_and_values_that_are_nan() {
        let rows = from_json(b"{\"y\": [[1, 2], [3, NaN]]}", &[4]).unwrap();
        assert_eq!(rows[..3], [1.0, 2.0, 3.0]);
        assert!(rows[3].is_nan());
        let message = from_json(b"nonsense", &[2]).unwrap_err();
        assert!(message.contains("write a list such as"), "{message}");
    }

    #[test]
    fn what_an_array_declares_must_be_there() {
        let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807,), }";
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        // The header and its line's end fill up a multiple of 64 bytes.
        bytes.extend(118_u16.to_le_bytes());
        bytes.extend(format!("{header:117}\n").as_bytes());
        bytes.extend(1.0_f64.to_le_bytes());
        let message = from_npy(&bytes, &[3]).unwrap_err();
        assert!(message.contains("more than its"), "{message}");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_not_waited_for() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let (pipe, link, whole) = (
            folder.path().join("p"),
            folder.path().join("l"),
            folder.path().join("w"),
        );
        let made = std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap();
        assert!(made.success());
        let refused = |path: &Path| read(path, Format::Json, &[2]).unwrap_err();
        assert!(refused(&pipe).contains("it left a pipe at {output}"));
        symlink(&pipe, &link).unwrap();
        assert!(refused(&link).contains("a pipe"));
        assert!(refused(folder.path()).contains("a folder"));
        assert!(refused(Path::new("/dev/zero")).contains("a device"));
        // A link to a file is as good as the file.
        fs::write(&whole, "[1, 2]").unwrap();
        fs::remove_file(&link).unwrap();
        symlink(&whole, &link).unwrap();
        assert_eq!(read(&link, Format::Json, &[2]).unwrap(), [1.0, 2.0]);
        fs::remove_file(&whole).unwrap();
        assert!(refused(&link).contains("wrote no file"));
    }
}
