//! Lines and segments against std's, from a choppy reader.

use runtime::io::{AsyncBufReadExt, BufReader, ErrorKind};
use runtime_tests::evil::{Choppy, block_on, give_up_after, seeds};
use std::io::BufRead;

#[test]
fn lines_are_those_of_std() {
    seeds(400, |mut dice| {
        let len = dice.below(80);
        let data = dice.bytes(len, b"ab\r\n\n");
        let expected: Vec<String> = BufRead::lines(&data[..]).map(Result::unwrap).collect();
        let mut lines = Choppy::new(data, &mut dice).interrupted(5).lines();
        let mut got = Vec::new();
        while let Some(line) = block_on(lines.next_line()).unwrap() {
            got.push(line);
        }
        assert_eq!(got, expected);
    });
}

#[test]
fn segments_are_those_of_std_through_a_buffer() {
    seeds(400, |mut dice| {
        let len = dice.below(80);
        let data = dice.bytes(len, b"abc;");
        let expected: Vec<Vec<u8>> = BufRead::split(&data[..], b';').map(Result::unwrap).collect();
        let capacity = 1 + dice.below(9);
        let reader = BufReader::with_capacity(capacity, Choppy::new(data, &mut dice).interrupted(5));
        let mut segments = reader.split(b';');
        let mut got = Vec::new();
        while let Some(segment) = block_on(segments.next_segment()).unwrap() {
            got.push(segment);
        }
        assert_eq!(got, expected);
    });
}

#[test]
fn giving_up_and_errors_lose_no_part_of_a_line() {
    seeds(400, |mut dice| {
        let len = dice.below(120);
        let data = dice.bytes(len, b"abcdef\n");
        let lines: Vec<String> = BufRead::lines(&data[..]).map(Result::unwrap).collect();
        let segments: Vec<Vec<u8>> = BufRead::split(&data[..], b'a').map(Result::unwrap).collect();

        let mut reader = Choppy::new(data.clone(), &mut dice).errors(7).lines();
        let mut got = Vec::new();
        loop {
            let polls = 1 + dice.below(2);
            match give_up_after(polls, reader.next_line()) {
                Some(Ok(Some(line))) => got.push(line),
                Some(Ok(None)) => break,
                Some(Err(_)) | None => {}
            }
        }
        assert_eq!(got, lines);

        let mut reader = Choppy::new(data, &mut dice).errors(7).split(b'a');
        let mut got = Vec::new();
        loop {
            let polls = 1 + dice.below(2);
            match give_up_after(polls, reader.next_segment()) {
                Some(Ok(Some(segment))) => got.push(segment),
                Some(Ok(None)) => break,
                Some(Err(_)) | None => {}
            }
        }
        assert_eq!(got, segments);
    });
}

#[test]
fn a_line_that_is_no_text_is_in_the_error_and_the_next_one_comes() {
    let mut lines = AsyncBufReadExt::lines(&b"one\n\xff\xfe\nthree"[..]);
    assert_eq!(block_on(lines.next_line()).unwrap().as_deref(), Some("one"));
    let error = block_on(lines.next_line()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    let inner = error.into_inner().unwrap().downcast::<std::string::FromUtf8Error>().unwrap();
    assert_eq!(inner.into_bytes(), b"\xff\xfe");
    assert_eq!(block_on(lines.next_line()).unwrap().as_deref(), Some("three"));
    assert_eq!(block_on(lines.next_line()).unwrap(), None);
    assert_eq!(lines.into_inner(), b"");
}

#[test]
fn read_until_counts_and_keeps_what_it_took() {
    seeds(300, |mut dice| {
        let len = dice.below(80);
        let data = dice.bytes(len, b"abc;");
        let mut reader = Choppy::new(data.clone(), &mut dice).interrupted(5).errors(9);
        let mut got = Vec::new();
        loop {
            let before = got.len();
            let polls = 1 + dice.below(3);
            match give_up_after(polls, reader.read_until(b';', &mut got)) {
                Some(Ok(0)) => break,
                Some(Ok(n)) => {
                    assert_eq!(n, got.len() - before);
                    assert!(got.ends_with(b";") || got.len() == data.len());
                }
                Some(Err(_)) | None => {}
            }
            assert_eq!(got, data[..got.len()]);
        }
        assert_eq!(got, data);
    });
}
