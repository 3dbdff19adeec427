//! Event files for TensorBoard: records with checksums around events in protocol buffers, written by hand, since they hold
//! little.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use retrodict::training::Epoch;

use super::file_name;
use crate::failure::{Failure, Outcome};

/// An event file that grows with each epoch.
pub struct EventFile {
    file: File,
    path: std::path::PathBuf,
    /// When the training would have begun, had it run in one go.
    begun: f64,
}

impl EventFile {
    /// The file of a method with a seed, anew, with the epochs that are done.
    pub fn create(folder: &Path, method: &str, seed: u64, epochs: &[Epoch]) -> Outcome<Self> {
        let own = folder
            .join("tensorboard")
            .join(format!("{}-{seed}", file_name(method)));
        let path = own.join("events.out.tfevents.0.retrodict");
        let unwritable = |error| Failure::unwritable(&path, error);
        fs::create_dir_all(&own).map_err(unwritable)?;
        let file = File::create(&path).map_err(unwritable)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0.0, |time| time.as_secs_f64());
        let mut events = Self {
            file,
            begun: now - epochs.last().map_or(0.0, |epoch| epoch.seconds),
            path,
        };
        let mut version = double(1, events.begun);
        version.extend(bytes(3, b"brain.Event:2"));
        events.put(&version)?;
        for epoch in epochs {
            events.add(epoch)?;
        }
        Ok(events)
    }

    /// Adds an epoch: a curve for each of its numbers.
    pub fn add(&mut self, epoch: &Epoch) -> Outcome<()> {
        let mut event = double(1, self.begun + epoch.seconds);
        event.extend(number(2, epoch.step));
        event.extend(bytes(5, &summary(epoch)));
        self.put(&event)
    }

    fn put(&mut self, event: &[u8]) -> Outcome<()> {
        let written = self.file.write_all(&record(event));
        written.map_err(|error| Failure::unwritable(&self.path, error))
    }
}

/// What is drawn of an epoch; what is not a number is left out.
fn summary(epoch: &Epoch) -> Vec<u8> {
    let scalars = [
        ("loss/steps", Some(epoch.running_loss)),
        ("loss/train", epoch.train.map(|s| s.loss)),
        ("loss/test", epoch.test.map(|s| s.loss)),
        (
            "error/x_half_square",
            epoch.test.and_then(|s| s.x_half_square),
        ),
        ("error/x_distance", epoch.test.and_then(|s| s.x_distance)),
        ("steps/rollbacks", Some(epoch.rollbacks as f64)),
    ];
    let mut summary = Vec::new();
    for (tag, value) in scalars {
        if let Some(value) = value.filter(|v| !v.is_nan()) {
            let mut one = bytes(1, tag.as_bytes());
            one.extend(float(2, value as f32));
            summary.extend(bytes(1, &one));
        }
    }
    summary
}

/// A record: length, its checksum, data, their checksum.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = length.to_vec();
    record.extend(masked(&length).to_le_bytes());
    record.extend(data);
    record.extend(masked(data).to_le_bytes());
    record
}

/// A checksum that may stand beside others: rotated, and moved by a constant.
fn masked(data: &[u8]) -> u32 {
    crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli), bit by bit: a few hundred bytes an epoch.
fn crc32c(data: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let carry = crc & 1;
            crc >>= 1;
            if carry == 1 {
                crc ^= 0x82f6_3b78;
            }
        }
    }
    !crc
}

// The four kinds of fields of protocol buffers that events need: key, then value.

fn key(field: u8, kind: u8) -> u8 {
    field << 3 | kind
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

fn number(field: u8, value: u64) -> Vec<u8> {
    let mut out = vec![key(field, 0)];
    out.extend(varint(value));
    out
}

fn double(field: u8, value: f64) -> Vec<u8> {
    let mut out = vec![key(field, 1)];
    out.extend(value.to_le_bytes());
    out
}

fn bytes(field: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![key(field, 2)];
    out.extend(varint(value.len() as u64));
    out.extend(value);
    out
}

fn float(field: u8, value: f32) -> Vec<u8> {
    let mut out = vec![key(field, 5)];
    out.extend(value.to_le_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3720, appendix B.4.
    #[test]
    fn checksums_are_those_of_the_standard() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        let rising: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(&rising), 0x46dd_794e);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    /// The first twelve bytes of every event file of TensorFlow: an event of 24 bytes, and the masked checksum of that.
    #[test]
    fn a_record_begins_as_those_of_tensorflow() {
        let mut version = double(1, 1.5e9);
        version.extend(bytes(3, b"brain.Event:2"));
        let record = record(&version);
        let start = [0x18, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22];
        assert_eq!(record[..12], start);
        assert_eq!(record.len(), 8 + 4 + 24 + 4);
    }

    #[test]
    fn fields_are_encoded_as_protocol_buffers_say() {
        // The examples of the encoding guide: 150, and "testing".
        assert_eq!(number(1, 150), [0x08, 0x96, 0x01]);
        assert_eq!(bytes(2, b"testing"), *b"\x12\x07testing");
        assert_eq!(float(2, 1.0), [0x15, 0, 0, 0x80, 0x3f]);
    }
}
