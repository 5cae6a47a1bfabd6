//! Every operation against readers and writers that break their contract: an error or a panic is fine, a byte that
//! nobody wrote is not.

use bytes::{Buf, BytesMut};
use runtime::io::*;
use runtime_tests::evil::{Dice, EVIL_BYTE, Evil, give_up_after, seeds};
use std::cell::Cell;
use std::collections::HashSet;
use std::io::IoSlice;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};

const SEEDS: u64 = 400;

/// Runs `operation` to its end, its panic, or 200 polls, for many seeds. Panics are caught without their message.
fn survives(operation: impl AsyncFn(Evil, Dice)) {
    seeds(SEEDS, |mut dice| {
        let evil = Evil::new(&mut dice);
        let _ = catch_unwind(AssertUnwindSafe(|| give_up_after(200, operation(evil, dice))));
        assert_eq!(CONVICTED.take(), None, "the evil stream was believed");
    });
}

thread_local! {
    static CONVICTED: Cell<Option<&'static Location<'static>>> = const { Cell::new(None) };
}

/// The crate has believed the evil stream. Not an assertion: that would be caught like the stream's own panics.
#[track_caller]
fn convict() {
    CONVICTED.set(Some(Location::caller()));
}

#[track_caller]
fn nothing_made_up(bytes: &[u8]) {
    let made_up = bytes.iter().find(|&&byte| byte != EVIL_BYTE);
    if let Some(byte) = made_up {
        eprintln!("byte {byte:#x} was never read");
        convict();
    }
}

#[test]
fn reads_make_nothing_up() {
    survives(async |mut evil, mut dice| {
        let mut buf = vec![EVIL_BYTE; dice.below(50)];
        let n = evil.read(&mut buf).await;
        if n.is_ok_and(|n| n > buf.len()) {
            convict();
        }
        let _ = evil.read_exact(&mut buf).await;
        nothing_made_up(&buf);
    });
    survives(async |mut evil, mut dice| {
        let mut vec = Vec::with_capacity(dice.below(50));
        let mut bytes = BytesMut::with_capacity(dice.below(50));
        for _ in 0..4 {
            let before = (vec.len(), bytes.len());
            let read = (evil.read_buf(&mut vec).await, evil.read_buf(&mut bytes).await);
            nothing_made_up(&vec);
            nothing_made_up(&bytes);
            let n = (vec.len() - before.0, bytes.len() - before.1);
            if read.0.is_ok_and(|read| read != n.0) || read.1.is_ok_and(|read| read != n.1) {
                convict();
            }
        }
    });
    // The `Vec` is looked at also when the reader has panicked.
    seeds(SEEDS, |mut dice| {
        let mut evil = Evil::new(&mut dice);
        let mut vec = Vec::with_capacity(dice.below(100));
        for _ in 0..5 {
            let _ = catch_unwind(AssertUnwindSafe(|| give_up_after(50, evil.read_to_end(&mut vec))));
            nothing_made_up(&vec);
            let _ = catch_unwind(AssertUnwindSafe(|| give_up_after(50, evil.read_until(b'\n', &mut vec))));
            nothing_made_up(&vec);
            assert_eq!(CONVICTED.take(), None, "the evil stream was believed");
        }
    });
}

#[test]
fn text_stays_text() {
    seeds(SEEDS, |mut dice| {
        let mut evil = Evil::new(&mut dice);
        let mut text = String::from("before");
        for _ in 0..5 {
            let _ = catch_unwind(AssertUnwindSafe(|| give_up_after(50, evil.read_to_string(&mut text))));
            // `EVIL_BYTE`s are no UTF-8, so nothing can have been added.
            assert_eq!(text, "before");
            let _ = catch_unwind(AssertUnwindSafe(|| give_up_after(50, evil.read_line(&mut text))));
            assert_eq!(text, "before");
        }
    });
}

/// Every number is made of the evil stream's own bytes, or not at all; and written in pieces that are none.
macro_rules! numbers {
    ($($number:ident: $($read:ident $write:ident),+;)+) => {$($(
        survives(async |mut evil, mut dice| {
            for _ in 0..3 {
                let number = evil.$read().await;
                if number.is_ok_and(|number| number.to_ne_bytes().iter().any(|byte| *byte != EVIL_BYTE)) {
                    convict();
                }
                let mut reader = BufReader::with_capacity(dice.below(20), Evil::new(&mut dice));
                if reader.$read().await.is_ok_and(|number| number.to_ne_bytes().iter().any(|byte| *byte != EVIL_BYTE)) {
                    convict();
                }
            }
        });
        survives(async |mut evil, mut dice| {
            for _ in 0..3 {
                let _ = evil.$write(<$number>::from_ne_bytes([EVIL_BYTE; size_of::<$number>()])).await;
            }
            let mut writer = BufWriter::with_capacity(dice.below(20), evil);
            let _ = writer.$write(<$number>::from_ne_bytes([EVIL_BYTE; size_of::<$number>()])).await;
        });
    )+)+};
}

#[test]
fn numbers_survive() {
    numbers! {
        u8: read_u8 write_u8;
        i8: read_i8 write_i8;
        u16: read_u16 write_u16, read_u16_le write_u16_le;
        i16: read_i16 write_i16, read_i16_le write_i16_le;
        u32: read_u32 write_u32, read_u32_le write_u32_le;
        i32: read_i32 write_i32, read_i32_le write_i32_le;
        u64: read_u64 write_u64, read_u64_le write_u64_le;
        i64: read_i64 write_i64, read_i64_le write_i64_le;
        u128: read_u128 write_u128, read_u128_le write_u128_le;
        i128: read_i128 write_i128, read_i128_le write_i128_le;
        f32: read_f32 write_f32, read_f32_le write_f32_le;
        f64: read_f64 write_f64, read_f64_le write_f64_le;
    }
}

#[test]
fn writes_flushes_and_seeks_survive() {
    survives(async |mut evil, _| {
        let data = [1; 30];
        for n in [evil.write(&data).await, evil.write_vectored(&[IoSlice::new(&data); 2]).await] {
            if n.is_ok_and(|n| n > 60) {
                convict();
            }
        }
        let _ = (evil.write_all(&data).await, evil.flush().await, evil.shutdown().await);
    });
    survives(async |mut evil, _| {
        let mut src = Buf::chain(&[1; 20][..], &[2; 20][..]);
        let _ = (evil.write_buf(&mut src).await, evil.write_all_buf(&mut src).await);
    });
    survives(async |mut evil, _| {
        let _ = (evil.seek(SeekFrom::End(0)).await, evil.rewind().await, evil.stream_position().await);
    });
}

#[test]
fn wrappers_make_nothing_up() {
    survives(async |evil, mut dice| {
        let mut reader = BufReader::with_capacity(1 + dice.below(20), evil);
        let mut all = Vec::new();
        for _ in 0..4 {
            let _ = reader.read_to_end(&mut all).await;
            nothing_made_up(&all);
            let _ = reader.seek(SeekFrom::Current(dice.below(9) as i64 - 4)).await;
            let _ = reader.fill_buf().await.map(nothing_made_up);
            reader.consume(dice.below(30));
        }
    });
    // Nothing in between; and the same through an end and a limit.
    survives(async |mut evil, mut dice| {
        for _ in 0..4 {
            let _ = evil.fill_buf().await.map(nothing_made_up);
            AsyncBufReadExt::consume(&mut evil, dice.below(100));
        }
        let mut reader = evil.chain(Evil::new(&mut dice)).take(dice.below(300) as u64);
        for _ in 0..6 {
            let limit = reader.limit();
            if let Ok(shown) = reader.fill_buf().await {
                nothing_made_up(shown);
                if shown.len() as u64 > limit {
                    convict();
                }
            }
            AsyncBufReadExt::consume(&mut reader, dice.below(100));
        }
    });
    survives(async |evil, mut dice| {
        let mut stream = BufStream::with_capacity(1 + dice.below(20), 1 + dice.below(20), evil);
        for _ in 0..4 {
            let mut buf = [EVIL_BYTE; 9];
            let _ = stream.read(&mut buf).await;
            nothing_made_up(&buf);
            let _ = (stream.write_all(&[1; 7]).await, stream.flush().await);
            let _ = stream.seek(SeekFrom::Current(dice.below(9) as i64 - 4)).await;
        }
        let _ = stream.shutdown().await;
    });
    survives(async |evil, mut dice| {
        let mut both = join(evil, Evil::new(&mut dice));
        let mut buf = [EVIL_BYTE; 9];
        let _ = (both.read_exact(&mut buf).await, both.write_all(&[1; 9]).await, both.shutdown().await);
        nothing_made_up(&buf);
    });
    survives(async |evil, mut dice| {
        let mut all = Vec::new();
        let limit = dice.below(100) as u64;
        let _ = evil.take(limit).read_to_end(&mut all).await;
        nothing_made_up(&all);
        if all.len() as u64 > limit {
            convict();
        }
    });
    survives(async |evil, mut dice| {
        let mut all = Vec::new();
        let _ = evil.chain(Evil::new(&mut dice)).read_to_end(&mut all).await;
        nothing_made_up(&all);
    });
    survives(async |evil, mut dice| {
        let mut writer = BufWriter::with_capacity(dice.below(20), evil);
        for _ in 0..6 {
            let _ = writer.write_all(&[1; 7]).await;
            let _ = writer.write_vectored(&[IoSlice::new(&[2; 7]); 3]).await;
            let _ = (writer.rewind().await, writer.flush().await);
        }
    });
    survives(async |evil, _| {
        let mut lines = evil.lines();
        while lines.next_line().await.is_err() {}
    });
    survives(async |evil, _| {
        let mut parts = AsyncBufReadExt::split(evil, b';');
        while let Ok(Some(part)) = parts.next_segment().await {
            nothing_made_up(&part);
        }
    });
    survives(async |evil, _| {
        let (mut read, mut write) = split(evil);
        let _ = (read.read(&mut [0; 9]).await, write.write_all(b"123").await);
        // After a panic of the stream, too, it is at home.
        let _ = read.unsplit(write);
    });
}

#[test]
fn copies_make_nothing_up() {
    survives(async |mut evil, _| {
        let mut to = Vec::new();
        let _ = copy(&mut evil, &mut to).await;
        nothing_made_up(&to);
    });
    survives(async |mut evil, _| {
        let mut to = Vec::new();
        let _ = copy_buf(&mut evil, &mut to).await;
        nothing_made_up(&to);
    });
    survives(async |mut evil, mut dice| {
        let _ = copy_bidirectional_with_sizes(&mut evil, &mut Evil::new(&mut dice), 7, 9).await;
    });
    survives(async |mut evil, _| {
        let _ = (copy(&mut &[1; 99][..], &mut evil).await, copy_buf(&mut &[1; 99][..], &mut evil).await);
    });
}

/// Whoever adds a method to an extension trait gives it to the evil stream, too.
#[test]
fn every_extension_method_is_above() {
    let traits = [
        include_str!("../../runtime/src/io/ext/read.rs"),
        include_str!("../../runtime/src/io/ext/write.rs"),
        include_str!("../../runtime/src/io/ext/buf_read.rs"),
        include_str!("../../runtime/src/io/ext/seek.rs"),
    ];
    let used: HashSet<_> = include_str!("io_evil.rs").split(|c: char| c != '_' && !c.is_alphanumeric()).collect();
    let name = |line: &'static str| {
        let line = line.trim_start();
        // A method, or a line of the tables of numbers.
        let in_table = (line.starts_with("read_") || line.starts_with("write_")) && line.contains('"');
        let rest = line.strip_prefix("fn ").or(in_table.then_some(line))?;
        rest.split(|c: char| c != '_' && !c.is_alphanumeric()).next()
    };
    let methods = traits.iter().flat_map(|text| text.lines().filter_map(name));
    // A macro's method has no name before it is used.
    let methods: HashSet<_> = methods.filter(|name| !name.is_empty()).collect();
    assert!(methods.len() > 60, "found only {methods:?}");
    let missing: Vec<_> = methods.difference(&used).collect();
    assert!(missing.is_empty(), "no evil stream meets {missing:?}");
}
