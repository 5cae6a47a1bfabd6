//! Bytes that are no text, and readers that fail on the way to it: what the error holds, and what the `String`.

use runtime::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader, ReadBuf};
use runtime_tests::evil::block_on;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::str::Utf8Error;
use std::task::{Context, Poll};

/// No text: the second character is cut off.
const BROKEN: &[u8] = b"a\xe4\n";

fn utf8_error(error: &io::Error) -> Utf8Error {
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    *error.get_ref().expect("nothing is inside").downcast_ref::<Utf8Error>().expect("something else is inside")
}

#[test]
fn d20_read_line_says_where_it_is_no_text() {
    let mut text = String::from("before");
    let mut reader = &[BROKEN, b"more\n"].concat()[..];
    let error = block_on(reader.read_line(&mut text)).unwrap_err();
    assert_eq!(text, "before");
    let inside = utf8_error(&error);
    // Counted from the `String`'s beginning, where the bytes would stand.
    assert_eq!((inside.valid_up_to(), inside.error_len()), (7, Some(1)));
    assert_eq!(block_on(reader.read_line(&mut text)).unwrap(), 5);
    assert_eq!(text, "beforemore\n");
}

#[test]
fn d20_read_to_string_says_where_it_is_no_text() {
    let mut text = String::from("before");
    let error = block_on((&b"abc\xf0\x9f"[..]).read_to_string(&mut text)).unwrap_err();
    assert_eq!(text, "before");
    let inside = utf8_error(&error);
    assert_eq!((inside.valid_up_to(), inside.error_len()), (9, None));
}

/// Gives its pieces, and then an error instead of the end.
struct Failing(Vec<&'static [u8]>);

impl AsyncRead for Failing {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.0.is_empty() {
            return Poll::Ready(Err(ErrorKind::TimedOut.into()));
        }
        buf.put_slice(self.0.remove(0));
        Poll::Ready(Ok(()))
    }
}

fn read_line(mut reader: impl AsyncBufRead + Unpin, text: &mut String) -> ErrorKind {
    block_on(reader.read_line(text)).unwrap_err().kind()
}

/// `read_to_string` gives all or nothing. `read_line` keeps the part of a line that is text, as tokio's and std's do.
#[test]
fn d20_what_a_string_holds_after_an_error_of_the_reader() {
    for pieces in [vec![], vec![&b"abc"[..]], vec![b"abc", b"d\xe4"], vec![b"\xff"], vec![b"abc", b"de"]] {
        let is_text = std::str::from_utf8(&pieces.concat()).is_ok();
        let mut text = String::from("before");
        let mut reader = Failing(pieces.clone());
        assert_eq!(block_on(reader.read_to_string(&mut text)).unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(text, "before", "{pieces:?}");
        assert_eq!(read_line(BufReader::new(Failing(pieces.clone())), &mut text), ErrorKind::TimedOut);
        let kept = if is_text { String::from_utf8(pieces.concat()).unwrap() } else { String::new() };
        assert_eq!(text, format!("before{kept}"), "{pieces:?}");
    }
}
