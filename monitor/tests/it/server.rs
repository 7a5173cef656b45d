//! `monitor serve` as a process, and what is sent to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::Value as Json;

use crate::home::Fixture;

/// A running server, killed when dropped.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) address: String,
}

/// An answer: status, headers and text.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    headers: ureq::http::HeaderMap,
}

impl Answer {
    /// A header's value; empty when there is none.
    pub(crate) fn header(&self, name: &str) -> String {
        self.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    /// The text as JSON; null when it is none.
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or(Json::Null)
    }
}

impl Server {
    /// Starts it on any free port.
    pub(crate) fn start(fixture: &Fixture, args: &[&str]) -> Self {
        Self::spawn(fixture.command(&["serve", "--listen", "127.0.0.1:0"]).args(args))
    }

    /// Starts a command that serves.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, address }
    }

    /// Posts a body.
    pub(crate) fn send(&self, path: &str, body: &[u8], headers: &[(&str, &str)]) -> Answer {
        let mut request = agent().post(format!("{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.send(body).unwrap())
    }

    /// Posts a body; status and JSON come back.
    pub(crate) fn post(&self, path: &str, body: &[u8], headers: &[(&str, &str)]) -> (u16, Json) {
        let answer = self.send(path, body, headers);
        (answer.status, answer.json())
    }

    /// Gets a page.
    pub(crate) fn get(&self, path: &str) -> Answer {
        read(agent().get(format!("{}{path}", self.address)).call().unwrap())
    }

    /// Sends a request as it stands and returns the whole answer.
    pub(crate) fn raw(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// A connection of its own.
    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address.trim_start_matches("http://")).unwrap()
    }

    /// Asks it to stop and waits until it has.
    pub(crate) fn terminate(mut self) {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A client that takes every status for an answer.
pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}

/// Packs a body.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn read(mut answer: ureq::http::Response<ureq::Body>) -> Answer {
    let text = answer.body_mut().read_to_string().unwrap();
    Answer { status: answer.status().as_u16(), text, headers: answer.headers().clone() }
}
