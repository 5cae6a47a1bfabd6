//! Writes into a choppy writer: what arrives is what was written.

use bytes::Buf;
use runtime::io::{AsyncWrite, AsyncWriteExt, ErrorKind, Sink, sink};
use runtime_tests::evil::{Choppy, block_on, give_up_after, seeds};
use std::io::{Cursor, IoSlice};

#[test]
fn write_all_and_write_all_buf_write_everything_once() {
    seeds(300, |mut dice| {
        let len = dice.below(200);
        let data = dice.bytes(len, b"abcdef");
        let mut writer = Choppy::new(Vec::new(), &mut dice).interrupted(4);
        block_on(writer.write_all(&data)).unwrap();
        assert_eq!(writer.bytes, data);

        let vectored = dice.one_in(2);
        let mut writer = Choppy::new(Vec::new(), &mut dice).interrupted(4).piece(30).vectored(vectored);
        let (one, two) = data.split_at(dice.below(len + 1));
        let mut src = Buf::chain(one, two);
        block_on(writer.write_all_buf(&mut src)).unwrap();
        assert_eq!((&writer.bytes, src.remaining()), (&data, 0));
    });
}

#[test]
fn giving_up_and_errors_lose_and_double_nothing_of_a_buf() {
    seeds(300, |mut dice| {
        let data = dice.bytes(100, b"abcdef");
        let vectored = dice.one_in(2);
        let mut writer = Choppy::new(Vec::new(), &mut dice).interrupted(4).errors(6).vectored(vectored);
        let mut src = Buf::chain(&data[..40], &data[40..]);
        while src.has_remaining() {
            let polls = 1 + dice.below(3);
            let whole = dice.one_in(2);
            if whole {
                let _ = give_up_after(polls, writer.write_all_buf(&mut src));
            } else {
                let _ = give_up_after(polls, writer.write_buf(&mut src));
            }
            assert_eq!(writer.bytes.len() + src.remaining(), data.len());
        }
        assert_eq!(writer.bytes, data);
    });
}

#[test]
fn write_tells_what_was_taken() {
    seeds(200, |mut dice| {
        let data = dice.bytes(60, b"abcdef");
        let vectored = dice.one_in(2);
        let mut writer = Choppy::new(Vec::new(), &mut dice).vectored(vectored);
        let mut at = 0;
        while at < data.len() {
            let (one, two) = data[at..].split_at((data.len() - at) / 2);
            at += match dice.one_in(2) {
                true => block_on(writer.write(&data[at..])).unwrap(),
                false => block_on(writer.write_vectored(&[IoSlice::new(one), IoSlice::new(two)])).unwrap(),
            };
            assert_eq!(writer.bytes, data[..at]);
        }
    });
}

#[test]
fn a_full_writer_is_an_error_and_not_a_loop() {
    let full = |f: &dyn Fn(&mut Cursor<&mut [u8]>) -> std::io::Result<()>| {
        let mut memory = [0; 3];
        let error = f(&mut Cursor::new(&mut memory[..])).unwrap_err();
        assert_eq!((error.kind(), &memory), (ErrorKind::WriteZero, b"abc"));
    };
    full(&|writer| block_on(writer.write_all(b"abcd")));
    full(&|writer| block_on(writer.write_all_buf(&mut &b"abcd"[..])));
    full(&|writer| block_on(writer.write_u32(u32::from_be_bytes(*b"abcd"))));
    full(&|writer| block_on(runtime::io::copy(&mut &b"abcd"[..], writer)).map(drop));
    full(&|writer| block_on(runtime::io::copy_buf(&mut &b"abcd"[..], writer)).map(drop));
}

#[test]
fn sinks_in_memory_take_vectors() {
    let bufs = [IoSlice::new(b"one "), IoSlice::new(b""), IoSlice::new(b"two")];
    let mut vec = Vec::new();
    assert!(AsyncWrite::is_write_vectored(&vec));
    assert_eq!(block_on(vec.write_vectored(&bufs)).unwrap(), 7);
    let mut cursor = Cursor::new(vec![b'-'; 2].into_boxed_slice());
    assert_eq!(block_on(cursor.write_vectored(&bufs)).unwrap(), 2);
    let mut cursor = Cursor::new(Vec::new());
    cursor.set_position(1);
    assert_eq!(block_on(cursor.write_vectored(&bufs)).unwrap(), 7);
    assert_eq!((&vec[..], &cursor.into_inner()[..]), (&b"one two"[..], &b"\0one two"[..]));
    assert!(AsyncWrite::is_write_vectored(&sink()));
    assert_eq!(block_on(Sink::write_vectored(&mut sink(), &bufs)).unwrap(), 7);
}

#[test]
fn flush_and_shutdown_reach_the_writer() {
    seeds(20, |mut dice| {
        let mut writer: Box<dyn AsyncWrite + Unpin> = Box::new(Choppy::new(Vec::new(), &mut dice));
        block_on(writer.flush()).unwrap();
        let mut writer = Choppy::new(Vec::new(), &mut dice);
        block_on(writer.shutdown()).unwrap();
        assert_eq!((writer.flushes, writer.shutdowns), (1, 1));
    });
}
