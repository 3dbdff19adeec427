//! Bytes and text of files, no more of them than there is room for.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::failure::{Failure, Outcome};

/// The most values that an array of a file may have: 1 GiB of them.
pub const VALUES: usize = 1 << 27;

/// The most bytes of a file of data.
pub const DATA: u64 = 4 << 30;

/// The most bytes of a file that describes what is to be done.
pub const DESCRIPTION: u64 = 16 << 20;

/// What a file holds, unless that is more than `limit` bytes.
pub fn bytes(path: &Path, limit: u64) -> Outcome<Vec<u8>> {
    let unreadable = |e: std::io::Error| Failure::unreadable(path, e);
    let file = File::open(path).map_err(unreadable)?;
    let about = file.metadata().map_err(unreadable)?;
    if !about.is_file() {
        return Err(Failure::unreadable(
            path,
            "it is not a regular file but a folder, a pipe or a device; name a file",
        ));
    }
    if about.len() > limit {
        return Err(too_large(path, about.len(), limit));
    }
    let mut bytes = Vec::new();
    // One byte more, so that a file that grows meanwhile is noticed.
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(path, bytes.len() as u64, limit));
    }
    Ok(bytes)
}

/// The text of a file that describes what is to be done.
pub fn text(path: &Path) -> Outcome<String> {
    String::from_utf8(bytes(path, DESCRIPTION)?)
        .map_err(|e| Failure::unreadable(path, format!("it is not UTF-8 ({e})")))
}

fn too_large(path: &Path, found: u64, limit: u64) -> Failure {
    Failure::unreadable(path, format!("it has {found} bytes; the limit is {limit}"))
}

/// Refuses an array whose shape claims more values than may be.
pub fn count(shape: &[usize]) -> Result<usize, String> {
    shape
        .iter()
        .try_fold(1_usize, |product, n| product.checked_mul(*n))
        .filter(|count| *count <= VALUES)
        .ok_or_else(|| {
            format!("its shape {shape:?} has more than the {VALUES} values (1 GiB) that an array may have")
        })
}
