//! A write that is accepted may fail later. Its error is told by one of the operations that come next, `flush` and
//! `shutdown` at the latest; never by none.
//!
//! `/dev/full` refuses every write as a full disk does, and a file that was opened for reading refuses it as well.

use runtime::fs::File;
use runtime::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufStream, BufWriter, SeekFrom};
use runtime_tests::{Flavor, Folder, for_each_flavor, numbered};
use rustix::io::Errno;
use std::io::{self, ErrorKind, IoSlice};

for_each_flavor!(
    told_by_flush,
    told_by_shutdown,
    told_by_the_next_write,
    told_after_anything_else,
    told_to_who_copies,
    told_through_buffers,
    read_only,
    told_in_another_task,
);

/// Where every write fails, if the system has that.
async fn full() -> Option<File> {
    match File::options().read(true).write(true).open("/dev/full").await {
        Ok(file) => Some(file),
        Err(error) => {
            eprintln!("SKIPPED: no /dev/full here, so nothing was tested: {error}");
            None
        }
    }
}

#[track_caller]
fn is_full(result: io::Result<()>) {
    let error = result.expect_err("nothing was told");
    assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
}

/// What was told by either.
async fn both(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes).await?;
    file.flush().await
}

fn told_by_flush(flavor: Flavor) {
    flavor.build().block_on(async {
        let Some(mut file) = full().await else { return };
        for len in [1, 4096, 5_000_000] {
            is_full(both(&mut file, &numbered(len)).await);
        }
        let told = match file.write_vectored(&[IoSlice::new(b"a"), IoSlice::new(b"b")]).await {
            Ok(_) => file.flush().await,
            Err(error) => Err(error),
        };
        is_full(told);
    });
}

fn told_by_shutdown(flavor: Flavor) {
    flavor.build().block_on(async {
        let Some(mut file) = full().await else { return };
        let told = match file.write_all(b"abc").await {
            Ok(()) => file.shutdown().await,
            failed => failed,
        };
        is_full(told);
    });
}

fn told_by_the_next_write(flavor: Flavor) {
    flavor.build().block_on(async {
        let Some(mut file) = full().await else { return };
        let mut told = Ok(());
        // Bytes may be gathered, though not without an end.
        for _ in 0..5000 {
            told = file.write_all(&[0; 4096]).await;
            if told.is_err() {
                break;
            }
        }
        is_full(told);
    });
}

/// Whatever happens in between, it is told.
fn told_after_anything_else(flavor: Flavor) {
    flavor.build().block_on(async {
        for which in 0..9 {
            let Some(mut file) = full().await else { return };
            let mut told = file.write_all(b"abc").await;
            let between = match which {
                0 => file.read(&mut [0; 10]).await.map(drop),
                1 => file.seek(SeekFrom::Start(0)).await.map(drop),
                2 => file.stream_position().await.map(drop),
                3 => file.set_len(0).await,
                4 => file.sync_all().await,
                5 => file.sync_data().await,
                6 => file.metadata().await.map(drop),
                7 => file.try_clone().await.map(drop),
                _ => file.read_exact(&mut [0; 10]).await.map(drop),
            };
            // Its own failure is not the write's.
            told = told
                .and(between.or_else(|error| if error.kind() == ErrorKind::StorageFull { Err(error) } else { Ok(()) }));
            for _ in 0..2 {
                told = match told {
                    Ok(()) => file.flush().await,
                    failed => failed,
                };
            }
            assert_eq!(told.expect_err("nothing was told").kind(), ErrorKind::StorageFull, "{which}");
        }
    });
}

fn told_to_who_copies(flavor: Flavor) {
    flavor.build().block_on(async {
        let Some(mut file) = full().await else { return };
        let bytes = numbered(100_000);
        let told = match runtime::io::copy(&mut &bytes[..], &mut file).await {
            Ok(_) => file.flush().await,
            Err(error) => Err(error),
        };
        is_full(told);
    });
}

fn told_through_buffers(flavor: Flavor) {
    flavor.build().block_on(async {
        let Some(file) = full().await else { return };
        let mut writer = BufWriter::new(file);
        writer.write_all(b"abc").await.unwrap();
        is_full(writer.flush().await);
        let Some(file) = full().await else { return };
        let mut stream = BufStream::new(file);
        stream.write_all(b"abc").await.unwrap();
        is_full(stream.shutdown().await);
    });
}

fn read_only(flavor: Flavor) {
    let folder = Folder::new();
    let path = folder.file("a", "abc");
    flavor.build().block_on(async {
        let mut file = File::open(&path).await.unwrap();
        let error = both(&mut file, b"xyz").await.unwrap_err();
        assert_eq!(error.kind(), io::Error::from(Errno::BADF).kind(), "{error}");
        let mut text = String::new();
        file.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "abc", "it can be read all the same");
        let mut file = File::create(folder.at("b")).await.unwrap();
        let error = file.read(&mut [0; 10]).await.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(Errno::BADF.raw_os_error()), "{error}");
        both(&mut file, b"xyz").await.unwrap();
        assert_eq!(std::fs::read(folder.at("b")).unwrap(), b"xyz", "it can be written all the same");
    });
}

/// A task that waits for the error is another than the one that wrote.
fn told_in_another_task(flavor: Flavor) {
    flavor.build().block_on(async {
        let Some(mut file) = full().await else { return };
        let told = file.write_all(b"abc").await;
        let task = runtime::spawn(async move {
            match told {
                Ok(()) => file.flush().await,
                failed => failed,
            }
        });
        is_full(task.await.unwrap());
    });
}
