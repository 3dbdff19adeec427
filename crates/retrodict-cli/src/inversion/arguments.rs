use std::path::Path;

use toml::{Table, Value};

use super::{Inversion, apply_all, read_table, stop};
use crate::args;
use crate::failure::{Failure, Outcome};

/// The inversion that the command line asks for: a file and what flags change of it, or flags alone.
pub fn from_arguments(args: &args::Solve) -> Outcome<Inversion> {
    let path = Path::new(&args.simulator);
    let mut table = Table::new();
    if path.extension().is_some_and(|e| e == "toml") {
        let mut inversion = Inversion::from_table(&args.simulator, read_table(path)?)?;
        inversion.anchor(path.parent().unwrap_or(Path::new("")));
        table = inversion.to_toml()?.parse().unwrap_or_default();
    } else {
        let mut simulator = Table::new();
        args.source.join(&args.simulator, &mut simulator)?;
        simulator.insert("name".to_owned(), args.simulator.clone().into());
        table.insert("simulator".to_owned(), simulator.into());
    }
    flags(args, &mut table)?;
    if !table.contains_key("target") {
        return Err(Failure::Misuse(format!(
            "the observations are missing; name their file, as in retrodict solve {} --target y.npy",
            args.simulator
        )));
    }
    Inversion::from_table(&args.simulator, table)
}

fn flags(args: &args::Solve, table: &mut Table) -> Outcome<()> {
    if let Some(target) = &args.target {
        table.insert("target".to_owned(), target.clone().into());
    }
    if let Some(inverse) = &args.inverse {
        table.insert("inverse".to_owned(), inverse.clone().into());
    }
    if let Some(method) = &args.method {
        let mut rule = Table::new();
        rule.insert("name".to_owned(), method.clone().into());
        table.insert("rule".to_owned(), rule.into());
    }
    if let Some(file) = &args.start {
        let start = inner(table, "start")?;
        ["values", "value"]
            .iter()
            .for_each(|key| drop(start.remove(*key)));
        start.insert("file".to_owned(), file.clone().into());
    }
    put(
        table,
        "start",
        "count",
        args.starts.map(|n| Value::Integer(n as i64)),
    )?;
    put(table, "start", "spread", args.spread.map(Value::Float))?;
    put(
        table,
        "start",
        "seed",
        args.seed.map(|n| Value::Integer(n as i64)),
    )?;
    if args.noise.is_some() || args.noise_std.is_some() {
        // What the file says of the level gives way.
        let noise = inner(table, "noise")?;
        for key in ["std", "relative", "std_file", "covariance"] {
            noise.remove(key);
        }
    }
    put(
        table,
        "noise",
        "missing",
        args.missing.then_some(Value::Boolean(true)),
    )?;
    put(table, "noise", "relative", args.noise.map(Value::Float))?;
    put(table, "noise", "std", args.noise_std.map(Value::Float))?;
    if let Some(bounds) = &args.bounds {
        table.insert("bounds".to_owned(), sides(bounds)?.into());
    }
    for text in &args.priors {
        let prior = prior(text)?;
        let priors = table
            .entry("prior".to_owned())
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Some(priors) = priors.as_array_mut() {
            priors.push(prior.into());
        }
    }
    if args.no_statistics {
        table.insert("statistics".to_owned(), Value::Boolean(false));
    }
    put(
        table,
        "posterior",
        "rank",
        args.posterior.map(|n| Value::Integer(n as i64)),
    )?;
    changes(args.steps, args.time, &args.stops, &args.settings, table)
}

/// What `solve` and `resume` have in common: limits, goals and settings.
pub fn changes(
    steps: Option<usize>,
    time: Option<std::time::Duration>,
    stops: &[String],
    settings: &[String],
    table: &mut Table,
) -> Outcome<()> {
    put(
        table,
        "stop",
        "steps",
        steps.map(|n| Value::Integer(n as i64)),
    )?;
    put(
        table,
        "stop",
        "time",
        time.map(|t| Value::Float(t.as_secs_f64())),
    )?;
    if !stops.is_empty() {
        stop::read(stops, inner(table, "stop")?)?;
    }
    apply_all(table, settings)
}

fn put(table: &mut Table, outer: &str, key: &str, value: Option<Value>) -> Outcome<()> {
    if let Some(value) = value {
        inner(table, outer)?.insert(key.to_owned(), value);
    }
    Ok(())
}

fn inner<'t>(table: &'t mut Table, key: &str) -> Outcome<&'t mut Table> {
    let value = table
        .entry(key.to_owned())
        .or_insert_with(|| Table::new().into());
    value
        .as_table_mut()
        .ok_or_else(|| Failure::Misuse(format!("'{key}' must be a table, as in [{key}]")))
}

/// `LOWER,UPPER`, either of which may be left out: a number, or a file with one for each unknown.
fn sides(text: &str) -> Outcome<Table> {
    let wrong = || {
        Failure::Misuse(format!(
            "--bounds {text}: expected LOWER,UPPER, as in 0,1 or 0, or ,1 or low.csv,high.csv"
        ))
    };
    let (lower, upper) = text.split_once(',').ok_or_else(wrong)?;
    let mut bounds = Table::new();
    for (key, side) in [("lower", lower.trim()), ("upper", upper.trim())] {
        if !side.is_empty() {
            let number = side.parse().map(Value::Float);
            bounds.insert(
                key.to_owned(),
                number.unwrap_or_else(|_| side.to_owned().into()),
            );
        }
    }
    if bounds.is_empty() {
        return Err(wrong());
    }
    Ok(bounds)
}

/// `NAME:KEY=VALUE,…`, with values in TOML, of which words need no quotes.
fn prior(text: &str) -> Outcome<Table> {
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
    prior.insert("name".to_owned(), name.trim().into());
    Ok(prior)
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
        assert_eq!(
            sides("0,").unwrap(),
            "lower = 0.0".parse::<Table>().unwrap()
        );
        let both = "lower = -1.5\nupper = 'high.csv'";
        assert_eq!(
            sides("-1.5,high.csv").unwrap(),
            both.parse::<Table>().unwrap()
        );
        assert!(sides("0").is_err() && sides(",").is_err());
        let expected = "name = 'tikhonov'\norder = 1\nweight = 1e-3";
        assert_eq!(
            prior("tikhonov:order=1,weight=1e-3").unwrap(),
            expected.parse::<Table>().unwrap()
        );
        let expected = "name = 'matern'\nweight = 'l-curve'\nedges = 'zero'\nreference = [1, 2]";
        assert_eq!(
            prior("matern:weight=l-curve,edges=zero,reference=[1,2]").unwrap(),
            expected.parse::<Table>().unwrap()
        );
        assert_eq!(prior("tv").unwrap().len(), 1);
        let message = prior("tv:weight").unwrap_err().to_string();
        assert!(message.contains("expected NAME:KEY=VALUE"), "{message}");
    }
}
