use std::io::Cursor;
use std::path::Path;

use png::{BitDepth, ColorType, Decoder, Encoder, Transformations};

use super::Array;
use crate::failure::{Failure, Outcome};

/// Bits of each value of a picture that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// 8 bits: for looking at.
    Eight,
    /// 16 bits: for computing on.
    Sixteen,
}

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
    let size = reader
        .output_buffer_size()
        .ok_or_else(|| Failure::unreadable(path, "the picture is too large"))?;
    let mut buffer = vec![0; size];
    let info = reader.next_frame(&mut buffer).map_err(unreadable)?;
    let samples: Vec<f64> = match info.bit_depth {
        BitDepth::Sixteen => buffer[..info.buffer_size()]
            .chunks_exact(2)
            .map(|b| f64::from(u16::from_be_bytes([b[0], b[1]])) / 65535.0)
            .collect(),
        _ => buffer[..info.buffer_size()]
            .iter()
            .map(|b| f64::from(*b) / 255.0)
            .collect(),
    };
    let (height, width) = (info.height as usize, info.width as usize);
    let (stride, channels) = match info.color_type {
        ColorType::Grayscale => (1, 1),
        ColorType::GrayscaleAlpha => (2, 1),
        ColorType::Rgba => (4, 3),
        ColorType::Rgb | ColorType::Indexed => (3, 3),
    };
    let mut values = Vec::with_capacity(channels * height * width);
    for channel in 0..channels {
        values.extend(samples.iter().skip(channel).step_by(stride));
    }
    Ok(if channels == 3 {
        Array {
            shape: vec![3, height, width],
            values,
            colour: true,
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
}
