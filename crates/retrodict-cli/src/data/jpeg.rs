//! Pictures as `.jpg`: read, not written, since what JPEG drops is what an inversion needs.

use std::path::Path;

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{Array, bounded};
use crate::failure::{Failure, Outcome};

/// Pixels that a byte can stand for: a block of 64 takes a bit at least, in each of two passes.
const PIXELS: u128 = 1032;

/// A picture as fields in [0, 1]: (height, width), or (3, height, width) for colour.
pub fn read(path: &Path, bytes: &[u8]) -> Outcome<Array> {
    decode(bytes).map_err(|why| Failure::unreadable(path, why))
}

fn decode(bytes: &[u8]) -> Result<Array, String> {
    let why = |e: zune_jpeg::errors::DecodeErrors| format!("it is not a complete JPEG ({e})");
    let most = usize::from(u16::MAX);
    // What is cut off would be filled with grey.
    let options = DecoderOptions::default()
        .set_max_width(most)
        .set_max_height(most)
        .set_strict_mode(true);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(why)?;
    let about = decoder.info().ok_or("it has no header")?;
    let (width, height) = (usize::from(about.width), usize::from(about.height));
    let (channels, wanted) = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => (1, ColorSpace::Luma),
        Some(ColorSpace::YCbCr | ColorSpace::RGB) => (3, ColorSpace::RGB),
        other => {
            let other = other.map_or_else(|| "unknown".to_owned(), |found| format!("{found:?}"));
            return Err(format!("its colours are {other}; save it as grey or RGB"));
        }
    };
    let pixels = width as u128 * height as u128;
    if pixels > PIXELS * bytes.len() as u128 {
        return Err(format!(
            "its header claims {height} × {width} pixels, more than its {} bytes can hold",
            bytes.len()
        ));
    }
    bounded::count(&[4, height, width])?;
    decoder.set_options(options.jpeg_set_out_colorspace(wanted));
    let mut pixels = vec![0; height * width * channels];
    decoder.decode_into(&mut pixels).map_err(why)?;
    let values = (0..channels).flat_map(|channel| pixels.iter().skip(channel).step_by(channels));
    let values: Vec<f64> = values.map(|v| f64::from(*v) / 255.0).collect();
    Ok(match channels {
        1 => Array::new(vec![height, width], values),
        _ => Array {
            colour: true,
            ..Array::new(vec![3, height, width], values)
        },
    })
}

/// Small pictures that Pillow wrote.
#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub mod samples {
    use base64::prelude::{BASE64_STANDARD, Engine};

    /// 9 × 11 pixels of a ramp, i + j in twelve levels.
    const GREY: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/wAALCAAJAAsBAREA/8QAFgABAQEAAAAAAAAAAAAAAAAACAYH/8QAIRAAAQIEBwAAAAAAAAAAAAAAAAQHBSQlUTQ1QUJEcoH/2gAIAQEAAD8AwpkmSw8vbQYkHZKmJ5fbYi2S4/gxIPlifqf/2Q==";

    /// The same as red, upside down as green, in another order as blue; colours at half resolution.
    const COLOUR: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/wAARCAAJAAsDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAACAf/xAAlEAABAwIDCQAAAAAAAAAAAAABAAMFAiEEBxESIjE0NUFygrH/xAAUAQEAAAAAAAAAAAAAAAAAAAAG/8QAIBEAAQEIAwAAAAAAAAAAAAAAAQIAAwQFBhExgRIhQf/aAAwDAQACEQMRAD8AkOTkhshjQhqm1+5SuiscDHMENmrd4k3Q8yg5pv1+BLyH6Zh/FIJ3Q8uiopaMBJIwDg296GhsswdUhLkpvxb/2Q==";

    /// The ramp again, in several passes.
    const PROGRESSIVE: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/wgALCAAJAAsBAREA/8QAFgABAQEAAAAAAAAAAAAAAAAABwUG/9oACAEBAAAAAcIxRWL/xAAYEAADAQEAAAAAAAAAAAAAAAAAAwUjM//aAAgBAQABBQKJEExM4gnn/8QAFhABAQEAAAAAAAAAAAAAAAAAAAIi/9oACAEBAAY/ApynKUv/xAAXEAEAAwAAAAAAAAAAAAAAAAAAEIGh/9oACAEBAAE/IQUSDE//2gAIAQEAAAAQ/wD/xAAZEAABBQAAAAAAAAAAAAAAAAAAEEGhwdH/2gAIAQEAAT8QjGMYKkT/2Q==";

    /// Each as the bytes of a file: grey, colour, grey in several passes.
    pub fn all() -> [Vec<u8>; 3] {
        [GREY, COLOUR, PROGRESSIVE].map(|text| BASE64_STANDARD.decode(text).unwrap())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_read_as_other_tools_read_them() {
        let path = Path::new("a.jpg");
        let [grey, colour, progressive] = samples::all();
        let ramp = read(path, &grey).unwrap();
        assert_eq!((&ramp.shape[..], ramp.colour), (&[9, 11][..], false));
        // What Pillow reads of the first row.
        let row = [0, 12, 25, 36, 49, 60, 72, 84, 97, 108, 119].map(|v| f64::from(v) / 255.0);
        let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1.5 / 255.0;
        assert!(
            ramp.values[..11].iter().zip(&row).all(close),
            "{:?}",
            &ramp.values[..11]
        );
        let again = read(path, &progressive).unwrap();
        assert_eq!(again, ramp);
        let found = read(path, &colour).unwrap();
        assert_eq!((&found.shape[..], found.colour), (&[3, 9, 11][..], true));
        let mean = |channel: usize| {
            found.values[99 * channel..99 * (channel + 1)]
                .iter()
                .sum::<f64>()
                / 99.0
        };
        assert!((0..3).all(|c| (mean(c) - 0.424).abs() < 0.01));
        for (cut, part) in [
            (grey.len() - 20, "not a complete JPEG"),
            (40, "a.jpg"),
            (0, "a.jpg"),
        ] {
            let message = read(path, &grey[..cut]).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
        // A header of 16384 × 16384 pixels.
        let mut claims = grey;
        let at = claims.windows(4).position(|w| w == [0, 9, 0, 11]).unwrap();
        claims[at..at + 4].copy_from_slice(&[0x40, 0, 0x40, 0]);
        let message = read(path, &claims).unwrap_err().to_string();
        assert!(message.contains("more than its"), "{message}");
    }
}
