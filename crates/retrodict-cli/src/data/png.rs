//! Pictures as `.png`.

use std::io::Cursor;
use std::path::Path;

use png::{BitDepth, ColorType, Decoder, Encoder, Transformations};

use super::{Array, bounded};
use crate::failure::{Failure, Outcome};

/// Bits of each value of a picture that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// 8 bits: for looking at.
    Eight,
    /// 16 bits: for computing on.
    Sixteen,
}

/// How much longer than a compressed file its content can be: deflate's best is 1032.
const INFLATION: u128 = 1032;

/// A picture as fields in [0, 1]: (height, width), or (3, height, width) for colour. An alpha
/// channel is left out.
pub fn read(path: &Path, bytes: &[u8]) -> Outcome<Array> {
    if bytes.is_empty() {
        return Err(Failure::unreadable(
            path,
            "the file is empty (0 bytes), not a PNG",
        ));
    }
    let unreadable = |e: png::DecodingError| Failure::unreadable(path, e);
    let mut decoder = Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(unreadable)?;
    let about = reader.info();
    let claimed = [about.height as usize, about.width as usize];
    let raw = u128::from(about.height) * about.raw_row_length() as u128;
    if raw > INFLATION * bytes.len() as u128 {
        return Err(Failure::unreadable(
            path,
            format!(
                "its header claims {} × {} pixels, more than its {} bytes can hold",
                claimed[0],
                claimed[1],
                bytes.len()
            ),
        ));
    }
    bounded::count(&[4, claimed[0], claimed[1]]).map_err(|e| Failure::unreadable(path, e))?;
    let size = reader
        .output_buffer_size()
        .ok_or_else(|| Failure::unreadable(path, "the picture is too large"))?;
    let mut buffer = vec![0; size];
    let info = reader.next_frame(&mut buffer).map_err(unreadable)?;
    let (height, width) = (info.height as usize, info.width as usize);
    let (stride, channels) = match info.color_type {
        ColorType::Grayscale => (1, 1),
        ColorType::GrayscaleAlpha => (2, 1),
        ColorType::Rgba => (4, 3),
        ColorType::Rgb | ColorType::Indexed => (3, 3),
    };
    let mut values = Vec::with_capacity(channels * height * width);
    let buffer = &buffer[..info.buffer_size()];
    for channel in 0..channels {
        match info.bit_depth {
            BitDepth::Sixteen => {
                let samples = buffer.chunks_exact(2).skip(channel).step_by(stride);
                let sample = |b: &[u8]| f64::from(u16::from_be_bytes([b[0], b[1]])) / 65535.0;
                values.extend(samples.map(sample));
            }
            _ => {
                let samples = buffer.iter().skip(channel).step_by(stride);
                values.extend(samples.map(|b| f64::from(*b) / 255.0));
            }
        }
    }
    Ok(if channels == 3 {
        Array {
            shape: vec![3, height, width],
            colour: true,
            ..Array::new(Vec::new(), values)
        }
    } else {
        Array::new(vec![height, width], values)
    })
}

/// A picture from fields, and how many values had to be clipped to [0, 1].
pub fn bytes(path: &Path, array: &Array, depth: Depth) -> Outcome<(Vec<u8>, usize)> {
    let (channels, height, width) = match array.shape.as_slice() {
        [height, width] => (1, *height, *width),
        [3, height, width] => (3, *height, *width),
        shape => {
            return Err(Failure::Misuse(format!(
                "cannot write {}: a picture has the shape [height, width] or [3, height, width], \
                 the array has {shape:?}; write .npy instead",
                path.display()
            )));
        }
    };
    let mut clipped = 0;
    let mut data = Vec::new();
    for pixel in 0..height * width {
        for channel in 0..channels {
            let value = array.values[channel * height * width + pixel];
            // A hair beyond the ends is rounding, not clipping.
            clipped += usize::from(!(-1e-9..=1.0 + 1e-9).contains(&value));
            let value = value.clamp(0.0, 1.0);
            match depth {
                Depth::Eight => data.push((value * 255.0).round() as u8),
                Depth::Sixteen => {
                    data.extend(((value * 65535.0).round() as u16).to_be_bytes());
                }
            }
        }
    }
    let broken = |e: png::EncodingError| Failure::Broken(format!("cannot encode a PNG: {e}"));
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, width as u32, height as u32);
    encoder.set_color(if channels == 3 {
        ColorType::Rgb
    } else {
        ColorType::Grayscale
    });
    encoder.set_depth(match depth {
        Depth::Eight => BitDepth::Eight,
        Depth::Sixteen => BitDepth::Sixteen,
    });
    let mut writer = encoder.write_header().map_err(broken)?;
    writer.write_image_data(&data).map_err(broken)?;
    writer.finish().map_err(broken)?;
    Ok((out, clipped))
}

/// What is to be said of a picture that was written.
pub fn remarks(path: &Path, array: &Array, depth: Depth, clipped: usize) -> Vec<String> {
    let mut remarks = Vec::new();
    if clipped > 0 {
        remarks.push(format!(
            "{clipped} values were outside [0, 1] and were clipped; write .npy or .tif to keep them"
        ));
    }
    if depth == Depth::Sixteen && array.shape.len() == 3 {
        remarks.push(format!(
            "{} has 16 bits for each colour: Pillow and what builds on it read 8 of them; write .npy or .tif for those",
            path.display()
        ));
    }
    remarks
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_back_as_fields() {
        let path = Path::new("a.png");
        let values: Vec<f64> = (0..3 * 4 * 5).map(|i| f64::from(i) / 59.0).collect();
        for shape in [vec![3, 4, 5], vec![12, 5]] {
            let array = Array {
                colour: shape.len() == 3,
                ..Array::new(shape, values.clone())
            };
            for (depth, error) in [(Depth::Eight, 2e-3), (Depth::Sixteen, 8e-6)] {
                let (bytes, clipped) = bytes(path, &array, depth).unwrap();
                let back = read(path, &bytes).unwrap();
                assert_eq!((back.shape, clipped), (array.shape.clone(), 0));
                assert_eq!(back.colour, array.colour);
                assert!(
                    back.values
                        .iter()
                        .zip(&values)
                        .all(|(a, b)| (a - b).abs() < error)
                );
            }
        }
        let beyond = Array::new(vec![1, 2], vec![-0.5, 2.0]);
        assert_eq!(bytes(path, &beyond, Depth::Eight).unwrap().1, 2);
        assert!(read(path, b"").unwrap_err().to_string().contains("0 bytes"));
        assert!(read(path, b"no picture").is_err());
    }

    #[test]
    fn a_header_is_believed_only_as_far_as_the_file_goes() {
        let path = Path::new("huge.png");
        let array = Array::new(vec![4, 4], vec![0.5; 16]);
        let (small, _) = bytes(path, &array, Depth::Eight).unwrap();
        for (height, width) in [(1 << 20, 1 << 20), (1 << 30, 8), (20_000, 20_000)] {
            let mut claims = small.clone();
            claims[16..20].copy_from_slice(&u32::to_be_bytes(width));
            claims[20..24].copy_from_slice(&u32::to_be_bytes(height));
            let mut crc = flate2::Crc::new();
            crc.update(&claims[12..29]);
            claims[29..33].copy_from_slice(&crc.sum().to_be_bytes());
            let message = read(path, &claims).unwrap_err().to_string();
            assert!(
                message.contains("huge.png") && message.contains("can hold"),
                "{message}"
            );
        }
    }
}
