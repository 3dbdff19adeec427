//! An inversion from the arguments of `solve` and `resume`.

use std::path::Path;
use std::time::Duration;

use retrodict::error::unknown;
use retrodict::options::{explain, keys};
use retrodict::spec::{
    BoundsSpec, InversionSpec, Named, PosteriorSpec, PriorSpec, StopSpec, Values, full_name,
};
use toml::{Table, Value};

use crate::args;
use crate::failure::{Failure, Outcome};
use crate::inversion::{anchor, apply_all, read_file};

/// The inversion that the command line asks for: a file and what flags change of it, or flags alone.
pub fn from_arguments(args: &args::Solve) -> Outcome<InversionSpec> {
    let path = Path::new(&args.simulator);
    let mut inversion = if path.extension().is_some_and(|e| e == "toml") {
        let mut inversion = read_file(path)?;
        anchor(&mut inversion, path.parent().unwrap_or(Path::new("")));
        inversion
    } else {
        let mut simulator = Named::new(args.simulator.clone());
        args.source.join(&args.simulator, &mut simulator.options)?;
        InversionSpec::new(simulator, "")
    };
    flags(args, &mut inversion)?;
    let inversion = apply_all(inversion, &args.simulator, &args.settings)?;
    if inversion.target == Values::File(String::new()) {
        return Err(Failure::Misuse(format!(
            "the observations are missing; name their file, as in retrodict solve {} --target y.npy",
            args.simulator
        )));
    }
    Ok(inversion)
}

fn flags(args: &args::Solve, inversion: &mut InversionSpec) -> Outcome<()> {
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
        (noise.std, noise.relative) = (args.noise_std.map(Values::One), args.noise);
        (noise.std_file, noise.covariance) = (None, None);
    }
    noise.missing |= args.missing;
    if let Some(bounds) = &args.bounds {
        inversion.bounds = sides(bounds)?;
    }
    for text in &args.priors {
        inversion.priors.push(prior(text)?);
    }
    inversion.statistics &= !args.no_statistics;
    if let Some(rank) = args.posterior {
        let posterior = inversion.posterior.take().unwrap_or_default();
        inversion.posterior = Some(PosteriorSpec { rank, ..posterior });
    }
    limits(args.steps, args.time, &args.stops, &mut inversion.stop)
}

/// What `solve` and `resume` have in common: limits and goals.
pub fn limits(
    steps: Option<usize>,
    time: Option<Duration>,
    stops: &[String],
    stop: &mut StopSpec,
) -> Outcome<()> {
    stop.steps = steps.unwrap_or(stop.steps);
    stop.time = time.or(stop.time);
    for text in stops {
        *stop = with_stop(stop, text)?;
    }
    Ok(())
}

/// `discrepancy`, `gradient=1e-6` and the like: the keys of the description of stops, and their short names.
fn with_stop(stop: &StopSpec, text: &str) -> Outcome<StopSpec> {
    let misuse = |why: String| Failure::Misuse(format!("--stop {text}: {why}"));
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name.trim(), Some(value.trim())),
        None => (text.trim(), None),
    };
    let known = keys::<StopSpec>();
    if !known.contains(&name) {
        return Err(misuse(unknown("stop", name, known.iter().copied())));
    }
    let value = match (name, value) {
        ("discrepancy" | "discrepancy_below", None) => Value::Float(1.0),
        ("time", Some(value)) => Value::String(value.to_owned()),
        (_, Some(value)) => {
            number(name, value).ok_or_else(|| misuse(format!("'{value}' is not a number")))?
        }
        (_, None) => {
            let example = if name == "time" { "10s" } else { "1e-6" };
            return Err(misuse(format!(
                "it needs a value, as in --stop {name}={example}"
            )));
        }
    };
    let one: Result<StopSpec, _> = Table::from_iter([(name.to_owned(), value.clone())]).try_into();
    let one = one.map_err(|e: toml::de::Error| misuse(explain(&e.to_string())))?;
    // Said beside the others, by its full name.
    let table = |stop: &StopSpec| Table::try_from(stop).map_err(|e| misuse(e.to_string()));
    let mut all = table(stop)?;
    let key = full_name::<StopSpec>(name, &value);
    if let Some(value) = table(&one)?.remove(&key) {
        all.insert(key, value);
    }
    all.try_into()
        .map_err(|e: toml::de::Error| misuse(explain(&e.to_string())))
}

fn number(name: &str, text: &str) -> Option<Value> {
    if name.ends_with("steps") {
        return text.parse().ok().map(Value::Integer);
    }
    text.parse().ok().map(Value::Float)
}

/// `LOWER,UPPER`, either of which may be left out: a number, or a file with one for each unknown.
fn sides(text: &str) -> Outcome<BoundsSpec> {
    let wrong = || {
        Failure::Misuse(format!(
            "--bounds {text}: expected LOWER,UPPER, as in 0,1 or 0, or ,1 or low.csv,high.csv"
        ))
    };
    let (lower, upper) = text.split_once(',').ok_or_else(wrong)?;
    let side = |side: &str| match side.trim() {
        "" => None,
        side => Some(side.parse().map_or_else(|_| side.into(), Values::One)),
    };
    let bounds = BoundsSpec {
        lower: side(lower),
        upper: side(upper),
    };
    match bounds == BoundsSpec::default() {
        true => Err(wrong()),
        false => Ok(bounds),
    }
}

/// `NAME:KEY=VALUE,…`, with values in TOML, of which words need no quotes.
fn prior(text: &str) -> Outcome<PriorSpec> {
    let (name, options) = text.split_once(':').unwrap_or((text, ""));
    let options: Vec<String> = options.split(',').map(quoted).collect();
    let options = options.join(",");
    let read: Result<Table, _> = format!("prior = {{ {options} }}").parse();
    let mut prior = match read
        .as_ref()
        .ok()
        .and_then(|table| table["prior"].as_table())
    {
        Some(table) => table.clone(),
        None => {
            return Err(Failure::Misuse(format!(
                "--prior {text}: expected NAME:KEY=VALUE,…, as in tikhonov:order=1,weight=1e-3"
            )));
        }
    };
    let named = Named {
        name: name.trim().to_owned(),
        options: std::mem::take(&mut prior),
    };
    Ok(named.try_into()?)
}

/// `edges=periodic` as TOML writes it.
fn quoted(option: &str) -> String {
    let plain = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic())
            && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !["true", "false", "inf", "nan"].contains(&word)
    };
    match option.split_once('=') {
        Some((key, word)) if plain(word.trim()) => format!("{key}=\"{}\"", word.trim()),
        _ => option.to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn bounds_and_priors_are_read_from_flags() {
        let low = BoundsSpec {
            lower: Some(Values::One(0.0)),
            upper: None,
        };
        assert_eq!(sides("0,").unwrap(), low);
        let both = BoundsSpec {
            lower: Some(Values::One(-1.5)),
            upper: Some("high.csv".into()),
        };
        assert_eq!(sides("-1.5,high.csv").unwrap(), both);
        assert!(sides("0").is_err() && sides(",").is_err());
        let named = |text: &str| Named::from(prior(text).unwrap());
        let expected = Named::new("tikhonov").with("order", 1).with("weight", 1e-3);
        assert_eq!(named("tikhonov:order=1,weight=1e-3"), expected);
        let expected = "edges = 'zero'\nreference = [1, 2]\nweight = 'l-curve'";
        let found = named("matern:weight=l-curve,edges=zero,reference=[1,2]");
        assert_eq!(found.options, expected.parse::<Table>().unwrap());
        assert!(named("tv").options.is_empty());
        let message = prior("tv:weight").unwrap_err().to_string();
        assert!(message.contains("expected NAME:KEY=VALUE"), "{message}");
    }

    #[test]
    fn stops_are_read_from_flags() {
        let read = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|t| (*t).to_owned()).collect();
            let mut stop = StopSpec::default();
            limits(None, None, &texts, &mut stop).map(|()| stop)
        };
        let stop = read(&["discrepancy", "gradient=1e-6", "time=500ms", "steps=7"]).unwrap();
        assert_eq!(
            (stop.steps, stop.time),
            (7, Some(Duration::from_millis(500)))
        );
        assert_eq!(stop.discrepancy_below, Some(1.0));
        assert_eq!(stop.gradient_below, Some(1e-6));
        assert!(stop.has_goal() && !StopSpec::default().has_goal());
        let digits = read(&["loss_change=0"]).unwrap();
        assert_eq!(digits.loss_change, Some(0.0));
        assert!(!digits.has_goal(), "the last digit is no goal of its own");
        let long = read(&[
            "gradient_below=1e-6",
            "step_below=0",
            "diverged_above=1e3",
            "plateau=0.1",
            "plateau_steps=4",
        ]);
        let long = long.unwrap();
        assert_eq!((long.step_below, long.diverged_above), (0.0, 1e3));
        assert_eq!((long.plateau, long.plateau_steps), (Some(0.1), 4));
        // A number that was changed before can be changed back.
        assert_eq!(read(&["steps=7", "steps=1000"]).unwrap().steps, 1000);
        for (wrong, hint) in [
            ("discrepency", "did you mean 'discrepancy'"),
            ("gradient", "as in --stop gradient=1e-6"),
            ("loss=low", "'low' is not a number"),
            ("steps=-1", "whole number of 0 or more"),
            ("time=soon", "known: ms, s, m, h"),
        ] {
            let message = read(&[wrong]).unwrap_err().to_string();
            assert!(message.contains(hint), "{message}");
        }
    }
}
