//! A scripted server, which can misbehave in every way.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

/// What the server does when it is asked.
pub enum Reply {
    /// A status and a body.
    Answer(u16, String),
    /// An answer, and then the connection is closed without a word.
    AnswerAndClose(String),
    /// These bytes as they are, and then the connection is closed.
    Bytes(Vec<u8>),
    /// Nothing for this long.
    Silence(Duration),
    /// So many bytes of body.
    Flood(u64),
}

/// A server that runs until the test ends.
pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    sent: Arc<Mutex<u64>>,
}

impl Server {
    /// Starts one; `script` says what to do from the path, the question and how many came before.
    pub fn start(script: impl Fn(&str, &Value, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            asked: Arc::default(),
            sent: Arc::default(),
        };
        let (asked, sent) = (server.asked.clone(), server.sent.clone());
        let script = Arc::new(script);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (asked, sent, script) = (asked.clone(), sent.clone(), script.clone());
                std::thread::spawn(move || converse(stream, &asked, &sent, &*script));
            }
        });
        server
    }

    /// The questions to a path so far.
    pub fn questions(&self, path: &str) -> Vec<Value> {
        let asked = self.asked.lock().unwrap();
        let wanted = asked.iter().filter(|(to, _)| to == path);
        wanted.map(|(_, question)| question.clone()).collect()
    }

    /// How many bytes of floods went out.
    pub fn flooded(&self) -> u64 {
        *self.sent.lock().unwrap()
    }
}

fn converse(
    stream: TcpStream,
    asked: &Mutex<Vec<(String, Value)>>,
    sent: &Mutex<u64>,
    script: &dyn Fn(&str, &Value, usize) -> Reply,
) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some((path, question)) = read_request(&mut reader) {
        let before = {
            let mut asked = asked.lock().unwrap();
            asked.push((path.clone(), question.clone()));
            asked.iter().filter(|(to, _)| *to == path).count() - 1
        };
        let head = |status: u16, length: u64| {
            format!("HTTP/1.1 {status} Said\r\ncontent-length: {length}\r\n\r\n")
        };
        match script(&path, &question, before) {
            Reply::Answer(status, body) => {
                let answer = head(status, body.len() as u64) + &body;
                if writer.write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
            Reply::AnswerAndClose(body) => {
                let answer = head(200, body.len() as u64) + &body;
                let _ = writer.write_all(answer.as_bytes());
                return;
            }
            Reply::Bytes(bytes) => {
                let _ = writer.write_all(&bytes);
                return;
            }
            Reply::Silence(time) => {
                std::thread::sleep(time);
                return;
            }
            Reply::Flood(length) => {
                let _ = writer.write_all(head(200, length).as_bytes());
                let chunk = [b' '; 64 * 1024];
                for _ in 0..length / chunk.len() as u64 {
                    if writer.write_all(&chunk).is_err() {
                        return;
                    }
                    *sent.lock().unwrap() += chunk.len() as u64;
                }
            }
        }
    }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<(String, Value)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split_whitespace().nth(1)?.to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}
