//! `Send`, `Sync`, `Unpin` and unwind safety of what `fs` has: as tokio's, so that code that compiles there compiles here.

use runtime::fs::{self, *};
use runtime::io::{AsyncRead, AsyncSeek, AsyncWrite};
use std::os::fd::{AsFd, AsRawFd, FromRawFd};
use std::panic::{RefUnwindSafe, UnwindSafe};

/// Two implementations for what is `Unpin`, one for what is not: naming it without saying which compiles only then.
trait NotUnpin<Which> {
    fn check(_: &Self) {}
}
struct Unpinned;
impl<T: ?Sized> NotUnpin<()> for T {}
impl<T: ?Sized + Unpin> NotUnpin<Unpinned> for T {}

fn send_sync<T: Send + Sync>(_: &T) {}

macro_rules! send_sync_not_unpin {
    ($($future:expr),* $(,)?) => {$(
        match $future {
            future => {
                send_sync(&future);
                <_ as NotUnpin<_>>::check(&future);
            }
        }
    )*};
}

#[test]
fn futures_of_functions_are_send_and_sync() {
    let mode = std::fs::metadata(".").unwrap().permissions();
    send_sync_not_unpin! {
        fs::canonicalize(""), fs::copy("", ""), fs::create_dir(""), fs::create_dir_all(""), fs::hard_link("", ""),
        fs::metadata(""), fs::read(""), fs::read_dir(""), fs::read_link(""), fs::read_to_string(""), fs::remove_dir(""),
        fs::remove_dir_all(""), fs::remove_file(""), fs::rename("", ""), fs::set_permissions("", mode),
        fs::symlink("", ""), fs::symlink_metadata(""), fs::try_exists(""), fs::write("", ""),
        File::open(""), File::create(""), File::create_new(""), OpenOptions::new().open(""), DirBuilder::new().create(""),
    }
}

#[test]
fn futures_of_methods_are_send_and_sync() {
    let runtime = runtime_tests::Flavor::CurrentThread.build();
    let file = runtime.block_on(File::open("/dev/null")).unwrap();
    let mode = std::fs::metadata(".").unwrap().permissions();
    send_sync_not_unpin! {
        file.sync_all(), file.sync_data(), file.set_len(0), file.metadata(), file.try_clone(), file.set_permissions(mode),
        file.set_times(FileTimes::new()), file.set_modified(std::time::SystemTime::UNIX_EPOCH), file.into_std(),
    }
    let mut entries = runtime.block_on(fs::read_dir("/dev")).unwrap();
    send_sync(&entries.next_entry());
    let entry = runtime.block_on(entries.next_entry()).unwrap().unwrap();
    send_sync_not_unpin! { entry.metadata(), entry.file_type() }
}

#[test]
fn types_are_send_sync_and_unpin() {
    fn all<T: Send + Sync + Unpin + std::fmt::Debug + 'static>() {}
    all::<File>();
    all::<FileTimes>();
    all::<OpenOptions>();
    all::<DirBuilder>();
    all::<DirEntry>();
    all::<ReadDir>();
    fn stream<T: AsyncRead + AsyncWrite + AsyncSeek + From<std::fs::File> + From<std::os::fd::OwnedFd>>() {}
    stream::<File>();
    fn descriptor<T: AsFd + AsRawFd + FromRawFd>() {}
    descriptor::<File>();
    fn options<T: Clone + Default + From<std::fs::OpenOptions>>() {}
    options::<OpenOptions>();
    fn survive_panics<T: UnwindSafe + RefUnwindSafe>() {}
    survive_panics::<OpenOptions>();
    survive_panics::<DirBuilder>();
    survive_panics::<FileTimes>();
    survive_panics::<DirEntry>();
}

/// A path need not be `Send`, nor live on, where the future is not spawned.
#[test]
fn paths_may_be_borrowed() {
    fn spawnable<T: Send + 'static>(_: T) {}
    spawnable(fs::read("a"));
    spawnable(File::open(String::from("a")));
    let path = std::rc::Rc::<std::path::Path>::from(std::path::Path::new("/dev/null"));
    let runtime = runtime_tests::Flavor::CurrentThread.build();
    assert_eq!(runtime.block_on(fs::read(&path)).unwrap(), b"");
    assert!(runtime.block_on(fs::try_exists(path)).unwrap());
}
