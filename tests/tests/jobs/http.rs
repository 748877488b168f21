//! Requests, as anybody could make them.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::scenario::Scenario;

pub struct Answer {
    pub status: u16,
    head: String,
    body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// A header by its name in lower case.
    pub fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines();
        let found = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        found.unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }
}

pub fn get(scenario: &Scenario, path: &str) -> Answer {
    request(scenario, &format!("GET {path}"), "")
}

pub fn post(scenario: &Scenario, path: &str, body: &str) -> Answer {
    request(scenario, &format!("POST {path}"), body)
}

fn request(scenario: &Scenario, line: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(scenario.hooks()).unwrap();
    let length = body.len();
    write!(
        stream,
        "{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}
