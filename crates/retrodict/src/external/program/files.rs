//! Numbers in files, as programs of any language read and write them.

use std::fs::{self, File};
use std::io::{self, Cursor, ErrorKind, Read, Write};
use std::path::Path;

use npyz::{DType, NpyFile, WriterBuilder};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// What a file may hold beside its numbers.
const OVERHEAD: u64 = 64 * 1024;

/// No number takes more bytes in JSON, blanks included.
const BYTES_PER_VALUE: u64 = 64;

/// How a file holds numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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

/// Reads about `most` numbers in row order; NaN is passed on.
pub(super) fn read(path: &Path, format: Format, most: usize) -> Result<Vec<f64>, String> {
    let limit = OVERHEAD + BYTES_PER_VALUE * most as u64;
    let found = File::open(path).and_then(|file| {
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    });
    let bytes = found.map_err(|e| match e.kind() {
        ErrorKind::NotFound => format!(
            "it ended well but wrote no file at {{output}}: write the {most} values there, as .{}",
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
        Format::Npy => from_npy(&bytes),
        Format::Npz => member(&bytes, limit).and_then(|bytes| from_npy(&bytes)),
        Format::Json => from_json(&bytes),
    };
    numbers.map_err(|why| {
        format!(
            "its output is no .{} file of {most} numbers: {why}",
            format.ending()
        )
    })
}

fn from_npy(bytes: &[u8]) -> Result<Vec<f64>, String> {
    let file = NpyFile::new(bytes).map_err(|e| e.to_string())?;
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
        None => return Err(format!("it holds no array 'y', but {}", names.join(", "))),
    };
    let entry = archive.by_index(index).map_err(|e| e.to_string())?;
    let mut content = Vec::new();
    entry
        .take(limit)
        .read_to_end(&mut content)
        .map_err(|e| e.to_string())?;
    Ok(content)
}

fn from_json(bytes: &[u8]) -> Result<Vec<f64>, String> {
    let mut value: Value = serde_json::from_slice(bytes)
        .map_err(|e| format!("{e}; write a list such as [1.0, 2.5], and no NaN"))?;
    if let Some(y) = value.get_mut("y") {
        value = y.take();
    }
    let mut numbers = Vec::new();
    flatten(&value, &mut numbers)?;
    Ok(numbers)
}

/// Lists of lists are read in row order.
fn flatten(value: &Value, numbers: &mut Vec<f64>) -> Result<(), String> {
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| flatten(item, numbers)),
        Value::Null => {
            numbers.push(f64::NAN);
            Ok(())
        }
        other => {
            let number = other.as_f64().ok_or_else(|| {
                format!("it holds {other} among the numbers; write a list such as [1.0, 2.5]")
            })?;
            numbers.push(number);
            Ok(())
        }
    }
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
            assert_eq!(read(&path, format, 3).unwrap(), x, "{format:?}");
            // Half a file is no file.
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
            let message = read(&path, format, 3).unwrap_err();
            assert!(message.contains("is no ."), "{message}");
        }
    }

    #[test]
    fn lists_of_lists_are_rows_and_null_is_no_number() {
        let rows = from_json(b"{\"y\": [[1, 2], [3, null]]}").unwrap();
        assert_eq!(rows[..3], [1.0, 2.0, 3.0]);
        assert!(rows[3].is_nan());
        let message = from_json(b"[1, \"two\"]").unwrap_err();
        assert!(message.contains("\"two\" among the numbers"), "{message}");
        assert!(from_json(b"[1, NaN]").unwrap_err().contains("no NaN"));
    }
}
