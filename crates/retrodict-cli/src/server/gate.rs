//! Who may ask. A browser on this machine carries the questions of whatever page it shows, also to a server that only
//! this machine can reach; and a name of somebody else may lead here (DNS rebinding).

use std::net::{Ipv4Addr, Ipv6Addr};

use hyper::header::{CONTENT_TYPE, HOST, HeaderName, ORIGIN};
use hyper::{Method, Request};

use super::refusal::Refusal;

/// The names under which this server may be called.
pub struct Gate {
    allowed: Vec<String>,
}

impl Gate {
    /// Loopback names, and these.
    pub fn new(names: &[String]) -> Self {
        Self {
            allowed: names.iter().map(|name| plain(name)).collect(),
        }
    }

    /// Lets a request in, or says why not.
    pub fn admit<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        let refused = |message: String| Err(Refusal::new(403, "Forbidden", message));
        let [host] = values(request, &HOST)[..] else {
            let message = "a request needs one Host header, as HTTP/1.1 says";
            return Err(Refusal::new(400, "InvalidInput", message));
        };
        // A whole address in the first line counts more than the header.
        let target = request
            .uri()
            .authority()
            .map(|authority| authority.as_str());
        for called in [host].into_iter().chain(target) {
            let known = Address::read(called).is_some_and(|address| self.knows(&address.name));
            if !known {
                return refused(format!(
                    "this server answers at localhost, 127.0.0.1 and [::1], not at '{called}'; \
                     --allow-host NAME allows a further name"
                ));
            }
        }
        for origin in values(request, &ORIGIN) {
            if !self.same_site(origin, host) {
                return refused(format!(
                    "pages from '{origin}' may not use this server; --allow-host NAME allows those from NAME"
                ));
            }
        }
        let sent = values(request, &CONTENT_TYPE);
        if request.method() == Method::POST && !matches!(sent[..], [kind] if is_json(kind)) {
            return Err(Refusal::new(
                415,
                "InvalidInput",
                "a request must be JSON, with the header Content-Type: application/json",
            ));
        }
        Ok(())
    }

    fn knows(&self, name: &str) -> bool {
        is_loopback(name) || self.allowed.iter().any(|allowed| allowed == name)
    }

    /// Whether a page comes from the address that is called, or from a name that was allowed.
    fn same_site(&self, origin: &str, host: &str) -> bool {
        let Some((scheme, authority)) = origin.split_once("://") else {
            return false;
        };
        let (Some(page), Some(host)) = (Address::read(authority), Address::read(host)) else {
            return false;
        };
        self.allowed.contains(&page.name) || (scheme == "http" && page == host)
    }
}

/// All values of a header; what is no text is none that is allowed.
fn values<'r, B>(request: &'r Request<B>, name: &HeaderName) -> Vec<&'r str> {
    let all = request.headers().get_all(name).iter();
    all.map(|value| value.to_str().unwrap_or("?")).collect()
}

/// A name and a port, as in `localhost:4242`.
#[derive(PartialEq, Eq)]
struct Address {
    name: String,
    port: u16,
}

impl Address {
    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let end = match text.strip_prefix('[') {
            Some(rest) => rest.find(']')? + 2,
            None => text.find(':').unwrap_or(text.len()),
        };
        let (name, port) = text.split_at(end);
        let port = match port.strip_prefix(':') {
            Some("") => 80,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
            None if port.is_empty() => 80,
            _ => return None,
        };
        let sound = |c: char| c.is_ascii_alphanumeric() || "[]:.-_".contains(c);
        (!name.is_empty() && name.chars().all(sound)).then(|| Self {
            name: plain(name),
            port,
        })
    }
}

/// A name as it is compared.
fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

fn is_loopback(name: &str) -> bool {
    let inner = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match inner {
        Some(inner) => inner
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| address.to_canonical().is_loopback()),
        None => {
            name == "localhost"
                || name
                    .parse::<Ipv4Addr>()
                    .is_ok_and(|address| address.is_loopback())
        }
    }
}

fn is_json(kind: &str) -> bool {
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn status(gate: &Gate, method: &str, target: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match gate.admit(&request.body(()).unwrap()) {
            Ok(()) => 200,
            Err(refusal) => refusal.status,
        }
    }

    #[test]
    fn names_of_this_machine_are_let_in_and_no_others() {
        let gate = Gate::new(&["Lab.example".to_owned()]);
        let at = |host: &str| status(&gate, "GET", "/Info", &[("host", host)]);
        for host in [
            "localhost",
            "LOCALHOST:4242",
            "localhost.",
            "127.0.0.1",
            "127.9.9.9:1",
            "[::1]",
            "[::1]:80",
            "[::ffff:127.0.0.1]:4242",
            "lab.example:4242",
            "LAB.EXAMPLE",
        ] {
            assert_eq!(at(host), 200, "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "localhost:4242@evil.example",
            "evil.example#localhost",
            "0.0.0.0",
            "10.0.0.1",
            "[::2]",
            "[::1",
            "::1",
            "[::1]x",
            "localhost:x",
            "localhost:99999",
            "",
            ":4242",
            "127.1",
            "lab.example.evil",
            "xlab.example",
        ] {
            assert_eq!(at(host), 403, "{host}");
        }
        assert_eq!(status(&gate, "GET", "/Info", &[]), 400);
        let twice = [("host", "localhost"), ("host", "evil.example")];
        assert_eq!(status(&gate, "GET", "/Info", &twice), 400);
        let here = [("host", "localhost")];
        assert_eq!(status(&gate, "GET", "http://evil.example/Info", &here), 403);
        assert_eq!(status(&gate, "GET", "http://localhost/Info", &here), 200);
    }

    #[test]
    fn pages_of_others_are_not_served() {
        let gate = Gate::new(&["lab.example".to_owned()]);
        let from = |origin: &str| {
            let headers = [("host", "localhost:4242"), ("origin", origin)];
            status(&gate, "GET", "/Info", &headers)
        };
        for origin in [
            "http://localhost:4242",
            "http://LOCALHOST:4242",
            "https://lab.example",
            "http://lab.example:1",
        ] {
            assert_eq!(from(origin), 200, "{origin}");
        }
        for origin in [
            "http://evil.example",
            "null",
            "http://localhost:3000",
            "http://localhost",
            "https://localhost:4242",
            "http://127.0.0.1:4242",
            "file://",
            "http://lab.example.evil.example",
        ] {
            assert_eq!(from(origin), 403, "{origin}");
        }
    }

    #[test]
    fn questions_are_json_and_say_so() {
        let gate = Gate::new(&[]);
        let sent = |kinds: &[&str]| {
            let mut headers = vec![("host", "localhost")];
            headers.extend(kinds.iter().map(|kind| ("content-type", *kind)));
            status(&gate, "POST", "/Evaluate", &headers)
        };
        for kind in [
            "application/json",
            "application/json; charset=utf-8",
            "Application/JSON",
        ] {
            assert_eq!(sent(&[kind]), 200, "{kind}");
        }
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonx",
            "",
        ] {
            assert_eq!(sent(&[kind]), 415, "{kind}");
        }
        assert_eq!(sent(&[]), 415);
        assert_eq!(sent(&["application/json", "text/plain"]), 415);
    }
}
