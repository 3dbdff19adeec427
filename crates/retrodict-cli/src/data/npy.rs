use std::io::{Cursor, Read, Write};
use std::path::Path;

use npyz::{DType, NpyFile, WriterBuilder};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::Array;
use crate::failure::{Failure, Outcome};

/// An array from the bytes of a .npy file.
pub fn read(path: &Path, bytes: &[u8]) -> Outcome<Array> {
    parse(bytes).map_err(|e| Failure::unreadable(path, e))
}

fn parse(bytes: &[u8]) -> Result<Array, String> {
    let file = NpyFile::new(bytes).map_err(|e| e.to_string())?;
    let shape: Vec<usize> = file.shape().iter().map(|n| *n as usize).collect();
    let order = file.order();
    let kind = file.dtype();
    let DType::Plain(plain) = &kind else {
        return Err(format!("values of type {} are not numbers", kind.descr()));
    };
    let found = plain.to_string();
    let values: Vec<f64> = match found
        .trim_start_matches(['<', '>', '|', '=', '\''])
        .trim_end_matches('\'')
    {
        "f8" => file.into_vec::<f64>().map_err(|e| e.to_string())?,
        "f4" => convert(file.into_vec::<f32>())?,
        "i4" => convert(file.into_vec::<i32>())?,
        "u4" => convert(file.into_vec::<u32>())?,
        "i2" => convert(file.into_vec::<i16>())?,
        "u2" => convert(file.into_vec::<u16>())?,
        "i1" => convert(file.into_vec::<i8>())?,
        "u1" => convert(file.into_vec::<u8>())?,
        "i8" => file
            .into_vec::<i64>()
            .map_err(|e| e.to_string())?
            .into_iter()
            .map(|v| v as f64)
            .collect(),
        other => {
            return Err(format!(
                "values of type {other} are not read; convert the array to float64"
            ));
        }
    };
    let values = match order {
        npyz::Order::C => values,
        npyz::Order::Fortran => from_column_major(&shape, &values),
    };
    Ok(Array::new(shape, values))
}

fn convert<T: Into<f64>>(values: std::io::Result<Vec<T>>) -> Result<Vec<f64>, String> {
    let values = values.map_err(|e| e.to_string())?;
    Ok(values.into_iter().map(Into::into).collect())
}

fn from_column_major(shape: &[usize], values: &[f64]) -> Vec<f64> {
    let mut strides = vec![1; shape.len()];
    for axis in 1..shape.len() {
        strides[axis] = strides[axis - 1] * shape[axis - 1];
    }
    (0..values.len())
        .map(|i| {
            let mut rest = i;
            let mut at = 0;
            for axis in (0..shape.len()).rev() {
                at += rest % shape[axis] * strides[axis];
                rest /= shape[axis];
            }
            values[at]
        })
        .collect()
}

/// One array of a .npz archive: the named one, or the only one.
pub fn read_member(path: &Path, bytes: &[u8], member: Option<&str>) -> Outcome<Array> {
    let arrays = read_archive(path, bytes)?;
    let names = || {
        arrays
            .iter()
            .map(|(n, _)| n.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let found = match member {
        Some(member) => arrays.iter().find(|(name, _)| name == member),
        None if arrays.len() == 1 => arrays.first(),
        None => None,
    };
    match found {
        Some((_, array)) => Ok(array.clone()),
        None => Err(Failure::unreadable(
            path,
            format!(
                "name one of its arrays, as {}:NAME; it holds: {}",
                path.display(),
                names()
            ),
        )),
    }
}

/// All arrays of a .npz archive, by name.
pub fn read_archive(path: &Path, bytes: &[u8]) -> Outcome<Vec<(String, Array)>> {
    let unreadable = |e: String| Failure::unreadable(path, e);
    let mut archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|e| unreadable(format!("it is no complete .npz archive ({e})")))?;
    let mut arrays = Vec::new();
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).map_err(|e| unreadable(e.to_string()))?;
        let name = entry.name().map_err(|e| unreadable(e.to_string()))?;
        let name = name.trim_end_matches(".npy").to_owned();
        let mut content = Vec::new();
        entry
            .read_to_end(&mut content)
            .map_err(|e| unreadable(format!("array '{name}' is damaged ({e})")))?;
        let array = parse(&content).map_err(|e| unreadable(format!("array '{name}': {e}")))?;
        arrays.push((name, array));
    }
    Ok(arrays)
}

/// A .npy file.
pub fn bytes(array: &Array) -> Outcome<Vec<u8>> {
    let mut out = Vec::new();
    let shape: Vec<u64> = array.shape.iter().map(|n| *n as u64).collect();
    let written = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&shape)
        .writer(&mut out)
        .begin_nd()
        .and_then(|mut writer| {
            writer.extend(array.values.iter().copied())?;
            writer.finish()
        });
    written.map_err(|e| Failure::Broken(format!("cannot encode an array: {e}")))?;
    Ok(out)
}

/// A .npz archive.
pub fn write_archive(arrays: &[(String, Array)]) -> Outcome<Vec<u8>> {
    let broken = |e: String| Failure::Broken(format!("cannot encode an archive: {e}"));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, array) in arrays {
        zip.start_file(format!("{name}.npy"), options)
            .map_err(|e| broken(e.to_string()))?;
        zip.write_all(&bytes(array)?)
            .map_err(|e| broken(e.to_string()))?;
    }
    let cursor = zip.finish().map_err(|e| broken(e.to_string()))?;
    Ok(cursor.into_inner())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn arrays_come_back_as_they_went() {
        let array = Array::new(vec![2, 3], vec![1.0, -2.5, 3e-300, 4.0, 5.0, 6.0]);
        let path = Path::new("a.npy");
        assert_eq!(read(path, &bytes(&array).unwrap()).unwrap(), array);
        let archive = write_archive(&[("a".into(), array.clone()), ("b".into(), array.clone())]);
        let archive = archive.unwrap();
        assert_eq!(read_member(path, &archive, Some("b")).unwrap(), array);
        let message = read_member(path, &archive, None).unwrap_err().to_string();
        assert!(message.contains("it holds: a, b"), "{message}");
        assert!(read_archive(path, &archive[..archive.len() / 2]).is_err());
        assert_eq!(
            from_column_major(&[2, 3], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]),
            [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
        );
    }
}
