//! Questions that get no answer, as the protocol says so.

use serde_json::json;

/// A question that gets no answer.
#[derive(Debug)]
pub struct Refusal {
    /// The status of HTTP.
    pub status: u16,
    kind: &'static str,
    message: String,
}

impl Refusal {
    /// A refusal of one of the protocol's kinds.
    pub fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            message: message.into(),
        }
    }

    /// As the protocol writes it.
    pub fn body(&self) -> Vec<u8> {
        json!({ "error": { "type": self.kind, "message": self.message } })
            .to_string()
            .into_bytes()
    }

    /// The time of an answer is over.
    pub fn time() -> Self {
        let message = "no result within the server's time limit; raise its --timeout";
        Self::new(503, "Timeout", message)
    }

    /// The server ends before the answer is found.
    pub fn over() -> Self {
        Self::new(
            503,
            "Ending",
            "the server is shutting down; try again when it is running",
        )
    }

    /// The question itself is wrong.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidInput", message)
    }
}
