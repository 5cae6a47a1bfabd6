//! The pipes to children and from them.

use runtime::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use runtime::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use runtime_tests::{Flavor, for_each_flavor};
use rustix::fs::{OFlags, fcntl_getfl};
use std::io::{ErrorKind, IoSlice, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::process::Stdio;

fn cat() -> Child {
    Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

fn a_conversation(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut child = cat();
        let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        for line in [b"one".as_slice(), b"another"] {
            input.write_all(line).await.unwrap();
            input.flush().await.unwrap();
            let mut answer = vec![0; line.len()];
            output.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer, line);
        }
        assert!(input.is_write_vectored());
        assert_eq!(input.write_vectored(&[IoSlice::new(b"ab"), IoSlice::new(b"cd")]).await.unwrap(), 4);
        assert_eq!(input.write(b"").await.unwrap(), 0);
        // A pipe is closed by dropping it.
        input.shutdown().await.unwrap();
        input.write_all(b"ef").await.unwrap();
        drop(input);
        let mut rest = String::new();
        output.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "abcdef");
        assert!(child.wait().await.unwrap().success());
    });
}

/// More than pipes hold, both ways at once.
fn a_mebibyte_through_a_child(flavor: Flavor) {
    flavor.build().block_on(async {
        let bytes: Vec<u8> = (0..1 << 20).map(|n: u32| (n % 251) as u8).collect();
        let mut child = cat();
        let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let sent = bytes.clone();
        let writer = runtime::spawn(async move { input.write_all(&sent).await });
        let mut back = Vec::new();
        output.read_to_end(&mut back).await.unwrap();
        writer.await.unwrap().unwrap();
        assert!(back == bytes);
        assert!(child.wait().await.unwrap().success());
    });
}

fn a_closed_input_breaks_the_pipe(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut child = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        assert!(child.wait().await.unwrap().success());
        assert_eq!(input.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        // Also for who waits in the middle of a write.
        let mut child = Command::new("sleep").arg("100").stdin(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let writer = runtime::spawn(async move { input.write_all(&[0; 1 << 20]).await });
        child.kill().await.unwrap();
        assert_eq!(writer.await.unwrap().unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

fn standard_error(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut child = Command::new("sh").args(["-c", "echo oh >&2"]).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
        assert_eq!(said, "oh\n");
        assert!(child.wait().await.unwrap().success());
    });
}

fn is_blocking(fd: impl AsFd) -> bool {
    !fcntl_getfl(fd).unwrap().contains(OFlags::NONBLOCK)
}

fn there_and_back_to_std(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut std = std::process::Command::new("sh");
        std.args(["-c", "cat; echo err >&2"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = std.spawn().unwrap();
        let mut input = ChildStdin::from_std(child.stdin.take().unwrap()).unwrap();
        let mut output = ChildStdout::from_std(child.stdout.take().unwrap()).unwrap();
        let mut errors = ChildStderr::from_std(child.stderr.take().unwrap()).unwrap();
        assert!(!is_blocking(&input) && !is_blocking(&output) && !is_blocking(&errors));
        assert_eq!(input.as_fd().as_raw_fd(), input.as_raw_fd());
        assert_eq!(output.as_fd().as_raw_fd(), output.as_raw_fd());
        assert_eq!(errors.as_fd().as_raw_fd(), errors.as_raw_fd());
        input.write_all(b"ab").await.unwrap();
        let mut byte = [0];
        output.read_exact(&mut byte).await.unwrap();
        assert_eq!(byte, *b"a");
        let input = input.into_owned_fd().unwrap();
        let output = output.into_owned_fd().unwrap();
        assert!(is_blocking(&input) && is_blocking(&output));
        std::fs::File::from(input).write_all(b"c").unwrap();
        let mut rest = String::new();
        std::fs::File::from(output).read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "bc");
        rest.clear();
        errors.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "err\n");
        assert!(is_blocking(errors.into_owned_fd().unwrap()));
        assert!(child.wait().unwrap().success());
    });
}

/// `echo | tr | cat`: nothing of it passes through this process.
fn one_child_into_another(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut sh = Command::new("sh");
        sh.args(["-c", "echo out; echo err >&2"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut first = sh.spawn().unwrap();
        let words: Stdio = first.stdout.take().unwrap().try_into().unwrap();
        let complaints: Stdio = first.stderr.take().unwrap().try_into().unwrap();
        let mut last = cat();
        let tube: Stdio = last.stdin.take().unwrap().try_into().unwrap();
        let mut middle = Command::new("tr").args(["a-z", "A-Z"]).stdin(words).stdout(tube).spawn().unwrap();
        let errors = Command::new("cat").stdin(complaints).output().await.unwrap();
        assert_eq!(errors.stdout, b"err\n");
        assert!(first.wait().await.unwrap().success() && middle.wait().await.unwrap().success());
        assert_eq!(last.wait_with_output().await.unwrap().stdout, b"OUT\n");
    });
}

for_each_flavor!(
    a_conversation,
    a_mebibyte_through_a_child,
    a_closed_input_breaks_the_pipe,
    standard_error,
    there_and_back_to_std,
    one_child_into_another,
);
