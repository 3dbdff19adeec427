//! An inversion from the arguments of `solve` and `resume`.

use std::path::Path;

use retrodict::options::explain;
use retrodict::spec::{
    BoundsSpec, DerivedSpec, InversionSpec, Named, Origin, Override, ParameterSpec, PriorSpec,
    Values, insert,
};

use crate::args;
use crate::args::settings;
use crate::failure::{Failure, Outcome};
use crate::inversion::file::observation;
use crate::inversion::file::parts::parts;
use crate::inversion::{anchor, apply_all, read_file};

/// The inversion that the command line asks for: a file and what flags change of it, or flags alone.
pub fn from_arguments(args: &args::SolveArguments) -> Outcome<(InversionSpec, Origin)> {
    let path = Path::new(&args.simulator);
    let (mut inversion, origin) = if path.extension().is_some_and(|e| e == "toml") {
        let (mut inversion, origin) = read_file(path)?;
        anchor(&mut inversion, path.parent().unwrap_or(Path::new("")));
        (inversion, origin)
    } else {
        let mut simulator = Named::new(args.simulator.clone());
        let named = !args.parameters.is_empty();
        args.source
            .join(&args.simulator, named, &mut simulator.options)?;
        let origin = Origin::new::<InversionSpec>("", "");
        (InversionSpec::new(simulator, ""), origin)
    };
    flags(args, &mut inversion)?;
    let mut changes = settings::stops(&args.stops)?;
    changes.extend(settings::times(
        &inversion.simulator.name,
        args.times.as_deref(),
    )?);
    changes.extend(settings::changes(&args.settings)?);
    let inversion = apply_all(inversion, &changes)?;
    let origin = origin.with_changes(given(args)).with_changes(changes);
    if inversion.target.is_none() && inversion.observations.is_empty() {
        return Err(Failure::Misuse(format!(
            "the observations are missing; name their file, as in retrodict solve {} --target y.npy",
            args.simulator
        )));
    }
    Ok((inversion, origin))
}

/// What flags change, to be pointed at in messages.
fn given(args: &args::SolveArguments) -> Vec<Override> {
    let text = |value: &Option<String>| value.clone();
    let count = |value: &Option<usize>| value.map(|n| n.to_string());
    let number = |value: &Option<f64>| value.map(|x| x.to_string());
    let flags = [
        ("--target", &["target"][..], text(&args.target)),
        ("--search", &["search"], text(&args.search)),
        ("--inverse", &["inverse"], text(&args.inverse)),
        ("--method", &["rule"], text(&args.method)),
        ("--start", &["start", "file"], text(&args.start)),
        ("--starts", &["start", "count"], count(&args.starts)),
        ("--spread", &["start", "spread"], number(&args.spread)),
        ("--noise", &["noise", "relative"], number(&args.noise)),
        ("--noise-std", &["noise", "std"], text(&args.noise_std)),
        ("--bounds", &["bounds"], text(&args.bounds)),
        (
            "--profile",
            &["profile"],
            (!args.profile.is_empty()).then(|| args.profile.join(",")),
        ),
        (
            "--posterior",
            &["posterior", "rank"],
            count(&args.posterior),
        ),
        ("--steps", &["stop", "steps"], count(&args.steps)),
    ];
    let parameters = args.parameters.iter().flat_map(|text| {
        let (name, options) = text.split_once(':').unwrap_or((text, ""));
        let keys = std::iter::once("name").chain(parts(options).into_iter().map(key));
        let said = format!("--parameter {text}");
        let place = move |key: &str| {
            Override::new(
                &["parameter", name.trim(), key],
                text.as_str(),
                said.clone(),
            )
        };
        keys.map(place).collect::<Vec<_>>()
    });
    let derived = args.derived.iter().map(|text| {
        let name = text
            .split_once('=')
            .map_or(text.as_str(), |(name, _)| name.trim());
        Override::new(
            &["derived", name, "expression"],
            text.as_str(),
            format!("--derived {text}"),
        )
    });
    let change = |(flag, path, value): (&str, &[&str], Option<String>)| {
        let value = value?;
        let text = format!("{flag} {value}");
        Some(Override::new(path, value, text))
    };
    let flags = flags.into_iter().filter_map(change);
    let observations = args.observations.iter().flat_map(|text| {
        let change = move |path: Vec<String>| {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            Override::new(&path, text.as_str(), format!("--observation {text}"))
        };
        observation::paths(text).into_iter().map(change)
    });
    let constraints = args.constraints.iter().map(|text| {
        Override::new(
            &["constraint"],
            text.as_str(),
            format!("--constraint '{text}'"),
        )
    });
    flags
        .chain(constraints)
        .chain(observations)
        .chain(parameters)
        .chain(derived)
        .collect()
}

fn flags(args: &args::SolveArguments, inversion: &mut InversionSpec) -> Outcome<()> {
    if let Some(target) = &args.target {
        inversion.target = Values::File(target.clone());
    }
    if let Some(search) = &args.search {
        inversion.search = Some(Named::new(search.clone()));
    }
    if let Some(inverse) = &args.inverse {
        inversion.inverse = Some(Named::new(inverse.clone()));
    }
    if let Some(method) = &args.method {
        inversion.rule = Some(Named::new(method.clone()));
    }
    let start = &mut inversion.start;
    if let Some(file) = &args.start {
        (start.values, start.value) = (None, None);
        start.file = Some(file.clone());
    }
    start.count = args.starts.unwrap_or(start.count);
    start.spread = args.spread.or(start.spread);
    start.seed = args.seed.unwrap_or(start.seed);
    let noise = &mut inversion.noise;
    if args.noise.is_some() || args.noise_std.is_some() {
        // What the file says of the level gives way.
        (noise.std, noise.relative) = (args.noise_std.as_deref().map(number), args.noise);
        (noise.std_file, noise.covariance) = (None, None);
    }
    noise.missing |= args.missing;
    if let Some(bounds) = &args.bounds {
        inversion.bounds = sides(bounds)?;
    }
    inversion
        .constraint
        .extend(args.constraints.iter().cloned());
    if !args.profile.is_empty() {
        inversion.profile.of.clone_from(&args.profile);
    }
    for text in &args.observations {
        observation::observation(text, &mut inversion.observations)?;
    }
    for text in &args.parameters {
        parameter(text, &mut inversion.parameters)?;
    }
    for text in &args.derived {
        derived(text, &mut inversion.derived)?;
    }
    for text in &args.priors {
        inversion.priors.push(prior(text)?);
    }
    inversion.statistics &= !args.no_statistics;
    if let Some(rank) = args.posterior {
        let posterior = inversion.posterior.take().unwrap_or_default();
        inversion.posterior = Some(posterior.with_rank(rank));
    }
    let stop = &mut inversion.stop;
    stop.steps = args.steps.unwrap_or(stop.steps);
    stop.time = args.time.or(stop.time);
    Ok(())
}

/// A number, or the file that holds numbers.
pub fn number(text: &str) -> Values {
    text.parse().map_or_else(|_| text.into(), Values::One)
}

/// `LOWER,UPPER`, either of which may be left out: a number, or a file with one for each unknown.
pub fn sides(text: &str) -> Outcome<BoundsSpec> {
    let wrong = || {
        Failure::Misuse(format!(
            "--bounds {text}: expected LOWER,UPPER, as in 0,1 or 0, or ,1 or low.csv,high.csv"
        ))
    };
    let (lower, upper) = text.split_once(',').ok_or_else(wrong)?;
    let side = |side: &str| match side.trim() {
        "" => None,
        side => Some(number(side)),
    };
    let bounds = BoundsSpec::new(side(lower), side(upper));
    match bounds == BoundsSpec::default() {
        true => Err(wrong()),
        false => Ok(bounds),
    }
}

/// `NAME:KEY=VALUE,…`: each a change of the parameter of that name, or of a new one; a word alone is a transform or a flag.
fn parameter(text: &str, parameters: &mut Vec<ParameterSpec>) -> Outcome<()> {
    let (name, options) = text.split_once(':').unwrap_or((text, ""));
    let name = name.trim();
    let known = parameters.iter().position(|known| known.name == name);
    let known = known.unwrap_or_else(|| {
        parameters.push(ParameterSpec::new(name));
        parameters.len() - 1
    });
    let refused = |why: String| Failure::Misuse(format!("--parameter {text}: {why}"));
    let mut table =
        toml::Table::try_from(&parameters[known]).map_err(|e| refused(e.to_string()))?;
    let keys: Vec<&str> = parts(options).into_iter().map(key).collect();
    // What ties it takes the place of what it had of its own, and the other way round.
    if keys.contains(&"tied") {
        table.retain(|key, _| key == "name" || key == "unit");
    } else if !keys.is_empty() && keys.iter().any(|key| *key != "unit") {
        table.remove("tied");
    }
    for option in parts(options) {
        let option = option.trim();
        let change = match (option.contains('='), option) {
            (true, _) => Override::parse(option),
            (false, "fixed") => Override::parse("fixed=true"),
            (false, transform) => Override::parse(&format!("transform={transform}")),
        }?;
        insert(&mut table, &change.path, change.value)?;
    }
    parameters[known] = table
        .try_into()
        .map_err(|e: toml::de::Error| refused(explain(&e.to_string())))?;
    Ok(())
}

/// The key that an option of a parameter sets: a word alone is a transform, or `fixed`.
fn key(option: &str) -> &str {
    match option.trim().split_once('=') {
        Some((key, _)) => key.trim(),
        None if option.trim() == "fixed" => "fixed",
        None => "transform",
    }
}

/// `NAME=FORMULA`, in place of another of that name.
fn derived(text: &str, quantities: &mut Vec<DerivedSpec>) -> Outcome<()> {
    let Some((name, formula)) = text.split_once('=') else {
        return Err(Failure::Misuse(format!(
            "--derived {text}: expected NAME=FORMULA, as in R0='contact / recovery'"
        )));
    };
    let name = name.trim();
    quantities.retain(|known| known.name != name);
    quantities.push(DerivedSpec::new(name, formula.trim()));
    Ok(())
}

/// `NAME:KEY=VALUE,…`: each a change of the prior, as `--set` writes them.
pub fn prior(text: &str) -> Outcome<PriorSpec> {
    let (name, options) = text.split_once(':').unwrap_or((text, ""));
    let mut named = Named::new(name.trim());
    for option in parts(options) {
        let change = Override::parse(option).map_err(|_| {
            Failure::Misuse(format!(
                "--prior {text}: expected NAME:KEY=VALUE,…, as in tikhonov:order=1,weight=1e-3"
            ))
        })?;
        insert(&mut named.options, &change.path, change.value)?;
    }
    Ok(named.try_into()?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn bounds_and_priors_are_read_from_flags() {
        let low = BoundsSpec::new(Some(Values::One(0.0)), None);
        assert_eq!(sides("0,").unwrap(), low);
        let both = BoundsSpec::new(Some(Values::One(-1.5)), Some("high.csv".into()));
        assert_eq!(sides("-1.5,high.csv").unwrap(), both);
        assert!(sides("0").is_err() && sides(",").is_err());
        let named = |text: &str| Named::from(prior(text).unwrap());
        let expected = Named::new("tikhonov").with("order", 1).with("weight", 1e-3);
        assert_eq!(named("tikhonov:order=1,weight=1e-3"), expected);
        let expected = "edges = 'zero'\nreference = [1, 2]\nweight = 'l-curve'";
        let found = named("matern:weight=l-curve,edges=zero,reference=[1,2]");
        assert_eq!(found.options, expected.parse::<toml::Table>().unwrap());
        let expected = "edges = 'a,b'\nscale = { of = [1, 2], to = 3 }";
        let found = named("matern:edges='a,b',scale={of=[1,2],to=3}");
        assert_eq!(found.options, expected.parse::<toml::Table>().unwrap());
        assert!(named("tv").options.is_empty());
        let message = prior("tv:weight").unwrap_err().to_string();
        assert!(message.contains("expected NAME:KEY=VALUE"), "{message}");
    }
}
