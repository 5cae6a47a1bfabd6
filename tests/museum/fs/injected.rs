//! System calls of files that fail, as in `net/injected`.

use super::FLAVORS;
use runtime::fs::{self, File, OpenOptions};
use runtime::io::{AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufReader, SeekFrom};
use runtime_tests::again::{in_own_process_without_threads, under_strace};
use runtime_tests::sandbox::{Call, refuse};
use runtime_tests::{Flavor, Folder, numbered, poll_once, watchdog, watchdog_secs};
use rustix::io::Errno;
use std::fs as std_fs;
use std::pin::pin;

fn inject(fault: &str, test: &str) {
    under_strace(&["-o", "/dev/null", "-e", &format!("inject={fault}")], &format!("fs::injected::{test}"));
}

/// Bytes of the cache without a wait: an old kernel has no such call or no such flag, a file system refuses it, a sandbox
/// hides it, and a call may be missed at any time. None of that is the caller's business.
///
/// Fault: what the call fails with is handed on.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio makes no such calls")]
fn museum_n14_reads_where_the_cache_cannot_be_asked() {
    let _watch = watchdog_secs(300);
    for error in ["ENOSYS", "EOPNOTSUPP", "EINVAL", "EPERM", "EAGAIN", "EINTR"] {
        inject(&format!("preadv2:error={error}"), "every_way_to_read_and_write");
    }
    for error in ["EAGAIN", "EINTR", "EOPNOTSUPP", "EIO"] {
        inject(&format!("preadv2:error={error}:when=2+3"), "every_way_to_read_and_write");
    }
}

/// Linux 5.9 and 5.10 said that there is nothing, in the middle of a file: readers saw its end. tokio took its reads of the
/// cache back for that.
///
/// Fault: no bytes are the end.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio makes no such calls")]
fn museum_n14_nothing_in_the_cache_is_not_the_end() {
    let _watch = watchdog_secs(120);
    inject("preadv2:retval=0", "every_way_to_read_and_write");
    inject("preadv2:retval=0:when=1+2", "every_way_to_read_and_write");
}

/// A signal during a system call came out as an error.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio panics where it wakes itself")]
fn museum_i10_interrupted_calls_of_files_are_repeated() {
    let _watch = watchdog_secs(120);
    inject("read,write,pread64,pwrite64,readv,writev:error=EINTR:when=7+3", "every_way_to_read_and_write");
    inject("ftruncate,fsync,fdatasync,fchmod:error=EINTR:when=1+2", "every_way_to_read_and_write");
}

/// For the tests above, and on its own.
#[test]
fn every_way_to_read_and_write() {
    let _watch = watchdog_secs(60);
    for flavor in FLAVORS {
        for folder in [Folder::new(), Folder::in_memory()] {
            let runtime = flavor.build();
            runtime.block_on(streams(&folder));
            runtime.block_on(lines(&folder));
            runtime.block_on(whole_files(&folder));
            #[cfg(not(feature = "oracle"))]
            runtime.block_on(positions(&folder));
        }
    }
}

async fn streams(folder: &Folder) {
    let bytes = numbered(200_000);
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(true).open(folder.at("a")).await.unwrap();
    for piece in bytes.chunks(30_000) {
        file.write_all(piece).await.unwrap();
    }
    file.sync_data().await.unwrap();
    file.rewind().await.unwrap();
    let mut all = Vec::new();
    file.read_to_end(&mut all).await.unwrap();
    assert!(all == bytes, "{} of {}", all.len(), bytes.len());
    assert_eq!(file.read(&mut [0; 10]).await.unwrap(), 0);
    let mut buf = vec![0; 5000];
    for place in [0, 150_000, 3] {
        file.seek(SeekFrom::Start(place as u64)).await.unwrap();
        // Given up and done again.
        if poll_once(&mut pin!(file.read(&mut buf))).is_ready() {
            file.seek(SeekFrom::Start(place as u64)).await.unwrap();
        }
        file.read_exact(&mut buf).await.unwrap();
        assert!(buf == bytes[place..place + 5000], "at {place}");
        assert_eq!(file.stream_position().await.unwrap(), place as u64 + 5000);
    }
    file.set_len(100_000).await.unwrap();
    file.sync_all().await.unwrap();
    file.set_permissions(file.metadata().await.unwrap().permissions()).await.unwrap();
    assert!(std_fs::read(folder.at("a")).unwrap() == bytes[..100_000]);
}

async fn lines(folder: &Folder) {
    let text: String = (0..500).map(|number| format!("line {number}\n")).collect();
    let path = folder.file("lines", &text);
    let mut lines = BufReader::with_capacity(100, File::open(path).await.unwrap()).lines();
    for number in 0..500 {
        assert_eq!(lines.next_line().await.unwrap(), Some(format!("line {number}")));
    }
    assert_eq!(lines.next_line().await.unwrap(), None);
}

async fn whole_files(folder: &Folder) {
    let bytes = numbered(100_000);
    fs::write(folder.at("b"), &bytes).await.unwrap();
    assert!(fs::read(folder.at("b")).await.unwrap() == bytes);
    assert_eq!(
        fs::read_to_string("/proc/self/comm").await.unwrap(),
        std_fs::read_to_string("/proc/self/comm").unwrap()
    );
    assert_eq!(fs::metadata(folder.at("b")).await.unwrap().len(), 100_000);
    fs::remove_file(folder.at("b")).await.unwrap();
}

#[cfg(not(feature = "oracle"))]
async fn positions(folder: &Folder) {
    let bytes = numbered(50_000);
    let path = folder.file("c", &bytes);
    let file = OpenOptions::new().read(true).write(true).open(&path).await.unwrap();
    assert!(file.read_at(60_000, 0).await.unwrap() == bytes);
    assert!(file.read_exact_at(100, 40_000).await.unwrap() == bytes[40_000..40_100]);
    assert!(file.read_at(10, 50_000).await.unwrap().is_empty());
    file.write_all_at(bytes.clone(), 50_000).await.unwrap();
    assert!(std_fs::read(&path).unwrap() == [&bytes[..], &bytes[..]].concat());
}

/// The system gave no thread for a write that had been accepted: its bytes were gone, or the program hung at its end.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio panics")]
fn museum_b2_no_thread_for_a_write() {
    let _watch = watchdog_secs(120);
    in_own_process_without_threads("fs::injected::writes_without_threads");
}

#[test]
#[ignore = "takes its process the right to start threads"]
fn writes_without_threads() {
    let _watch = watchdog();
    let folder = Folder::new();
    let runtimes = [Flavor::CurrentThread.build(), Flavor::MultiThread(1).build(), Flavor::MultiThread(2).build()];
    let files: Vec<_> = (0..3).map(|number| std_fs::File::create(folder.at(number.to_string())).unwrap()).collect();
    // The last one has a thread for what blocks already.
    runtimes[2].block_on(fs::metadata("/")).unwrap();
    runtimes[2].block_on(runtimes[2].spawn_blocking(|| ())).unwrap();
    let threads = [Call::of(libc::SYS_clone3), Call::of(libc::SYS_clone)];
    if refuse(&threads, Errno::AGAIN.raw_os_error()).is_err() {
        return eprintln!("SKIPPED: no sandbox may be made here, so nothing was tested");
    }
    for ((number, runtime), file) in runtimes.into_iter().enumerate().zip(files) {
        let mut file = File::from_std(file);
        let told = runtime.block_on(async {
            file.write_all(b"abc").await?;
            file.flush().await?;
            file.write_all(b"def").await
        });
        drop(file);
        drop(runtime);
        let found = std_fs::read(folder.at(number.to_string())).unwrap();
        match told {
            Ok(()) => assert_eq!(found, b"abcdef", "runtime {number}"),
            Err(error) => assert!(!error.to_string().is_empty() && b"abcdef".starts_with(&found), "{error}"),
        }
    }
}
