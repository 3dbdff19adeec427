//! Arrays as `.npy` and `.npz`.

use std::io::{BufReader, Cursor, Read, Write};
use std::path::Path;

use npyz::{DType, Deserialize, NpyFile, WriterBuilder};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::{Array, bounded};
use crate::failure::{Failure, Outcome};

/// The longest header that is read, as in NumPy.
const HEADER: usize = 10_000;

/// How deep brackets may lie in each other in a header: the time that its parser takes doubles with each.
const DEPTH: usize = 6;

/// How much longer than a compressed file its content can be: deflate's best is 1032.
const INFLATION: u64 = 1032;

/// An array from the bytes of a .npy file.
pub fn read(path: &Path, bytes: &[u8]) -> Outcome<Array> {
    parse(bytes, bytes.len() as u64).map_err(|e| Failure::unreadable(path, e))
}

/// Reads an array from a source that can give no more than `most` bytes: nothing is allocated that a header claims
/// and the source cannot hold.
fn parse(mut source: impl Read, most: u64) -> Result<Array, String> {
    let head = header(&mut source)?;
    let most = most.saturating_sub(head.len() as u64);
    let mut content = Cursor::new(head).chain(source);
    let file = NpyFile::new(&mut content).map_err(|e| e.to_string())?;
    let shape = file.shape().iter();
    let shape: Vec<usize> = shape
        .map(|n| usize::try_from(*n).unwrap_or(usize::MAX))
        .collect();
    let order = file.order();
    let kind = file.dtype();
    let DType::Plain(plain) = &kind else {
        return Err(format!("values of type {} are not numbers", kind.descr()));
    };
    let found = plain.to_string();
    let name = found
        .trim_start_matches(['<', '>', '|', '=', '\''])
        .trim_end_matches('\'');
    let count = bounded::count(&shape)?;
    let expect = |width: usize| match count as u64 * width as u64 > most {
        false => Ok(count),
        true => Err(format!(
            "its header claims the shape {shape:?}, {} bytes, but at most {most} follow",
            count * width
        )),
    };
    let values: Vec<f64> = match name {
        "f8" => numbers::<f64, _>(file, expect(8)?, |v| v)?,
        "f4" => numbers::<f32, _>(file, expect(4)?, f64::from)?,
        "i8" => numbers::<i64, _>(file, expect(8)?, |v| v as f64)?,
        "u8" => numbers::<u64, _>(file, expect(8)?, |v| v as f64)?,
        "i4" => numbers::<i32, _>(file, expect(4)?, f64::from)?,
        "u4" => numbers::<u32, _>(file, expect(4)?, f64::from)?,
        "i2" => numbers::<i16, _>(file, expect(2)?, f64::from)?,
        "u2" => numbers::<u16, _>(file, expect(2)?, f64::from)?,
        "i1" => numbers::<i8, _>(file, expect(1)?, f64::from)?,
        "u1" => numbers::<u8, _>(file, expect(1)?, f64::from)?,
        other => {
            return Err(format!(
                "values of type {other} are not supported; convert the array to float64"
            ));
        }
    };
    match content.read(&mut [0]) {
        Ok(0) => {}
        Ok(_) => {
            return Err(format!(
                "more follows than the {count} values of its shape {shape:?}"
            ));
        }
        Err(e) => return Err(e.to_string()),
    }
    let values = match order {
        npyz::Order::C => values,
        npyz::Order::Fortran => from_column_major(&shape, &values),
    };
    Ok(Array::new(shape, values))
}

/// Everything before the values, checked before any of it is understood.
fn header(source: &mut impl Read) -> Result<Vec<u8>, String> {
    let mut take = |head: &mut Vec<u8>, n: usize| {
        let from = head.len();
        head.resize(from + n, 0);
        source
            .read_exact(&mut head[from..])
            .map_err(|_| "it ends within its header".to_owned())
    };
    let mut head = Vec::new();
    take(&mut head, 8)?;
    if !head.starts_with(b"\x93NUMPY") {
        return Err("it is not a .npy array".to_owned());
    }
    let field = match head[6] {
        1 => 2,
        2 | 3 => 4,
        version => return Err(format!("version {version} of .npy is not supported")),
    };
    take(&mut head, field)?;
    let length = head[8..].iter().rev();
    let length = length.fold(0, |sum: usize, byte| (sum << 8) + usize::from(*byte));
    if length > HEADER {
        return Err(format!(
            "its header claims {length} bytes; the limit is {HEADER}"
        ));
    }
    let from = head.len();
    take(&mut head, length)?;
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in &head[from..] {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    if deepest > DEPTH {
        return Err(format!(
            "its header has brackets {deepest} deep; the limit is {DEPTH}"
        ));
    }
    // A product of lengths that overflows is found here: the crate that reads the header multiplies them unchecked.
    bounded::count(&declared(&head[from..]))?;
    Ok(head)
}

/// The lengths that a header declares as its shape, as far as they are numbers.
fn declared(header: &[u8]) -> Vec<usize> {
    let text = String::from_utf8_lossy(header);
    let shape = text.split_once("'shape'").map_or("", |(_, rest)| rest);
    let shape = shape.split_once('(').map_or("", |(_, rest)| rest);
    let lengths = shape.split(')').next().unwrap_or_default().split(',');
    lengths.filter_map(|n| n.trim().parse().ok()).collect()
}

/// The values, which the source is known to have room for.
fn numbers<T: Deserialize, R: Read>(
    file: NpyFile<R>,
    count: usize,
    number: fn(T) -> f64,
) -> Result<Vec<f64>, String> {
    let read = file.data::<T>().map_err(|e| e.to_string())?;
    let mut values = Vec::with_capacity(count);
    for value in read {
        values.push(number(value.map_err(|e| e.to_string())?));
    }
    Ok(values)
}

fn from_column_major(shape: &[usize], values: &[f64]) -> Vec<f64> {
    if values.is_empty() {
        return Vec::new();
    }
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

/// One array of a .npz archive: the named one, or the only one. No other is inflated.
pub fn read_member(path: &Path, bytes: &[u8], member: Option<&str>) -> Outcome<Array> {
    let mut archive = Archive::open(path, bytes)?;
    let found = match member {
        Some(member) => archive.names.iter().position(|name| name == member),
        None if archive.names.len() == 1 => Some(0),
        None => None,
    };
    match found {
        Some(i) => archive.array(i),
        None => Err(Failure::unreadable(
            path,
            format!(
                "name one of its arrays, as {}:NAME; it holds: {}",
                path.display(),
                archive.names.join(", ")
            ),
        )),
    }
}

/// All arrays of a .npz archive, by name.
pub fn read_archive(path: &Path, bytes: &[u8]) -> Outcome<Vec<(String, Array)>> {
    let mut archive = Archive::open(path, bytes)?;
    let mut arrays = Vec::new();
    let mut room = bounded::VALUES;
    for i in 0..archive.names.len() {
        let array = archive.array(i)?;
        room = room.checked_sub(array.values.len()).ok_or_else(|| {
            Failure::unreadable(
                path,
                format!(
                    "its arrays have more than {} values (1 GiB) together",
                    bounded::VALUES
                ),
            )
        })?;
        arrays.push((archive.names[i].clone(), array));
    }
    Ok(arrays)
}

/// A .npz archive, of which nothing is inflated yet.
struct Archive<'a> {
    path: &'a Path,
    zip: ZipArchive<Cursor<&'a [u8]>>,
    size: u64,
    names: Vec<String>,
}

impl<'a> Archive<'a> {
    fn open(path: &'a Path, bytes: &'a [u8]) -> Outcome<Self> {
        let unreadable = |e: String| Failure::unreadable(path, e);
        let mut zip = ZipArchive::new(Cursor::new(bytes))
            .map_err(|e| unreadable(format!("it is not a complete .npz archive ({e})")))?;
        let mut names: Vec<String> = Vec::new();
        for i in 0..zip.len() {
            let entry = zip.by_index_raw(i).map_err(|e| unreadable(e.to_string()))?;
            let name = entry.name().map_err(|e| unreadable(e.to_string()))?;
            names.push(name.strip_suffix(".npy").unwrap_or(&name).to_owned());
        }
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort_unstable();
        if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(unreadable(format!("it contains '{}' twice", twice[0])));
        }
        // Entries of the same file name hide each other.
        if listed(bytes).is_some_and(|listed| listed != zip.len() & 0xffff) {
            return Err(unreadable(
                "it contains two arrays of the same name".to_owned(),
            ));
        }
        Ok(Self {
            path,
            zip,
            size: bytes.len() as u64,
            names,
        })
    }

    fn array(&mut self, i: usize) -> Outcome<Array> {
        let (path, name) = (self.path, &self.names[i]);
        let unreadable = |e: String| Failure::unreadable(path, format!("array '{name}': {e}"));
        let entry = self
            .zip
            .by_index(i)
            .map_err(|e| unreadable(e.to_string()))?;
        // What an entry says of its own size may be a lie; how far its bytes can be inflated is not.
        let most = entry.size().min(INFLATION * self.size + 1024);
        parse(BufReader::new(entry), most).map_err(unreadable)
    }
}

/// How many entries an archive says that it has, modulo 2¹⁶: the end of its directory tells.
fn listed(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).rposition(|w| w == b"PK\x05\x06")?;
    let count = bytes.get(end + 10..end + 12)?;
    let count = usize::from(u16::from_le_bytes([count[0], count[1]]));
    // Then the number stands elsewhere.
    (count != 0xffff).then_some(count)
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

    /// A .npy file with any header before the bytes of its values.
    fn raw(header: &str, values: &[u8]) -> Vec<u8> {
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.as_bytes());
        file.extend(values);
        file
    }

    fn describe(shape: &str) -> String {
        format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}")
    }

    /// An archive of one entry with any content.
    fn zipped(names: &[&str], content: &[u8]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        for name in names {
            zip.start_file(*name, options).unwrap();
            zip.write_all(content).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn a_header_is_believed_only_as_far_as_the_file_goes() {
        let path = Path::new("a.npy");
        for (shape, part) in [
            (
                "(3,)",
                "claims the shape [3], 24 bytes, but at most 16 follow",
            ),
            ("(1,)", "more follows than the 1 values"),
            ("(100000000,)", "claims the shape [100000000]"),
            (
                "(4294967296, 4294967296)",
                "has more than the 134217728 values",
            ),
            ("(18446744073709551615,)", "has more than"),
            ("(99999999999999999999999999,)", ""),
            ("(-1,)", ""),
        ] {
            let file = raw(&describe(shape), &[0; 16]);
            let message = read(path, &file).unwrap_err().to_string();
            assert!(
                message.contains(part) && message.contains("a.npy"),
                "{message}"
            );
            let message = read_member(Path::new("a.npz"), &zipped(&["x.npy"], &file), None);
            assert!(message.unwrap_err().to_string().contains("array 'x'"));
        }
        let deep = format!("{}1{}", "(".repeat(4000), ")".repeat(4000));
        let message = read(path, &raw(&describe(&deep), &[]))
            .unwrap_err()
            .to_string();
        assert!(message.contains("brackets 4001 deep"), "{message}");
        let mut long = b"\x93NUMPY\x02\x00".to_vec();
        long.extend(u32::MAX.to_le_bytes());
        let message = read(path, &long).unwrap_err().to_string();
        assert!(message.contains("claims 4294967295 bytes"), "{message}");
        let empty = read(path, &raw(&describe("(0, 3)"), &[])).unwrap();
        assert_eq!((empty.shape.len(), empty.values.len()), (2, 0));
    }

    #[test]
    fn an_archive_inflates_to_what_its_shapes_say_and_no_further() {
        let path = Path::new("bomb.npz");
        // 64 MiB of zeros behind a shape of four values: noticed at the fifth.
        let bomb = zipped(&["x.npy"], &raw(&describe("(2, 2)"), &vec![0; 64 << 20]));
        assert!(bomb.len() < 100_000);
        let message = read_member(path, &bomb, None).unwrap_err().to_string();
        assert!(
            message.contains("bomb.npz") && message.contains("more follows than the 4 values"),
            "{message}"
        );
        let good = raw(&describe("(2,)"), &[0; 16]);
        let twice = zipped(&["x", "x.npy"], &good);
        let message = read_archive(path, &twice).unwrap_err().to_string();
        assert!(message.contains("contains 'x' twice"), "{message}");
        // The same file name twice: what a directory hides.
        let mut twice = zipped(&["x.npy", "y.npy"], &good);
        while let Some(at) = twice.windows(5).position(|w| w == b"y.npy") {
            twice[at] = b'x';
        }
        let message = read_archive(path, &twice).unwrap_err().to_string();
        assert!(message.contains("of the same name"), "{message}");
    }
}
