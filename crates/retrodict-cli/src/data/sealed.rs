//! Files that notice damage: magic, checksum, content.

use std::path::Path;

use flate2::Crc;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::data::bounded;
use crate::data::durable::replace;
use crate::failure::{Failure, Outcome};

/// Writes a value, whole or not at all.
pub fn write(path: &Path, magic: &[u8; 8], value: &impl Serialize) -> Outcome<()> {
    let content = rmp_serde::to_vec(value)
        .map_err(|e| Failure::Broken(format!("cannot encode a checkpoint: {e}")))?;
    let mut bytes = magic.to_vec();
    bytes.extend(checksum(&content).to_le_bytes());
    bytes.extend(content);
    replace(path, &bytes)
}

/// Reads it again; `then` says what happens if a damaged file is deleted.
pub fn read<T: DeserializeOwned>(path: &Path, magic: &[u8; 8], then: &str) -> Outcome<T> {
    open(path, &bounded::bytes(path, bounded::DATA)?, magic, then)
}

/// As [`read`], from the bytes of the file.
pub fn open<T: DeserializeOwned>(
    path: &Path,
    bytes: &[u8],
    magic: &[u8; 8],
    then: &str,
) -> Outcome<T> {
    let damaged =
        |why: &str| Failure::unreadable(path, format!("{why}; delete the file, and {then}"));
    let content = bytes
        .strip_prefix(magic)
        .ok_or_else(|| damaged("it is not a checkpoint of this version"))?;
    let (sum, content) = content
        .split_first_chunk::<4>()
        .ok_or_else(|| damaged("it is truncated"))?;
    if u32::from_le_bytes(*sum) != checksum(content) {
        return Err(damaged("it is damaged: the checksum does not match"));
    }
    rmp_serde::from_slice(content).map_err(|e| damaged(&format!("it cannot be read ({e})")))
}

/// The CRC-32 of bytes.
pub fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}
