//! Reads against what std would have read, from a choppy reader.

use bytes::{BufMut, BytesMut};
use runtime::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, ErrorKind};
use runtime_tests::evil::{Choppy, block_on, give_up_after, seeds};
use std::io::Cursor;

const ANY: &[u8] = &[0, 1, b'\n', b'a', 0xff];

#[test]
fn reads_of_every_kind_yield_the_bytes_in_order() {
    seeds(300, |mut dice| {
        let len = dice.below(300);
        let data = dice.bytes(len, ANY);
        let mut reader = Choppy::new(data.clone(), &mut dice).piece(40);
        let mut got = Vec::new();
        loop {
            let before = got.len();
            match dice.below(4) {
                0 => {
                    let mut buf = vec![0; 1 + dice.below(50)];
                    let n = block_on(reader.read(&mut buf)).unwrap();
                    got.extend_from_slice(&buf[..n]);
                }
                1 => drop(block_on(reader.read_buf(&mut got)).unwrap()),
                2 => {
                    let mut buf = BytesMut::with_capacity(dice.below(20));
                    assert_eq!(block_on(reader.read_buf(&mut buf)).unwrap(), buf.len());
                    got.extend_from_slice(&buf);
                }
                _ => {
                    let mut buf = [0; 20];
                    let n = block_on(reader.read_buf(&mut &mut buf[..])).unwrap();
                    got.extend_from_slice(&buf[..n]);
                }
            }
            if got.len() == before {
                break;
            }
        }
        assert_eq!(got, data);
    });
}

#[test]
fn a_read_into_no_room_asks_nobody() {
    let mut reader = &b"abc"[..];
    assert_eq!(block_on(reader.read(&mut [])).unwrap(), 0);
    assert_eq!(block_on(reader.read_buf(&mut Vec::new().limit(0))).unwrap(), 0);
    assert_eq!(block_on(reader.read_exact(&mut [])).unwrap(), 0);
    assert_eq!(reader, b"abc");
}

#[test]
fn read_exact_takes_what_it_needs_or_says_that_the_end_came() {
    seeds(300, |mut dice| {
        let len = dice.below(60);
        let data = dice.bytes(len, ANY);
        let mut reader = Choppy::new(data.clone(), &mut dice).interrupted(4);
        let mut buf = vec![0; dice.below(70)];
        match block_on(reader.read_exact(&mut buf)) {
            Ok(n) => {
                assert_eq!((n, &buf[..]), (buf.len(), &data[..buf.len()]));
                assert_eq!(reader.at, buf.len(), "it read too far");
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
                assert!(buf.len() > data.len());
            }
        }
    });
}

#[test]
fn read_to_end_appends_everything_and_survives_errors_and_giving_up() {
    seeds(300, |mut dice| {
        let len = dice.below(2000);
        let data = dice.bytes(len, ANY);
        let mut reader = Choppy::new(data.clone(), &mut dice).interrupted(5).errors(20).piece(100);
        let mut got = Vec::with_capacity(dice.below(50));
        got.push(b'!');
        // Each error and each cancelled call leaves what was read in `got`; the next call goes on.
        loop {
            let polls = 1 + dice.below(4);
            let before = got.len();
            match give_up_after(polls, reader.read_to_end(&mut got)) {
                Some(Ok(n)) => {
                    assert_eq!(n, got.len() - before);
                    break;
                }
                Some(Err(error)) => assert_eq!(error.to_string(), "planned"),
                None => {}
            }
        }
        assert_eq!((got[0], &got[1..]), (b'!', &data[..]));
    });
}

#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio grows short ones")]
fn a_vec_of_the_right_size_is_not_grown() {
    for len in [1, 31, 32, 33, 5000, 100_000] {
        let data = vec![7; len];
        let mut got = Vec::with_capacity(len);
        let capacity = got.capacity();
        assert_eq!(block_on((&data[..]).read_to_end(&mut got)).unwrap(), len);
        assert_eq!((got == data, got.capacity()), (true, capacity));
    }
}

#[test]
fn text_is_appended_whole_or_not_at_all() {
    let mut text = String::from("so far: ");
    assert_eq!(block_on("grün".as_bytes().read_to_string(&mut text)).unwrap(), 5);
    assert_eq!(text, "so far: grün");
    let error = block_on((&b"x\xff"[..]).read_to_string(&mut text)).unwrap_err();
    assert_eq!((error.kind(), &text[..]), (ErrorKind::InvalidData, "so far: grün"));
    let error = block_on((&b"x\xff\nnext"[..]).read_line(&mut text)).unwrap_err();
    assert_eq!((error.kind(), &text[..]), (ErrorKind::InvalidData, "so far: grün"));
    seeds(200, |mut dice| {
        let mut reader = Choppy::new("äöü\näöü".repeat(20).into_bytes(), &mut dice).errors(10);
        let mut text = String::from("ß");
        let polls = dice.below(6);
        match give_up_after(polls, reader.read_to_string(&mut text)) {
            // tokio loses the text.
            None => assert!(cfg!(feature = "oracle") || text == "ß", "giving up changed the text"),
            Some(Ok(n)) => assert_eq!(n, text.len() - 2),
            Some(Err(_)) => assert!(text.starts_with('ß')),
        }
        let before = text.clone();
        match give_up_after(polls, reader.read_line(&mut text)) {
            None => assert!(cfg!(feature = "oracle") || text == before, "giving up changed the text"),
            _ => assert!(text.starts_with(&before)),
        }
    });
}

macro_rules! numbers_go_round {
    ($($write:ident $read:ident $type:ident $bytes:ident),* $(,)?) => {
        #[test]
        fn numbers_have_their_bytes_and_come_back() {
            seeds(50, |mut dice| {
                $({
                    let raw: [u8; size_of::<$type>()] = std::array::from_fn(|_| dice.below(256) as u8);
                    let number = $type::from_ne_bytes(raw);
                    let mut writer = Choppy::new(Vec::new(), &mut dice).interrupted(4);
                    block_on(writer.$write(number)).unwrap();
                    assert_eq!(writer.bytes, number.$bytes(), stringify!($write));
                    let mut reader = Choppy::new(writer.bytes, &mut dice).interrupted(4);
                    let back = block_on(reader.$read()).unwrap();
                    // Bits, because a NaN does not equal itself.
                    assert_eq!(back.to_ne_bytes(), raw, stringify!($read));
                    let early = block_on((&raw[1..]).$read()).unwrap_err();
                    assert_eq!(early.kind(), ErrorKind::UnexpectedEof);
                })*
            });
        }
    };
}

numbers_go_round! {
    write_u8 read_u8 u8 to_be_bytes, write_i8 read_i8 i8 to_be_bytes,
    write_u16 read_u16 u16 to_be_bytes, write_i16 read_i16 i16 to_be_bytes,
    write_u32 read_u32 u32 to_be_bytes, write_i32 read_i32 i32 to_be_bytes,
    write_u64 read_u64 u64 to_be_bytes, write_i64 read_i64 i64 to_be_bytes,
    write_u128 read_u128 u128 to_be_bytes, write_i128 read_i128 i128 to_be_bytes,
    write_f32 read_f32 f32 to_be_bytes, write_f64 read_f64 f64 to_be_bytes,
    write_u16_le read_u16_le u16 to_le_bytes, write_i16_le read_i16_le i16 to_le_bytes,
    write_u32_le read_u32_le u32 to_le_bytes, write_i32_le read_i32_le i32 to_le_bytes,
    write_u64_le read_u64_le u64 to_le_bytes, write_i64_le read_i64_le i64 to_le_bytes,
    write_u128_le read_u128_le u128 to_le_bytes, write_i128_le read_i128_le i128 to_le_bytes,
    write_f32_le read_f32_le f32 to_le_bytes, write_f64_le read_f64_le f64 to_le_bytes,
}

#[test]
fn chain_and_take_are_concatenation_and_prefix() {
    seeds(300, |mut dice| {
        let (one, two) = (dice.below(40), dice.below(40));
        let (one, two) = (dice.bytes(one, ANY), dice.bytes(two, ANY));
        let both = [&one[..], &two].concat();
        let limit = dice.below(90);
        let make =
            |dice: &mut _| Choppy::new(one.clone(), dice).chain(Choppy::new(two.clone(), dice)).take(limit as u64);
        let expected = &both[..limit.min(both.len())];

        let mut got = Vec::new();
        block_on(make(&mut dice).read_to_end(&mut got)).unwrap();
        assert_eq!(got, expected);

        let mut reader = make(&mut dice);
        let mut got = Vec::new();
        while block_on(reader.read_until(b'\n', &mut got)).unwrap() > 0 {}
        assert_eq!((&got[..], reader.limit()), (expected, (limit - expected.len()) as u64));
    });
}

#[test]
fn take_can_be_given_more_and_has_no_limit_at_the_maximum() {
    let mut reader = (&b"abcdef"[..]).take(2);
    let mut got = Vec::new();
    block_on(reader.read_to_end(&mut got)).unwrap();
    reader.set_limit(u64::MAX);
    block_on(reader.read_to_end(&mut got)).unwrap();
    assert_eq!((&got[..], reader.limit(), reader.into_inner()), (&b"abcdef"[..], u64::MAX - 4, &b""[..]));
}

#[test]
fn a_cursor_beyond_its_end_is_at_its_end() {
    for position in [3, 4, u64::MAX] {
        let mut cursor = Cursor::new(b"abc");
        cursor.set_position(position);
        assert_eq!(block_on(cursor.read(&mut [0; 4])).unwrap(), 0);
        assert_eq!(block_on(cursor.fill_buf()).unwrap(), b"");
    }
}

#[test]
fn fill_buf_lends_for_as_long_as_the_reader_was() {
    async fn first_word<R: runtime::io::AsyncBufRead + Unpin>(reader: &mut R) -> &[u8] {
        reader.fill_buf().await.unwrap()
    }
    seeds(50, |mut dice| {
        let mut reader = Choppy::new(b"word".to_vec(), &mut dice);
        let shown = block_on(first_word(&mut reader)).to_vec();
        assert!(!shown.is_empty() && b"word".starts_with(&shown));
        reader.consume(shown.len());
        let mut rest = Vec::new();
        block_on(reader.read_to_end(&mut rest)).unwrap();
        assert_eq!([shown, rest].concat(), b"word");
    });
}
