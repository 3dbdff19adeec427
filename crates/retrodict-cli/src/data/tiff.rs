//! Pictures as `.tif`: 8 and 16 bits as in other pictures, other numbers as they are, pages as fields; written with 32-bit
//! floats, which neither clip nor round to steps.

use std::io::Cursor;
use std::path::Path;

use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::encoder::TiffEncoder;
use tiff::encoder::colortype::{Gray32Float, RGB32Float};

use super::{Array, bounded};
use crate::failure::{Failure, Outcome};

/// How much longer than a compressed file its content can be: LZW's best is 1366, deflate's 1032.
const INFLATION: u128 = 1400;

/// The most pages of a file.
const PAGES: usize = 10_000;

/// The pages of a file, or the one of a number from 1: (height, width), with an axis of channels and one of pages in front
/// where there are several.
pub fn read(path: &Path, bytes: &[u8], page: Option<&str>) -> Outcome<Array> {
    decode(path, bytes, page).map_err(|why| Failure::unreadable(path, why))
}

/// A page: its channels, height, width, and whether these are colours.
type PageLayout = (usize, usize, usize, bool);

fn decode(path: &Path, bytes: &[u8], page: Option<&str>) -> Result<Array, String> {
    let why = |e: tiff::TiffError| format!("it is not a complete TIFF ({e})");
    let wanted = page.map(|page| page.parse::<usize>().ok().filter(|n| *n > 0).ok_or(page));
    let wanted = wanted.transpose().map_err(|page| {
        format!(
            "'{page}' is no page: select one by its number from 1, as {}:1",
            path.display()
        )
    })?;
    let mut limits = Limits::default();
    limits.decoding_buffer_size = bounded::VALUES * 8;
    limits.intermediate_buffer_size = bounded::VALUES * 8;
    let mut decoder = Decoder::new(Cursor::new(bytes))
        .map_err(why)?
        .with_limits(limits);
    let mut first: Option<PageLayout> = None;
    let mut values = Vec::new();
    let mut pages = 0;
    for number in 1..=PAGES {
        if wanted.is_none_or(|wanted| wanted == number) {
            let layout = about(&mut decoder, bytes.len())?;
            if let Some(first) = first.filter(|first| *first != layout) {
                return Err(format!(
                    "page {number} has the shape [{}, {}, {}], but page 1 [{}, {}, {}]; select a page, as {}:{number}",
                    layout.0,
                    layout.1,
                    layout.2,
                    first.0,
                    first.1,
                    first.2,
                    path.display()
                ));
            }
            let (channels, height, width, _) = layout;
            bounded::count(&[pages + 1, channels, height, width])?;
            first = Some(layout);
            values.extend(samples(&mut decoder, layout)?);
            pages += 1;
        }
        if !decoder.more_images() || wanted == Some(number) {
            break;
        }
        if number == PAGES {
            return Err(format!("it has more than {PAGES} pages"));
        }
        decoder.next_image().map_err(why)?;
    }
    let Some((channels, height, width, colour)) = first else {
        return Err(format!(
            "it has fewer pages than {}",
            wanted.unwrap_or_default()
        ));
    };
    let counts = [(pages, pages > 1), (channels, channels > 1)];
    let axes = counts.iter().filter(|(_, several)| *several);
    let mut shape: Vec<usize> = axes.map(|(count, _)| *count).collect();
    shape.extend([height, width]);
    Ok(Array {
        colour: colour && pages == 1,
        ..Array::new(shape, values)
    })
}

/// What a page is like, before memory is asked for.
fn about(decoder: &mut Decoder<Cursor<&[u8]>>, length: usize) -> Result<PageLayout, String> {
    let why = |e: tiff::TiffError| format!("it is not a complete TIFF ({e})");
    let (width, height) = decoder.dimensions().map_err(why)?;
    let (width, height) = (width as usize, height as usize);
    let colours = decoder.colortype().map_err(why)?;
    let (channels, colour, bits) = match colours {
        ColorType::Gray(bits) | ColorType::GrayA(bits) => (1, false, bits),
        ColorType::RGB(bits) | ColorType::RGBA(bits) => (3, true, bits),
        ColorType::Multiband {
            bit_depth,
            num_samples,
        } => (usize::from(num_samples), false, bit_depth),
        other => return Err(format!("its colours are {other:?}; save it as grey or RGB")),
    };
    if ![8, 16, 32, 64].contains(&bits) {
        return Err(format!(
            "its values have {bits} bits; save it with 8, 16, 32 or 64"
        ));
    }
    let count = bounded::count(&[channels, height, width])?;
    if count as u128 * u128::from(bits) > 8 * INFLATION * length as u128 {
        return Err(format!(
            "its header claims {height} × {width} pixels, more than its {length} bytes can hold"
        ));
    }
    Ok((channels, height, width, colour))
}

/// The values of a page, channel by channel, without those of alpha.
fn samples(
    decoder: &mut Decoder<Cursor<&[u8]>>,
    (channels, height, width, _): PageLayout,
) -> Result<Vec<f64>, String> {
    let mut read = DecodingResult::U8(Vec::new());
    let layout = decoder
        .read_image_to_buffer(&mut read)
        .map_err(|e| format!("it is not a complete TIFF ({e})"))?;
    let planes = layout.planes;
    let all: Vec<f64> = match read {
        DecodingResult::U8(v) => v.iter().map(|v| f64::from(*v) / 255.0).collect(),
        DecodingResult::U16(v) => v.iter().map(|v| f64::from(*v) / 65535.0).collect(),
        DecodingResult::U32(v) => v.iter().map(|v| f64::from(*v)).collect(),
        DecodingResult::U64(v) => v.iter().map(|v| *v as f64).collect(),
        DecodingResult::I8(v) => v.iter().map(|v| f64::from(*v)).collect(),
        DecodingResult::I16(v) => v.iter().map(|v| f64::from(*v)).collect(),
        DecodingResult::I32(v) => v.iter().map(|v| f64::from(*v)).collect(),
        DecodingResult::I64(v) => v.iter().map(|v| *v as f64).collect(),
        DecodingResult::F16(v) => v.iter().map(|v| v.to_f64()).collect(),
        DecodingResult::F32(v) => v.iter().map(|v| f64::from(*v)).collect(),
        DecodingResult::F64(v) => v,
    };
    let pixels = height * width;
    if pixels == 0 || all.len() < channels * pixels {
        return Err(format!(
            "it holds {} values, fewer than its {channels} × {height} × {width} pixels",
            all.len()
        ));
    }
    if planes > 1 {
        return Ok(all[..channels * pixels].to_vec());
    }
    // With alpha there is one more.
    let stride = all.len() / pixels;
    let channel = |channel: usize| all.iter().skip(channel).step_by(stride).take(pixels);
    Ok((0..channels).flat_map(channel).copied().collect())
}

/// A file of 32-bit floats: a page of (height, width), pages along the axis in front, or the colours of a picture.
pub fn bytes(path: &Path, array: &Array) -> Outcome<Vec<u8>> {
    let refused = |why: String| Failure::Misuse(format!("cannot write {}: {why}", path.display()));
    let (pages, height, width) = match array.shape.as_slice() {
        [height, width] => (1, *height, *width),
        [pages, height, width] => (*pages, *height, *width),
        shape => {
            return Err(refused(format!(
                "a TIFF has pages of the shape [height, width], the array has {shape:?}; write .npy instead"
            )));
        }
    };
    let far = |v: &&f64| v.is_finite() && !(**v as f32).is_finite();
    if let Some(value) = array.values.iter().find(far) {
        return Err(refused(format!(
            "{value} does not fit the 32-bit numbers of a TIFF; write .npy instead"
        )));
    }
    let broken = |e: tiff::TiffError| Failure::Broken(format!("cannot encode a TIFF: {e}"));
    let size = (width as u32, height as u32);
    let pixels = height * width;
    let mut out = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut out).map_err(broken)?;
    if array.colour && pages == 3 {
        let at = |pixel: usize| (0..3).map(move |c| array.values[c * pixels + pixel] as f32);
        let values: Vec<f32> = (0..pixels).flat_map(at).collect();
        let written = encoder.write_image::<RGB32Float>(size.0, size.1, &values);
        written.map_err(broken)?;
    } else {
        for page in array.values.chunks(pixels.max(1)) {
            let values: Vec<f32> = page.iter().map(|v| *v as f32).collect();
            let written = encoder.write_image::<Gray32Float>(size.0, size.1, &values);
            written.map_err(broken)?;
        }
    }
    Ok(out.into_inner())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn back(array: &Array) -> Array {
        let path = Path::new("a.tif");
        read(path, &bytes(path, array).unwrap(), None).unwrap()
    }

    #[test]
    fn fields_and_pages_come_back_to_32_bits() {
        let values: Vec<f64> = (0..60).map(|i| f64::from(i) * 0.37 - 5.0).collect();
        for (shape, colour) in [
            (vec![12, 5], false),
            (vec![3, 4, 5], true),
            (vec![5, 3, 4], false),
        ] {
            let array = Array {
                colour,
                ..Array::new(shape, values.clone())
            };
            let found = back(&array);
            assert_eq!((found.shape, found.colour), (array.shape, colour));
            let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-5;
            assert!(found.values.iter().zip(&values).all(close));
        }
        let gaps = back(&Array::new(vec![1, 2], vec![f64::NAN, 1.0]));
        assert!(gaps.values[0].is_nan());
        let path = Path::new("a.tif");
        let far = bytes(path, &Array::new(vec![1, 1], vec![1e300])).unwrap_err();
        assert!(far.to_string().contains("does not fit"), "{far}");
        let flat = bytes(path, &Array::new(vec![3], vec![1.0; 3])).unwrap_err();
        assert!(flat.to_string().contains("[3]"), "{flat}");
    }

    /// A page without compression, as bytes: grey of any type in one strip.
    fn page(size: u32, bits: u16, format: u16, values: &[u8]) -> Vec<u8> {
        let mut file = b"II*\0".to_vec();
        file.extend((8 + values.len() as u32).to_le_bytes());
        file.extend(values);
        let entries: [(u16, u16, u32); 10] = [
            (256, 4, size),
            (257, 4, 1),
            (258, 3, bits.into()),
            (259, 3, 1),
            (262, 3, 1),
            (273, 4, 8),
            (277, 3, 1),
            (278, 4, 1),
            (279, 4, values.len() as u32),
            (339, 3, format.into()),
        ];
        file.extend((entries.len() as u16).to_le_bytes());
        for (tag, kind, value) in entries {
            file.extend(tag.to_le_bytes());
            file.extend(kind.to_le_bytes());
            file.extend(1_u32.to_le_bytes());
            file.extend(value.to_le_bytes());
        }
        file.extend([0; 4]);
        file
    }

    #[test]
    fn numbers_of_any_type_are_read() {
        let path = Path::new("a.tif");
        let of = |bits, format, values: &[u8]| {
            let file = page(2, bits, format, values);
            read(path, &file, None).map(|array| array.values)
        };
        assert_eq!(of(8, 1, &[0, 255]).unwrap(), [0.0, 1.0]);
        assert_eq!(of(16, 1, &[0xff, 0xff, 0, 0]).unwrap(), [1.0, 0.0]);
        assert_eq!(of(16, 2, &[0xff, 0xff, 2, 0]).unwrap(), [-1.0, 2.0]);
        let floats = [1.5_f32.to_le_bytes(), (-2.0_f32).to_le_bytes()].concat();
        assert_eq!(of(32, 3, &floats).unwrap(), [1.5, -2.0]);
        let doubles = [1e300_f64.to_le_bytes(), 0.25_f64.to_le_bytes()].concat();
        assert_eq!(of(64, 3, &doubles).unwrap(), [1e300, 0.25]);
        for (file, part) in [
            (page(2, 12, 1, &[0; 3]), "12 bits"),
            (page(10_000_000, 8, 1, &[0; 2]), "more than its"),
            (page(u32::MAX, 8, 1, &[0; 2]), "134217728 values"),
            (page(2, 8, 1, &[0; 2])[..40].to_vec(), "not a complete TIFF"),
        ] {
            let message = read(path, &file, None).unwrap_err().to_string();
            assert!(
                message.contains(part) && message.contains("a.tif"),
                "{message}"
            );
        }
        let one = page(2, 8, 1, &[0, 255]);
        assert_eq!(read(path, &one, Some("1")).unwrap().shape, [1, 2]);
        for wanted in ["2", "0", "x"] {
            let message = read(path, &one, Some(wanted)).unwrap_err().to_string();
            assert!(message.contains("page"), "{message}");
        }
    }
}
