//! What is said to a program that stays, and what it may answer: one JSON object a line.

use serde_json::{Map, Value};

use super::super::super::Offers;
use super::super::super::plain::plain_line;
use super::super::numbers;

/// The version of the protocol, which `describe` is told.
const VERSION: u64 = 1;

/// What a program is asked for: `forward` and its like, with the vectors that belong to it.
pub(super) struct Request<'r> {
    pub(super) call: &'r str,
    pub(super) vectors: &'r [(&'r str, &'r [f64])],
}

/// The first request to each program.
pub(super) const DESCRIBE: Request<'static> = Request {
    call: "describe",
    vectors: &[],
};

impl Request<'_> {
    /// The line that asks for it; numbers are as short as they can be and come back as they went.
    pub(super) fn line(&self, id: u64) -> serde_json::Result<Vec<u8>> {
        let mut line = format!("{{\"id\":{id},\"call\":\"{}\"", self.call).into_bytes();
        if self.call == DESCRIBE.call {
            line.extend(format!(",\"version\":{VERSION}").bytes());
        }
        for (key, vector) in self.vectors {
            line.extend(format!(",\"{key}\":").bytes());
            serde_json::to_writer(&mut line, vector)?;
        }
        line.extend(b"}\n");
        Ok(line)
    }
}

/// What a line said.
#[derive(Debug)]
pub(super) enum Said {
    /// The answer.
    Answer(Map<String, Value>),
    /// The program cannot answer at this x, and says why.
    Failure(String),
    /// This is no answer to that request.
    Astray(String),
}

/// Reads a line as the answer to the request with this number.
pub(super) fn read(line: &[u8], id: u64, call: &str) -> Said {
    let Ok(Value::Object(mut answer)) = numbers::parse(line) else {
        return Said::Astray(format!(
            "it wrote a line to standard output that is not a JSON object: '{}'; only answers may go there: print \
             everything else to standard error (Python: print(…, file=sys.stderr))",
            shown(&String::from_utf8_lossy(line))
        ));
    };
    match answer.remove("id") {
        Some(found) if found == id => {}
        None => {
            return Said::Astray(format!(
                "its answer to request {id}, '{call}', has no \"id\": copy that of the request"
            ));
        }
        Some(found) => {
            return Said::Astray(format!(
                "it answered out of turn: request {id}, '{call}', was answered with id {}; write one answer to each \
                 request, with its id",
                shown(&found.to_string())
            ));
        }
    }
    match answer.remove("error") {
        None | Some(Value::Null) => Said::Answer(answer),
        Some(Value::String(why)) => Said::Failure(why),
        Some(other) => Said::Failure(other.to_string()),
    }
}

/// The numbers of an answer.
pub(super) fn values(
    mut answer: Map<String, Value>,
    call: &str,
    shape: &[usize],
) -> Result<Vec<f64>, String> {
    let Some(value) = answer.remove("value") else {
        let keys: Vec<String> = answer.keys().map(|key| shown(key)).collect();
        let holds = match keys.is_empty() {
            true => "nothing else".to_owned(),
            false => keys.join(", "),
        };
        return Err(format!(
            "its answer to '{call}' has neither \"value\" nor \"error\", but {holds}: write \
             {{\"id\": …, \"value\": […]}}"
        ));
    };
    numbers::array(&value, shape).map_err(|why| format!("its answer to '{call}' is wrong: {why}"))
}

/// What a program says of itself.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Introduction {
    pub(super) offers: Offers,
    pub(super) input_shape: Option<Vec<usize>>,
    pub(super) output_shape: Option<Vec<usize>>,
    /// Names and units of the values of x.
    pub(super) labels: Option<Vec<(String, String)>>,
}

/// The answer to `describe`, each of whose keys may be left out.
pub(super) fn introduction(answer: Map<String, Value>) -> Result<Introduction, String> {
    let mut found = Introduction::default();
    let (mut names, mut units) = (None, None);
    for (key, value) in answer {
        let wrong = |expected: &str| {
            let value = shown(&value.to_string());
            format!("its answer to 'describe' says {key} = {value}, expected {expected}")
        };
        let texts = |expected: &str| {
            let items = value.as_array().ok_or_else(|| wrong(expected))?;
            let text = |item: &Value| item.as_str().map(plain_line);
            let texts: Option<Vec<String>> = items.iter().map(text).collect();
            texts.ok_or_else(|| wrong(expected))
        };
        let extents = || {
            let extents = value.as_array().map(|items| {
                let extent = |item: &Value| usize::try_from(item.as_u64()?).ok();
                items.iter().map(extent).collect::<Option<Vec<_>>>()
            });
            let extents = extents.flatten().filter(|extents| !extents.is_empty());
            extents.ok_or_else(|| wrong("a list of counts, such as [3] or [64, 64]"))
        };
        match key.as_str() {
            "offers" => found.offers = offers(&texts("a list such as [\"forward\"]")?)?,
            "input_shape" => found.input_shape = Some(extents()?),
            "output_shape" => found.output_shape = Some(extents()?),
            "names" => names = Some(texts("a list of names")?),
            "units" => units = Some(texts("a list of units")?),
            _ => {
                return Err(format!(
                    "its answer to 'describe' has the unknown key '{}'; known: offers, input_shape, output_shape, \
                     names, units",
                    shown(&key)
                ));
            }
        }
    }
    found.labels = labels(names, units)?;
    Ok(found)
}

fn offers(calls: &[String]) -> Result<Offers, String> {
    let mut offers = Offers::default();
    let mut forward = false;
    for call in calls {
        match call.as_str() {
            "forward" => forward = true,
            "jacobian" => offers.jacobian = true,
            "jvp" => offers.jvp = true,
            "vjp" => offers.vjp = true,
            other => {
                return Err(format!(
                    "it offers '{}', which is unknown; known: forward, jacobian, jvp, vjp",
                    shown(other)
                ));
            }
        }
    }
    match forward {
        true => Ok(offers),
        false => Err("it does not offer 'forward', which is required".to_owned()),
    }
}

fn labels(
    names: Option<Vec<String>>,
    units: Option<Vec<String>>,
) -> Result<Option<Vec<(String, String)>>, String> {
    let Some(names) = names else {
        return match units {
            None => Ok(None),
            Some(_) => Err("it gives units but no names of its unknowns".to_owned()),
        };
    };
    for (i, name) in names.iter().enumerate() {
        if name.is_empty() || names[..i].contains(name) {
            return Err(format!(
                "its names must be distinct and not empty, but name {} is '{name}'",
                i + 1
            ));
        }
    }
    let units = units.unwrap_or_else(|| vec!["1".to_owned(); names.len()]);
    if units.len() != names.len() {
        return Err(format!(
            "it gives {} names but {} units",
            names.len(),
            units.len()
        ));
    }
    Ok(Some(names.into_iter().zip(units).collect()))
}

/// What a program wrote, on one line and not too long.
fn shown(text: &str) -> String {
    const MOST: usize = 120;
    let line = plain_line(text);
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn object(text: &str) -> Map<String, Value> {
        match serde_json::from_str(text).unwrap() {
            Value::Object(map) => map,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_request_is_one_line_and_its_numbers_keep_every_digit() {
        let x = [0.1 + 0.2, -5e-324, f64::MAX, -0.0];
        let request = Request {
            call: "jvp",
            vectors: &[("x", &x), ("dx", &[1.0])],
        };
        let line = String::from_utf8(request.line(7).unwrap()).unwrap();
        assert_eq!(line.matches('\n').count(), 1);
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&read["id"], &read["call"]), (&7.into(), &"jvp".into()));
        let back = numbers::array(&read["x"], &[4]).unwrap();
        let bits = |v: &[f64]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&back), bits(&x));
        let line = String::from_utf8(DESCRIBE.line(0).unwrap()).unwrap();
        assert_eq!(line, "{\"id\":0,\"call\":\"describe\",\"version\":1}\n");
    }

    #[test]
    fn what_a_program_says_of_itself_is_checked() {
        let full = r#"{"offers": ["forward", "vjp"], "input_shape": [2], "output_shape": [4, 5],
            "names": ["a", "r"], "units": ["V", "1/s"]}"#;
        let found = introduction(object(full)).unwrap();
        assert_eq!(found.offers, Offers::default().with_vjp(true));
        assert_eq!(found.output_shape, Some(vec![4, 5]));
        let label = |name: &str, unit: &str| (name.to_owned(), unit.to_owned());
        assert_eq!(found.labels, Some(vec![label("a", "V"), label("r", "1/s")]));
        assert_eq!(
            introduction(object("{}")).unwrap(),
            Introduction::default(),
            "everything may be left out"
        );
        for (text, part) in [
            (r#"{"offers": ["jvp"]}"#, "does not offer 'forward'"),
            (
                r#"{"offers": ["forward", "grad"]}"#,
                "'grad', which is unknown",
            ),
            (
                r#"{"offers": "forward"}"#,
                "offers = \"forward\", expected a list",
            ),
            (
                r#"{"offer": ["forward"]}"#,
                "unknown key 'offer'; known: offers",
            ),
            (r#"{"input_shape": 3}"#, "expected a list of counts"),
            (r#"{"input_shape": [-3]}"#, "expected a list of counts"),
            (r#"{"input_shape": []}"#, "expected a list of counts"),
            (r#"{"units": ["V"]}"#, "units but no names"),
            (
                r#"{"names": ["a", "a"]}"#,
                "distinct and not empty, but name 2 is 'a'",
            ),
            (
                r#"{"names": ["a", "b"], "units": ["V"]}"#,
                "2 names but 1 units",
            ),
            (r#"{"names": [1]}"#, "expected a list of names"),
        ] {
            let message = introduction(object(text)).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn an_answer_belongs_to_its_request() {
        let said = |line: &str| match read(line.as_bytes(), 3, "forward") {
            Said::Answer(answer) => format!("{:?}", values(answer, "forward", &[2])),
            Said::Failure(why) | Said::Astray(why) => why,
        };
        for (line, part) in [
            (r#"{"id": 3, "value": [1, NaN]}"#, "Ok([1.0, NaN])"),
            (r#"{"id": 3, "error": "no mesh"}"#, "no mesh"),
            (
                r#"{"id": 3, "error": null, "value": [1, 2]}"#,
                "Ok([1.0, 2.0])",
            ),
            (r#"{"id": 2, "value": [1, 2]}"#, "answered with id 2"),
            (
                r#"{"id": "3", "value": [1, 2]}"#,
                "answered with id \\\"3\\\"",
            ),
            (r#"{"value": [1, 2]}"#, "has no \"id\""),
            (r#"{"id": 3, "y": [1, 2]}"#, "nor \\\"error\\\", but y"),
            (r#"{"id": 3}"#, "but nothing else"),
            (r#"{"id": 3, "value": ["a"]}"#, "among the numbers"),
            ("[1, 2]", "not a JSON object: '[1, 2]'"),
            ("loading\u{1b}[2J …", "'loading\\u{1b}[2J …'"),
        ] {
            let found = said(line);
            let part = match line.starts_with(r#"{"id": "3""#) {
                true => "answered with id \"3\"",
                false => part,
            };
            assert!(found.contains(part), "{line}: {found}");
        }
        assert!(said(&"x".repeat(1000)).len() < 500);
    }
}
