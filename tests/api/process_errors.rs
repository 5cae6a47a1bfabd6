//! What cannot be started, and what std says of it. `process` adds nothing: programs look at `raw_os_error`.

use runtime::process::{ChildStdin, Command};
use runtime_tests::{Flavor, assert_panics_here, for_each_flavor, watchdog};
use rustix::io::Errno;
use std::io::ErrorKind;
use std::process::Stdio;

fn it_says_why_it_does_not_start(flavor: Flavor) {
    flavor.build().block_on(async {
        let missing = Command::new("no-such-program-anywhere").spawn().unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        assert_eq!(missing.raw_os_error(), Some(Errno::NOENT.raw_os_error()));
        let missing = Command::new("no-such-program-anywhere").status().await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        let missing = Command::new("no-such-program-anywhere").output().await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        assert_eq!(Command::new("").spawn().unwrap_err().kind(), ErrorKind::NotFound);
        let nowhere = Command::new("true").current_dir("/no/such/directory").spawn().unwrap_err();
        assert_eq!(nowhere.kind(), ErrorKind::NotFound);
        assert_eq!(Command::new("/").spawn().unwrap_err().kind(), ErrorKind::PermissionDenied);
        assert_eq!(Command::new("/dev/null").spawn().unwrap_err().kind(), ErrorKind::PermissionDenied);
        // A file in the place of a directory.
        let no_directory = Command::new("/dev/null/true").spawn().unwrap_err();
        assert_eq!(no_directory.kind(), ErrorKind::NotADirectory);
    });
}

fn texts_with_a_nul(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut commands: Vec<Command> = (0..4).map(|_| Command::new("true")).collect();
        commands[0].arg("a\0b");
        commands[1].env("a\0b", "c");
        commands[2].env("a", "b\0c");
        commands[3].current_dir("/\0");
        commands.push(Command::new("tr\0ue"));
        for command in &mut commands {
            assert_eq!(command.spawn().unwrap_err().kind(), ErrorKind::InvalidInput, "{command:?}");
        }
    });
}

/// Texts need not be UTF-8.
fn texts_that_are_no_text(flavor: Flavor) {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    flavor.build().block_on(async {
        let odd = OsStr::from_bytes(b"\xff\xfe");
        let output = Command::new("printf").arg("%s").arg(odd).output().await.unwrap();
        assert_eq!(output.stdout, b"\xff\xfe");
        let output = Command::new("sh").args(["-c", "printf %s \"$ODD\""]).env("ODD", odd).output().await.unwrap();
        assert_eq!(output.stdout, b"\xff\xfe");
        assert_eq!(Command::new(odd).spawn().unwrap_err().kind(), ErrorKind::NotFound);
    });
}

for_each_flavor!(it_says_why_it_does_not_start, texts_with_a_nul, texts_that_are_no_text);

#[test]
fn outside_of_a_runtime() {
    let _watch = watchdog();
    let path = std::env::temp_dir().join(format!("process-outside-{}", std::process::id()));
    let touch = || {
        let mut touch = Command::new("touch");
        touch.arg(&path).stdin(Stdio::piped());
        touch
    };
    assert_panics_here!(touch().spawn(), "no runtime here", "Command::spawn");
    assert_panics_here!(touch().status(), "no runtime here", "Command::status");
    assert_panics_here!(touch().output(), "no runtime here", "Command::output");
    let mut std = std::process::Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let pipe = std.stdin.take().unwrap();
    assert_panics_here!(ChildStdin::from_std(pipe), "no runtime here", "ChildStdin::from_std");
    std.wait().unwrap();
    // tokio has started it by then.
    #[cfg(not(feature = "oracle"))]
    assert!(!path.exists(), "it was started all the same");
    let _ = std::fs::remove_file(path);
}
