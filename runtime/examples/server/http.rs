//! As much of HTTP/1.1 as the server speaks: bytes in, bytes out, no sockets.
//!
//! What could be understood in two ways is refused, because a proxy in front may understand it in the other one:
//! two lengths, folded headers, a blank before a colon, chunked bodies.

use std::borrow::Cow;
use std::io::Write;

/// The first line and the headers.
const HEAD_MAX: usize = 8 << 10;
const BODY_MAX: usize = 1 << 20;

pub(crate) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A whole request, borrowed from the bytes it came in.
#[derive(Debug, PartialEq)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    /// Without the query.
    pub(crate) path: &'a str,
    pub(crate) body: &'a [u8],
    pub(crate) keep_alive: bool,
    /// How many bytes it took.
    pub(crate) length: usize,
}

/// What the bytes begin with.
#[derive(Debug, PartialEq)]
pub(crate) enum Next<'a> {
    Request(Request<'a>),
    /// More must come first. `wants_continue`: the client sends the body only when it is told to.
    Incomplete {
        wants_continue: bool,
    },
    /// No request we take; after an answer with this status the connection ends.
    Refused(u16),
}

/// Reads the request that `input` begins with.
pub(crate) fn next(input: &[u8]) -> Next<'_> {
    request(input).unwrap_or_else(Next::Refused)
}

fn request(input: &[u8]) -> Result<Next<'_>, u16> {
    // Some clients send an empty line after a body; the standard asks for patience with one.
    if input == b"\r" {
        return Ok(Next::Incomplete { wants_continue: false });
    }
    let skipped = if input.starts_with(b"\r\n") { 2 } else { 0 };
    let bytes = &input[skipped..];
    let end = bytes.windows(4).take(HEAD_MAX).position(|four| four == b"\r\n\r\n");
    let Some(end) = end else {
        // Nonsense is refused as soon as it is seen: another protocol's client waits for our answer.
        let method = bytes.split(|&byte| byte == b' ').next().unwrap_or_default();
        return match () {
            () if !method.iter().all(|&byte| is_token(byte)) => Err(400),
            () if bytes.len() >= HEAD_MAX => Err(431),
            () => Ok(Next::Incomplete { wants_continue: false }),
        };
    };
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| 400_u16)?;
    let mut lines = head.split("\r\n");
    let (method, path, newer) = request_line(lines.next().unwrap_or_default())?;
    let headers = Headers::read(lines)?;
    if newer && !headers.host {
        return Err(400);
    }
    let length = headers.length.unwrap_or(0);
    if length > BODY_MAX {
        return Err(413);
    }
    let start = end + 4;
    let Some(body) = bytes.get(start..start + length) else {
        return Ok(Next::Incomplete { wants_continue: headers.wants_continue && bytes.len() == start });
    };
    let keep_alive = !headers.close && (newer || headers.keep_alive);
    Ok(Next::Request(Request { method, path, body, keep_alive, length: skipped + start + length }))
}

/// Method, path, and whether it is HTTP/1.1 (and not 1.0).
fn request_line(line: &str) -> Result<(&str, &str, bool), u16> {
    let mut words = line.split(' ');
    let (Some(method), Some(target), Some(version), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(400);
    };
    if method.is_empty() || !method.bytes().all(is_token) || target.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(400);
    }
    let newer = match version {
        "HTTP/1.1" => true,
        "HTTP/1.0" => false,
        other if other.starts_with("HTTP/") => return Err(505),
        _ => return Err(400),
    };
    // A proxy's client sends the whole address; the path begins after the host.
    let target = match target.strip_prefix("http://") {
        Some(rest) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => target,
    };
    if !target.starts_with('/') && target != "*" {
        return Err(400);
    }
    Ok((method, target.split('?').next().unwrap_or(target), newer))
}

/// The headers that matter here.
#[derive(Default)]
struct Headers {
    host: bool,
    length: Option<usize>,
    close: bool,
    keep_alive: bool,
    wants_continue: bool,
}

impl Headers {
    fn read<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Headers, u16> {
        let mut headers = Headers::default();
        for line in lines {
            let (name, value) = line.split_once(':').ok_or(400_u16)?;
            if name.is_empty() || !name.bytes().all(is_token) {
                return Err(400);
            }
            let value = value.trim_matches([' ', '\t']);
            if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
                return Err(400);
            }
            headers.note(name, value)?;
        }
        Ok(headers)
    }

    fn note(&mut self, name: &str, value: &str) -> Result<(), u16> {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if is("host") {
            // A second one could name another host to whoever looks at it.
            if std::mem::replace(&mut self.host, true) {
                return Err(400);
            }
        } else if is("content-length") {
            let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
            // More digits than fit are a length too large, not nonsense.
            let length = if digits { value.parse().unwrap_or(usize::MAX) } else { return Err(400) };
            if self.length.is_some_and(|other| other != length) {
                return Err(400);
            }
            self.length = Some(length);
        } else if is("transfer-encoding") {
            return Err(501);
        } else if is("connection") {
            for word in value.split(',').map(str::trim) {
                self.close |= word.eq_ignore_ascii_case("close");
                self.keep_alive |= word.eq_ignore_ascii_case("keep-alive");
            }
        } else if is("expect") {
            if !value.eq_ignore_ascii_case("100-continue") {
                return Err(417);
            }
            self.wants_continue = true;
        }
        Ok(())
    }
}

/// May the byte stand in a method or in a header's name?
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What is sent back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Cow<'static, str>,
    /// As an answer to `HEAD`: the length is told, the body is not sent.
    pub(crate) without_body: bool,
    pub(crate) close: bool,
}

impl Answer {
    pub(crate) fn text(body: impl Into<Cow<'static, str>>) -> Answer {
        Answer { status: 200, body: body.into(), without_body: false, close: false }
    }

    /// Its reason as its body; the connection ends with it.
    pub(crate) fn error(status: u16) -> Answer {
        Answer { status, body: format!("{}\n", reason(status)).into(), without_body: false, close: true }
    }

    pub(crate) fn write(&self, output: &mut Vec<u8>) {
        let connection = if self.close { "connection: close\r\n" } else { "" };
        let allow = if self.status == 405 { "allow: GET, HEAD, POST\r\n" } else { "" };
        // Writing into memory does not fail.
        let _ = write!(
            output,
            "HTTP/1.1 {} {}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n{connection}{allow}\r\n{}",
            self.status,
            reason(self.status),
            self.body.len(),
            if self.without_body { "" } else { &self.body },
        );
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        417 => "Expectation Failed",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        505 => "HTTP Version Not Supported",
        _ => "Error",
    }
}
