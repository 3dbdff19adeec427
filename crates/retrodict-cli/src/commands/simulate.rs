use std::process::ExitCode;

use retrodict::error::expect_length;
use retrodict::registry;

use crate::args;
use crate::data::{self, Array, Depth};
use crate::failure::{Failure, Outcome};
use crate::generate;
use crate::settings;

/// Runs a simulator forwards on the user's data.
pub fn run(args: &args::Simulate) -> Outcome<ExitCode> {
    let input = data::read(&args.input)?;
    let level = args.noise.unwrap_or(0.0);
    if !(level.is_finite() && level >= 0.0) {
        return Err(Failure::Misuse(format!(
            "--noise {level}: it must be 0 or greater"
        )));
    }
    let mut options = settings::table(&args.settings)?;
    args.source.join(&args.simulator, &mut options)?;
    fit_shape(&args.simulator, &mut options, &input)?;
    let simulator = (registry::simulator(&args.simulator)?.build)(&options)?;
    let (n, m) = (simulator.input().len(), simulator.output().len());
    let fields = split(&input, n, &args.input)?;
    let mut random = generate::generator(args.seed, 3);
    let mut values = Vec::new();
    for x in fields {
        expect_length(&args.input, x.len(), n)?;
        let mut y = vec![0.0; m];
        simulator.forward(x, &mut y)?;
        generate::add_noise(&mut y, level, &mut random);
        values.extend(y);
    }
    let shape = joined_shape(&input, n, &simulator.output().shape);
    let output = Array {
        colour: input.colour,
        ..Array::new(shape, values)
    };
    let clipped = data::write(&args.output, &output, Depth::Sixteen)?;
    note_clipping(clipped);
    println!(
        "wrote {} ({})",
        args.output.display(),
        simulator.output().name
    );
    Ok(ExitCode::SUCCESS)
}

/// A grid simulator takes its shape from the data, unless the user sets it; a simulator of
/// vectors its size.
pub fn fit_shape(name: &str, options: &mut toml::Table, data: &Array) -> Outcome<()> {
    let entry = registry::simulator(name)?;
    let own = if data.colour {
        &data.shape[1..]
    } else {
        &data.shape[..]
    };
    if entry.accepts("shape") && !options.contains_key("shape") {
        let shape: Vec<toml::Value> = own.iter().map(|n| (*n as i64).into()).collect();
        options.insert("shape".into(), shape.into());
    }
    if entry.accepts("size") && !options.contains_key("size") {
        options.insert("size".into(), (data.values.len() as i64).into());
    }
    Ok(())
}

/// The fields of an array: itself, or the members of its leading axis.
pub fn split<'a>(array: &'a Array, len: usize, what: &str) -> Outcome<Vec<&'a [f64]>> {
    if len > 0 && !array.values.is_empty() && array.values.len().is_multiple_of(len) {
        return Ok(array.values.chunks(len).collect());
    }
    Err(Failure::Misuse(format!(
        "{what} has the shape {:?}, which is no multiple of the {len} values that the simulator \
         takes; set its shape or size to that of the data",
        array.shape
    )))
}

/// The shape of a result: that of one field, behind the axes that count fields.
pub fn joined_shape(data: &Array, len: usize, field: &[usize]) -> Vec<usize> {
    let mut shape = Vec::new();
    let mut rest = data.values.len();
    for extent in &data.shape {
        if rest <= len {
            break;
        }
        shape.push(*extent);
        rest /= extent;
    }
    shape.extend_from_slice(field);
    shape
}

/// Says how many values a picture could not hold.
pub fn note_clipping(clipped: usize) {
    if clipped > 0 {
        eprintln!(
            "note: {clipped} values lay outside [0, 1] and were clipped; \
             write .npy to keep them"
        );
    }
}
