//! Questions and answers of the protocol, as JSON over HTTP.

use std::io::ErrorKind;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ureq::Agent;

use crate::error::{Error, Result};

/// The longest answer to a question about the model itself, and what numbers may take beside their own
/// length.
const SMALL_BODY: u64 = 64 * 1024;

/// No number takes more bytes in JSON, blanks included.
const BYTES_PER_VALUE: u64 = 64;

/// How many characters of an answer stand in a message, and of the server's own message.
const LONGEST: usize = 200;
const LONGEST_MESSAGE: usize = 2000;

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// Which model is asked, and how it is configured.
pub(super) struct Address {
    pub(super) name: String,
    pub(super) config: Value,
}

/// The connection to a server; idle connections are kept and used again.
pub(super) struct Wire {
    agent: Agent,
    pub(super) url: String,
    /// What stands in messages.
    pub(super) label: String,
    timeout: Duration,
    limit: Option<u64>,
}

/// What a server is.
#[derive(Deserialize)]
pub(super) struct Info {
    #[serde(rename = "protocolVersion")]
    pub(super) protocol_version: f64,
    pub(super) models: Vec<String>,
}

/// What a model can do.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Support {
    #[serde(rename = "Evaluate")]
    pub(super) evaluate: bool,
    #[serde(rename = "Gradient")]
    pub(super) gradient: bool,
    #[serde(rename = "ApplyJacobian")]
    pub(super) jacobian: bool,
    #[serde(rename = "ApplyHessian")]
    pub(super) hessian: bool,
}

/// A question about a model; only what the question needs is sent.
#[derive(Serialize, Default)]
struct Question<'q> {
    name: &'q str,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<&'q Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<&'q [&'q [f64]]>,
    #[serde(rename = "outWrt", skip_serializing_if = "Option::is_none")]
    output_index: Option<usize>,
    #[serde(rename = "inWrt", skip_serializing_if = "Option::is_none")]
    input_index: Option<usize>,
    #[serde(rename = "inWrt1", skip_serializing_if = "Option::is_none")]
    first_index: Option<usize>,
    #[serde(rename = "inWrt2", skip_serializing_if = "Option::is_none")]
    second_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sens: Option<&'q [f64]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vec: Option<&'q [f64]>,
}

impl<'q> Question<'q> {
    fn about(address: &'q Address) -> Self {
        Self {
            name: &address.name,
            config: Some(&address.config),
            ..Self::default()
        }
    }
}

#[derive(Deserialize)]
struct ErrorAnswer {
    error: ErrorBody,
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct Output<T> {
    output: T,
}

#[derive(Deserialize)]
struct SupportAnswer {
    support: Support,
}

#[derive(Deserialize)]
struct Sizes {
    #[serde(alias = "inputSizes", alias = "outputSizes")]
    sizes: Vec<usize>,
}

/// A number; some servers write null for NaN.
type WireNumber = Option<f64>;

impl Wire {
    pub(super) fn new(url: String, timeout: Duration, limit: Option<u64>) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT.min(timeout)))
            .timeout_global(Some(timeout))
            .max_idle_connections(64)
            .max_idle_connections_per_host(64)
            .max_redirects(0)
            .proxy(None)
            .user_agent(concat!("retrodict/", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            agent: config.into(),
            label: format!("the UM-Bridge server at {url}"),
            url,
            timeout,
            limit,
        }
    }

    pub(super) fn failed(&self, message: impl Into<String>) -> Error {
        super::super::failed_as(self.label.clone(), message)
    }

    pub(super) fn info(&self) -> Result<Info> {
        self.ask("Info", None, SMALL_BODY)
    }

    pub(super) fn support(&self, address: &Address) -> Result<Support> {
        let question = Question {
            config: None,
            ..Question::about(address)
        };
        let answer: SupportAnswer = self.ask("ModelInfo", Some(&question), SMALL_BODY)?;
        Ok(answer.support)
    }

    pub(super) fn sizes(&self, what: &str, address: &Address) -> Result<Vec<usize>> {
        let answer: Sizes = self.ask(what, Some(&Question::about(address)), SMALL_BODY)?;
        Ok(answer.sizes)
    }

    /// All outputs at x, joined.
    pub(super) fn evaluate(
        &self,
        address: &Address,
        x: &[&[f64]],
        sizes: &[usize],
    ) -> Result<Vec<f64>> {
        let question = Question {
            input: Some(x),
            ..Question::about(address)
        };
        let limit = self.limit_for(sizes.iter().sum());
        let Output { output } =
            self.ask::<Output<Vec<Vec<WireNumber>>>>("Evaluate", Some(&question), limit)?;
        let found: Vec<usize> = output.iter().map(Vec::len).collect();
        if found != sizes {
            return Err(self.failed(format!(
                "Evaluate returned vectors of {found:?} values, but OutputSizes declares {sizes:?}: \
                 check what the model returns"
            )));
        }
        Ok(output.concat().into_iter().map(number).collect())
    }

    /// (∂F_out/∂x_in)ᵀ sens.
    pub(super) fn gradient(
        &self,
        address: &Address,
        [out, from]: [usize; 2],
        x: &[&[f64]],
        sens: &[f64],
        len: usize,
    ) -> Result<Vec<f64>> {
        let question = Question {
            input: Some(x),
            output_index: Some(out),
            input_index: Some(from),
            sens: Some(sens),
            ..Question::about(address)
        };
        self.vector("Gradient", &question, len)
    }

    /// ∂F_out/∂x_in vec.
    pub(super) fn jacobian(
        &self,
        address: &Address,
        [out, from]: [usize; 2],
        x: &[&[f64]],
        vec: &[f64],
        len: usize,
    ) -> Result<Vec<f64>> {
        let question = Question {
            input: Some(x),
            output_index: Some(out),
            input_index: Some(from),
            vec: Some(vec),
            ..Question::about(address)
        };
        self.vector("ApplyJacobian", &question, len)
    }

    /// ∂²(sens · F_out)/∂x_to ∂x_from vec.
    pub(super) fn hessian(
        &self,
        address: &Address,
        [out, to, from]: [usize; 3],
        x: &[&[f64]],
        [sens, vec]: [&[f64]; 2],
        len: usize,
    ) -> Result<Vec<f64>> {
        let question = Question {
            input: Some(x),
            output_index: Some(out),
            first_index: Some(to),
            second_index: Some(from),
            sens: Some(sens),
            vec: Some(vec),
            ..Question::about(address)
        };
        self.vector("ApplyHessian", &question, len)
    }

    fn vector(&self, what: &str, question: &Question<'_>, len: usize) -> Result<Vec<f64>> {
        let Output { output } =
            self.ask::<Output<Vec<WireNumber>>>(what, Some(question), self.limit_for(len))?;
        if output.len() != len {
            return Err(self.failed(format!(
                "{what} returned {} values, expected {len}: check what the model returns",
                output.len()
            )));
        }
        Ok(output.into_iter().map(number).collect())
    }

    fn limit_for(&self, values: usize) -> u64 {
        self.limit
            .unwrap_or(SMALL_BODY + BYTES_PER_VALUE * values as u64)
    }

    fn ask<T: DeserializeOwned>(
        &self,
        what: &str,
        question: Option<&Question<'_>>,
        limit: u64,
    ) -> Result<T> {
        let body = question.map(serde_json::to_vec).transpose();
        let body = body.map_err(|e| self.failed(e.to_string()))?;
        let url = format!("{}/{what}", self.url);
        let (status, answer) = match self.send(&url, body.as_deref(), limit) {
            // A server may have closed an idle connection just now; P changes nothing, so ask again.
            Err(error) if broke_off(&error) => {
                self.send(&url, body.as_deref(), limit).map_err(|e| {
                    let again = self.explain(what, &e, limit);
                    self.failed(format!(
                        "the connection broke off; the request was repeated, {again}"
                    ))
                })?
            }
            other => other.map_err(|e| self.failed(self.explain(what, &e, limit)))?,
        };
        let read = if (200..300).contains(&status) {
            match serde_json::from_slice(&answer) {
                Ok(read) => return Ok(read),
                Err(error) => Some(error),
            }
        } else {
            None
        };
        Err(self.failed(format!(
            "{what} returned {}",
            refusal(status, &answer, read)
        )))
    }

    fn send(
        &self,
        url: &str,
        body: Option<&[u8]>,
        limit: u64,
    ) -> std::result::Result<(u16, Vec<u8>), ureq::Error> {
        let mut response = match body {
            Some(body) => self
                .agent
                .post(url)
                .header("content-type", "application/json")
                .send(body)?,
            None => self.agent.get(url).call()?,
        };
        let status = response.status().as_u16();
        let answer = response
            .body_mut()
            .with_config()
            .limit(limit)
            .read_to_vec()?;
        Ok((status, answer))
    }

    fn explain(&self, what: &str, error: &ureq::Error, limit: u64) -> String {
        match error {
            ureq::Error::Timeout(_) => format!(
                "no answer to {what} came within {} s; raise timeout to allow more, or check whether the server \
                 hangs",
                self.timeout.as_secs_f64()
            ),
            ureq::Error::BodyExceedsLimit(_) => format!(
                "the answer to {what} is longer than {limit} bytes, more than its numbers need; raise body_limit to \
                 allow more"
            ),
            ureq::Error::Io(e) if e.kind() == ErrorKind::ConnectionRefused => {
                "nothing is listening there: is the server running, and is this its port?"
                    .to_owned()
            }
            ureq::Error::HostNotFound => "there is no such host: check the address".to_owned(),
            error if broke_off(error) => {
                format!("the connection broke off before {what} was answered: did the server end?")
            }
            other => format!("the request {what} failed: {other}"),
        }
    }
}

fn number(number: WireNumber) -> f64 {
    number.unwrap_or(f64::NAN)
}

/// Whether the connection ended before the answer did.
fn broke_off(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Io(e) if matches!(
        e.kind(),
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof
    ))
}

/// What an answer says that is not what was asked for.
fn refusal(status: u16, answer: &[u8], misread: Option<serde_json::Error>) -> String {
    if let Ok(ErrorAnswer { error }) = serde_json::from_slice(answer) {
        let said = excerpt(error.message.as_bytes(), LONGEST_MESSAGE);
        return format!("{}: {said}", excerpt(error.kind.as_bytes(), LONGEST));
    }
    let shown = excerpt(answer, LONGEST);
    match (word_for_no_number(answer), misread) {
        (_, None) => {
            format!("HTTP status {status}: {shown}; look at what the server itself printed")
        }
        (Some(word), Some(_)) => format!(
            "'{word}', which is no number: the model has no finite value at this x; \
             try another start, smaller steps or bounds"
        ),
        (None, Some(error)) => {
            format!("something other than the protocol says ({error}): {shown}")
        }
    }
}

/// The beginning of an answer, on one line.
fn excerpt(answer: &[u8], longest: usize) -> String {
    if answer.is_empty() {
        return "an empty body".to_owned();
    }
    let text = String::from_utf8_lossy(&answer[..answer.len().min(4 * longest)]).into_owned();
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The NaN or infinity that a server wrote where JSON knows numbers only.
fn word_for_no_number(answer: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(answer).ok()?;
    text.split(|c: char| !c.is_alphabetic())
        .find(|word| ["nan", "inf", "infinity"].contains(&word.to_lowercase().as_str()))
}
