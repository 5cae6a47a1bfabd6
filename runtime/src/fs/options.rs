//! How to open a file.

use super::File;
use super::hop::hop;
use crate::engine::Caller;
use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// How to open a file, and whether to make it: [`std::fs::OpenOptions`], whose options these are.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// let log = runtime::fs::OpenOptions::new().append(true).create(true).mode(0o640).open("server.log").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct OpenOptions(fs::OpenOptions);

impl OpenOptions {
    /// All options are off.
    pub fn new() -> OpenOptions {
        OpenOptions(fs::OpenOptions::new())
    }

    /// May the file be read?
    pub fn read(&mut self, read: bool) -> &mut OpenOptions {
        self.0.read(read);
        self
    }

    /// May the file be written? What is there is overwritten from the start, unless it is truncated.
    pub fn write(&mut self, write: bool) -> &mut OpenOptions {
        self.0.write(write);
        self
    }

    /// Does every write go to the end, wherever the position is, also when others write to the file? A
    /// [`File`] keeps what one `write` has accepted together.
    pub fn append(&mut self, append: bool) -> &mut OpenOptions {
        self.0.append(append);
        self
    }

    /// Is the content thrown away at first? Needs `write`.
    pub fn truncate(&mut self, truncate: bool) -> &mut OpenOptions {
        self.0.truncate(truncate);
        self
    }

    /// Is the file made if it is not there? Needs `write` or `append`.
    pub fn create(&mut self, create: bool) -> &mut OpenOptions {
        self.0.create(create);
        self
    }

    /// Must the file be new? If there is one, opening fails with `AlreadyExists`; `create` and `truncate` do not matter
    /// then. Nobody can come in between.
    pub fn create_new(&mut self, create_new: bool) -> &mut OpenOptions {
        self.0.create_new(create_new);
        self
    }

    /// The permissions of a new file, of which the process's `umask` takes some away. `0o666`, if this is not called.
    pub fn mode(&mut self, mode: u32) -> &mut OpenOptions {
        self.0.mode(mode);
        self
    }

    /// Further flags for `open(2)`, the system's own. How the file is accessed cannot be said here.
    pub fn custom_flags(&mut self, flags: i32) -> &mut OpenOptions {
        self.0.custom_flags(flags);
        self
    }

    /// Opens the file.
    ///
    /// # Errors
    /// Those of [`std::fs::OpenOptions::open`]: `NotFound`, `PermissionDenied`, `AlreadyExists`, `InvalidInput` for options that
    /// contradict each other, and others.
    ///
    /// # Cancel safety
    /// Once polled, it happens, also if the future is dropped: a file may have been made or truncated. It is closed then.
    #[track_caller]
    pub fn open(&self, path: impl AsRef<Path>) -> impl Future<Output = io::Result<File>> {
        self.open_for(Caller::of("fs::OpenOptions::open"), path.as_ref())
    }

    /// [`open`](OpenOptions::open) on behalf of `caller`.
    pub(super) fn open_for(&self, caller: Caller, path: &Path) -> impl Future<Output = io::Result<File>> + use<> {
        let (options, path) = (self.0.clone(), path.to_owned());
        hop(caller, move || options.open(path).map(File::of_our_own))
    }
}

impl Default for OpenOptions {
    fn default() -> Self {
        OpenOptions::new()
    }
}

impl From<fs::OpenOptions> for OpenOptions {
    fn from(options: fs::OpenOptions) -> OpenOptions {
        OpenOptions(options)
    }
}
