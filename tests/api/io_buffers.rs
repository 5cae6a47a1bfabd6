//! `BufReader`, `BufWriter` and `BufStream` against a cursor of std that does the same things.

use runtime::io::{
    AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufReader, BufStream, BufWriter, ErrorKind, SeekFrom,
};
use runtime_tests::evil::{Choppy, Dice, block_on, give_up_after, seeds};
use std::io::{Cursor, IoSlice, Read, Seek};

fn any_move(dice: &mut Dice, len: usize) -> SeekFrom {
    let by = dice.below(2 * len + 1) as i64 - len as i64;
    match dice.below(8) {
        0 => SeekFrom::Start(dice.below(len + 5) as u64),
        1 => SeekFrom::End(by),
        2 => SeekFrom::Current(i64::MIN),
        3 => SeekFrom::Current(i64::MIN + 1),
        _ => SeekFrom::Current(by / 4),
    }
}

#[test]
fn a_buf_reader_reads_and_moves_like_a_cursor() {
    seeds(600, |mut dice| {
        let len = 1 + dice.below(120);
        let data = dice.bytes(len, b"abcdefghij");
        let mut model = Cursor::new(data.clone());
        let capacity = 1 + dice.below(20);
        let mut reader = BufReader::with_capacity(capacity, Choppy::new(data, &mut dice).piece(30));
        for _ in 0..30 {
            match dice.below(5) {
                0 | 1 => {
                    let mut buf = vec![0; dice.below(40)];
                    let n = block_on(reader.read(&mut buf)).unwrap();
                    let mut expected = vec![0; n];
                    Read::read_exact(&mut model, &mut expected).unwrap();
                    assert_eq!(buf[..n], expected);
                    if n == 0 && !buf.is_empty() {
                        assert!(model.position() >= len as u64, "an end that is none");
                    }
                }
                2 => {
                    let shown = block_on(reader.fill_buf()).unwrap();
                    let n = dice.below(shown.len() + 1);
                    let mut expected = vec![0; n];
                    Read::read_exact(&mut model, &mut expected).unwrap();
                    assert_eq!(shown[..n], expected);
                    reader.consume(n);
                }
                3 => {
                    let to = any_move(&mut dice, len);
                    match (block_on(reader.seek(to)), Seek::seek(&mut model, to)) {
                        (Ok(at), Ok(expected)) => {
                            assert_eq!(at, expected);
                            assert_eq!((reader.buffer(), reader.get_ref().at as u64), (&[][..], at));
                        }
                        (Err(_), Err(_)) => {}
                        (ours, theirs) => panic!("{to:?}: {ours:?}, but std says {theirs:?}"),
                    }
                }
                _ => assert_eq!(block_on(reader.stream_position()).unwrap(), model.position()),
            }
        }
    });
}

#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio keeps what it read before the move")]
fn a_move_that_was_given_up_has_happened_or_not() {
    seeds(600, |mut dice| {
        let data: Vec<u8> = (0..200).collect();
        let mut reader = BufReader::with_capacity(16, Choppy::new(data, &mut dice).piece(30));
        let mut at = 0u8;
        for _ in 0..20 {
            let byte = block_on(reader.read_u8()).unwrap();
            assert_eq!(byte, at);
            let to = dice.below(150) as u8;
            let seek = match dice.one_in(2) {
                true => SeekFrom::Start(u64::from(to)),
                false => SeekFrom::Current(i64::from(to) - i64::from(at) - 1),
            };
            let polls = dice.below(4);
            at = match give_up_after(polls, reader.seek(seek)) {
                Some(moved) => {
                    assert_eq!(moved.unwrap(), u64::from(to));
                    to
                }
                // Whichever it is, the next byte is from there, and so are all that follow.
                None => {
                    let byte = block_on(reader.read_u8()).unwrap();
                    assert!(byte == to || byte == at + 1, "{byte} is neither {to} nor {}", at + 1);
                    byte + 1
                }
            };
        }
    });
}

#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio loses count when a vectored write is interrupted")]
fn a_buf_writer_writes_everything_in_order() {
    seeds(400, |mut dice| {
        let vectored = dice.one_in(2);
        let capacity = dice.below(20);
        let inner = Choppy::new(Vec::new(), &mut dice).interrupted(9).vectored(vectored).piece(9);
        let mut writer = BufWriter::with_capacity(capacity, inner);
        let mut expected = Vec::new();
        for _ in 0..30 {
            match dice.below(4) {
                0 | 1 => {
                    let len = dice.below(30);
                    let data = dice.bytes(len, b"abcdef");
                    block_on(writer.write_all(&data)).unwrap();
                    expected.extend_from_slice(&data);
                }
                2 => {
                    let pieces: Vec<Vec<u8>> = (0..3).map(|i| vec![b'0' + i; dice.below(12)]).collect();
                    let slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
                    // What goes past the buffer is not repeated when it is interrupted.
                    let n = loop {
                        match block_on(writer.write_vectored(&slices)) {
                            Err(error) if error.kind() == ErrorKind::Interrupted => {}
                            result => break result.unwrap(),
                        }
                    };
                    expected.extend_from_slice(&pieces.concat()[..n]);
                }
                _ => {
                    let polls = dice.below(4);
                    let _ = give_up_after(polls, writer.flush());
                }
            }
            assert!(writer.buffer().len() <= capacity);
            assert_eq!([&writer.get_ref().bytes[..], writer.buffer()].concat(), expected);
        }
        block_on(writer.shutdown()).unwrap();
        assert_eq!((&writer.get_ref().bytes, writer.get_ref().shutdowns, writer.buffer()), (&expected, 1, &[][..]));
    });
}

#[test]
fn a_buf_writer_writes_before_it_moves() {
    seeds(100, |mut dice| {
        let mut writer = BufWriter::with_capacity(8, Choppy::new(Vec::new(), &mut dice));
        block_on(writer.write_all(b"some bytes")).unwrap();
        assert_eq!(block_on(writer.seek(SeekFrom::Current(-5))).unwrap(), 5);
        block_on(writer.write_all(b"BY")).unwrap();
        assert_eq!(block_on(writer.stream_position()).unwrap(), 7);
        assert_eq!(writer.into_inner().bytes, b"some BYtes");
    });
}

#[test]
fn a_buf_stream_keeps_what_is_in_its_buffers() {
    seeds(100, |mut dice| {
        let mut stream = BufStream::with_capacity(8, 8, Choppy::new(b"0123456789".to_vec(), &mut dice));
        assert_eq!(block_on(stream.read_u8()).unwrap(), b'0');
        block_on(stream.seek(SeekFrom::Start(3))).unwrap();
        block_on(stream.write_all(b"abc")).unwrap();
        block_on(stream.rewind()).unwrap();
        let mut all = String::new();
        block_on(stream.read_to_string(&mut all)).unwrap();
        assert_eq!(all, "012abc6789");

        let mut one =
            BufWriter::with_capacity(8, BufReader::with_capacity(4, Choppy::new(b"xyz".to_vec(), &mut dice).piece(9)));
        assert_eq!(block_on(one.read_u8()).unwrap(), b'x');
        block_on(one.write_all(b"!")).unwrap();
        let mut one = BufStream::from(one);
        let mut rest = [0; 2];
        block_on(one.read_exact(&mut rest)).unwrap();
        block_on(one.flush()).unwrap();
        assert_eq!((&rest, &one.into_inner().bytes[..]), (b"yz", &b"xyz!"[..]));
    });
}

#[test]
fn a_flush_that_was_given_up_is_not_repeated_by_a_buf_stream() {
    seeds(100, |mut dice| {
        let inner = BufReader::new(Choppy::new(Vec::new(), &mut dice).piece(3));
        let mut writer = BufWriter::with_capacity(32, inner);
        block_on(writer.write_all(b"some bytes to be written")).unwrap();
        let _ = give_up_after(1 + dice.below(4), writer.flush());
        let mut stream = BufStream::from(writer);
        block_on(stream.flush()).unwrap();
        assert_eq!(stream.into_inner().bytes, b"some bytes to be written");
    });
}

#[test]
fn a_reader_without_room_is_refused_and_a_writer_is_not() {
    assert!(std::panic::catch_unwind(|| BufReader::with_capacity(0, &b""[..])).is_err());
    assert!(std::panic::catch_unwind(|| BufStream::with_capacity(0, 1, runtime::io::empty())).is_err());
    let mut writer = BufWriter::with_capacity(0, Vec::new());
    block_on(writer.write_all(b"abc")).unwrap();
    assert_eq!(writer.get_ref(), b"abc");
}
