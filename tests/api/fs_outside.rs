//! Outside of a runtime every future of `fs` panics when it is polled, whether or not it could have done without; the
//! message says which line has made it. What needs no runtime works.

use runtime::fs::{self, DirBuilder, File, FileTimes, OpenOptions};
use runtime::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, SeekFrom};
use runtime_tests::{CaughtPanic, Flavor, Folder, catch, hostile, watchdog};
use std::time::SystemTime;

fn polled<F: Future>(future: F) -> CaughtPanic {
    catch(|| drop(hostile::block_on(future))).expect_err("it did not panic")
}

/// Each panics; on ours it says why, and names a line of this call.
macro_rules! each_names_here {
    ($($future:expr),+ $(,)?) => {{$(
        let line = line!();
        let caught = polled($future);
        // tokio blames a line of its own.
        if cfg!(not(feature = "oracle")) {
            let message = &caught.message;
            assert!(message.contains("no runtime here") && message.contains("Runtime::block_on"), "{message}");
            let is_named = (line..line + 30).any(|line| message.contains(&format!("{}:{line}:", file!())));
            assert!(is_named, "{} is not named: {message}", stringify!($future));
        }
    )+}};
}

#[test]
fn functions() {
    let _watch = watchdog();
    let folder = Folder::new();
    let path = folder.file("a", "abc");
    let mode = std::fs::metadata(&path).unwrap().permissions();
    each_names_here!(
        fs::canonicalize(&path),
        fs::copy(&path, &path),
        fs::create_dir(&path),
        fs::create_dir_all(&path),
        fs::hard_link(&path, &path),
        fs::metadata(&path),
        fs::read(&path),
        fs::read_dir(&path),
        fs::read_link(&path),
        fs::read_to_string(&path),
        fs::remove_dir(&path),
        fs::remove_dir_all(&path),
        fs::remove_file(&path),
        fs::rename(&path, &path),
        fs::set_permissions(&path, mode),
        fs::symlink(&path, &path),
        fs::symlink_metadata(&path),
        fs::try_exists(&path),
        fs::write(&path, "xyz"),
        File::open(&path),
        File::create(&path),
        File::create_new(&path),
        OpenOptions::new().read(true).open(&path),
        DirBuilder::new().create(&path),
    );
    assert_eq!(std::fs::read(&path).unwrap(), b"abc", "nothing was done");
}

#[test]
fn methods() {
    let _watch = watchdog();
    let folder = Folder::new();
    let path = folder.file("a", "abc");
    let file = File::from_std(std::fs::File::options().read(true).write(true).open(&path).unwrap());
    let mode = std::fs::metadata(&path).unwrap().permissions();
    each_names_here!(
        file.sync_all(),
        file.sync_data(),
        file.set_len(1),
        file.metadata(),
        file.try_clone(),
        file.set_permissions(mode),
        file.set_times(FileTimes::new()),
        file.set_modified(SystemTime::UNIX_EPOCH),
    );
    #[cfg(not(feature = "oracle"))]
    each_names_here!(file.read_at(1, 0), file.read_exact_at(1, 0), file.write_at("x", 0), file.write_all_at("x", 0),);
    let runtime = Flavor::CurrentThread.build();
    let mut entries = runtime.block_on(fs::read_dir("/dev")).unwrap();
    let entry = runtime.block_on(entries.next_entry()).unwrap().unwrap();
    each_names_here!(entry.metadata());
    assert_eq!(std::fs::read(&path).unwrap(), b"abc", "nothing was done");
}

/// Also where the bytes are in the cache, and a thread is not needed.
#[test]
fn traits() {
    let _watch = watchdog();
    let folder = Folder::new();
    let path = folder.file("a", "abc");
    let mut file = File::from_std(std::fs::File::options().read(true).write(true).open(&path).unwrap());
    let caught = [
        polled(file.read(&mut [0; 2])),
        polled(file.write(b"xyz")),
        polled(file.write_vectored(&[std::io::IoSlice::new(b"xyz")])),
    ];
    for CaughtPanic { message, .. } in caught {
        assert!(cfg!(feature = "oracle") || message.contains("no runtime here"), "{message}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), b"abc", "nothing was done");
    // tokio's cannot be used any more.
    if cfg!(feature = "oracle") {
        return;
    }
    Flavor::CurrentThread.build().block_on(async {
        file.seek(SeekFrom::Start(1)).await.unwrap();
        assert_eq!(file.read_u8().await.unwrap(), b'b');
    });
}

#[test]
fn what_needs_no_runtime() {
    let _watch = watchdog();
    let folder = Folder::new();
    let path = folder.file("a", "abc");
    let mut file = File::from_std(std::fs::File::options().read(true).write(true).open(&path).unwrap());
    hostile::block_on(file.flush()).unwrap();
    hostile::block_on(file.shutdown()).unwrap();
    file.set_max_buf_size(100);
    // What is on its way is waited for here.
    let runtime = Flavor::MultiThread(1).build();
    runtime.block_on(file.write_all(b"x")).unwrap();
    hostile::block_on(file.flush()).unwrap();
    runtime.block_on(file.write_all(b"y")).unwrap();
    let std = hostile::block_on(file.into_std());
    assert_eq!(std::fs::read(&path).unwrap(), b"xyc");
    let file = File::from(std).try_into_std().unwrap();
    drop(OpenOptions::from(std::fs::OpenOptions::new()));
    drop((File::from_std(file), folder));
}
