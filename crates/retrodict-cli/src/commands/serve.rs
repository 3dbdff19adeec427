//! `serve`: simulators offered to clients of UM-Bridge.

use std::net::{IpAddr, TcpListener, ToSocketAddrs};
use std::process::ExitCode;

use retrodict::memory;

use crate::args;
use crate::args::settings;
use crate::failure::{Failure, Outcome};
use crate::server::{self, Gate, Offer, Quotas};
use crate::terminal::interrupt;

/// Offers simulators to clients of the UM-Bridge protocol, until Ctrl-C.
pub fn run(args: &args::ServeArguments) -> Outcome<ExitCode> {
    let workers = super::threads(args.threads)?;
    if args.body_limit == 0 || args.timeout.is_zero() || args.memory == Some(0) {
        return Err(Failure::Misuse(
            "--body-limit, --memory and --timeout must be greater than 0".to_owned(),
        ));
    }
    let body = args.body_limit.checked_mul(1 << 20).ok_or_else(|| {
        Failure::Misuse(format!(
            "--body-limit {} exceeds any memory; its unit is MiB",
            args.body_limit
        ))
    })?;
    let memory = args
        .memory
        .map_or(memory::machine() / 2.0, |mib| mib as f64 * 1048576.0)
        .floor();
    let offers = offers(&args.simulators, settings::table(&args.settings)?, memory)?;
    // Before the line that says where: who reads it may already press Ctrl-C.
    let stop = interrupt::flag();
    let (listener, loopback) = listen(&args.host, args.port)?;
    let address = listener
        .local_addr()
        .map_err(|e| Failure::Broken(format!("cannot determine the server's address: {e}")))?;
    let names: Vec<&str> = offers.iter().map(|offer| offer.name.as_str()).collect();
    println!(
        "serving {} at http://{address}; Ctrl-C stops it",
        names.join(", ")
    );
    // Who waits for this line reads it now, through a pipe too.
    crate::terminal::print::outcome()?;
    if !loopback {
        eprintln!(
            "note: anyone who can reach this machine at {address} may run these simulators; leave out --host to \
             serve this machine only. Allow further host names with --allow-host"
        );
    }
    let limits = Quotas {
        workers,
        time: args.timeout,
        body,
        memory,
    };
    let mut names = args.allow_host.clone();
    names.extend(called(&args.host));
    server::serve(offers, Gate::new(&names), listener, limits, &stop)
        .map_err(|e| Failure::Broken(format!("the server ended: {e}")))?;
    Ok(ExitCode::SUCCESS)
}

/// The simulators with their options: KEY=VALUE for one, NAME.KEY=VALUE for several.
fn offers(names: &[String], mut settings: toml::Table, memory: f64) -> Outcome<Vec<Offer>> {
    let own: Vec<_> = names
        .iter()
        .map(|name| match settings.remove(name) {
            Some(toml::Value::Table(table)) => table,
            Some(other) => {
                settings.insert(name.clone(), other);
                toml::Table::new()
            }
            None => toml::Table::new(),
        })
        .collect();
    if let (Some(key), true) = (settings.keys().next(), names.len() > 1) {
        return Err(Failure::Misuse(format!(
            "--set {key}: several simulators are served; name the one the option belongs to, as in --set \
             {}.{key}=VALUE",
            names[0]
        )));
    }
    let mut offers: Vec<Offer> = Vec::new();
    for (name, mut options) in names.iter().zip(own) {
        options.extend(settings.clone());
        let offer = Offer::new(name, options, memory)?;
        if offers.iter().any(|other| other.name == offer.name) {
            return Err(Failure::Misuse(format!(
                "{name} is given twice; give it once"
            )));
        }
        offers.push(offer);
    }
    Ok(offers)
}

/// The name that is called where this address is listened at; none where that is any.
fn called(host: &str) -> Option<String> {
    match host.parse::<IpAddr>() {
        Ok(address) if address.is_unspecified() => None,
        Ok(IpAddr::V6(address)) => Some(format!("[{address}]")),
        _ => Some(host.to_owned()),
    }
}

/// Listens, and tells whether this machine alone can be heard.
fn listen(host: &str, port: u16) -> Outcome<(TcpListener, bool)> {
    let place = format!("{host}:{port}");
    let addresses: Vec<_> = (host, port)
        .to_socket_addrs()
        .map_err(|e| Failure::Misuse(format!("--host {host}: {e}; try 127.0.0.1")))?
        .collect();
    let loopback = addresses.iter().all(|address| address.ip().is_loopback());
    let listener = TcpListener::bind(&addresses[..]).map_err(|e| {
        Failure::Broken(format!(
            "cannot listen at {place}: {e}; try another --port, or --port 0 for any free port"
        ))
    })?;
    Ok((listener, loopback))
}
