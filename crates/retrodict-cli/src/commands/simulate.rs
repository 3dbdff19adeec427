//! `simulate`: y = P(x), with noise if asked for.

use std::process::ExitCode;

use crate::registry;
use retrodict::core::random::Random;
use retrodict::spec::{Named, insert, random, with_option_files};

use crate::args;
use crate::args::settings;
use crate::data::{
    self, Array, Depth, FieldGrid, STANDARD, UserFiles, fit_shape, joined_shape, split, standard,
};
use crate::failure::{Failure, Outcome};
use crate::terminal::text::wrapped;

/// Runs a simulator forwards on the user's data.
pub fn run(args: &args::SimulateArguments) -> Outcome<ExitCode> {
    let aside = args.output.as_os_str() == STANDARD;
    if aside {
        standard::claim_output();
    }
    let input = data::read(&args.input)?;
    let level = args.noise.unwrap_or(0.0);
    if !(level.is_finite() && level >= 0.0) {
        return Err(Failure::Misuse(format!(
            "--noise {level}: it must be 0 or greater"
        )));
    }
    let mut options = settings::table(&args.settings)?;
    args.source.join(&args.simulator, false, &mut options)?;
    if let Some(times) = settings::times(&args.simulator, args.times.as_deref())? {
        insert(&mut options, &times.path, times.value)?;
    }
    let named = Named {
        name: args.simulator.clone(),
        options,
    };
    let mut options = with_option_files(&named, registry(), &UserFiles)?.options;
    let remark = fit_shape(&args.simulator, &mut options, &input, &args.input)?;
    if let Some(remark) = remark {
        eprintln!("{}", wrapped("note: ", &remark));
    }
    let simulator = registry().simulator(&args.simulator)?.build(&options)?;
    let (n, m) = (simulator.input().len(), simulator.output().len());
    let fields = split(&input, &simulator.input().shape, &args.input)?;
    let mut draws = Random::stream(args.seed, 3);
    let mut values = Vec::new();
    for x in fields {
        let mut y = vec![0.0; m];
        simulator.forward(x, &mut y)?;
        random::add_noise(&mut y, level, &mut draws);
        values.extend(y);
    }
    let entry = registry().simulator(&args.simulator)?;
    let grid = FieldGrid::of(simulator.output(), entry, &options);
    let shape = joined_shape(&input, n, &simulator.output().shape);
    let output = Array {
        colour: input.colour,
        grid: Some(grid.placed_as(&input)),
        ..Array::new(shape, values)
    };
    data::write(&args.output, &output, Depth::Sixteen)?.note();
    if aside {
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "wrote {} ({})",
        args.output.display(),
        simulator.output().name
    );
    Ok(ExitCode::SUCCESS)
}
