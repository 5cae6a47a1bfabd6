//! The process's own streams: each test starts this binary once more, as a child whose streams are pipes.
//!
//! The child prints [`BEGIN`] first, because the test harness has printed something before it, and leaves through
//! `exit`, before the harness prints again.

use runtime::io::{self, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use runtime::runtime::Runtime;
use runtime_tests::evil::Dice;
use runtime_tests::{Flavor, catch, poll_once, watchdog};
use std::io::{BufRead, Read, Write};
use std::pin::pin;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio, exit};
use std::task::Poll;
use std::thread;

const BEGIN: &str = "<the child begins>\n";
const FLAVOR: &str = "STDIO_CHILD_FLAVOR";

/// Is this process the child? Its runtime, then.
fn child() -> Option<Runtime> {
    let flavor = match &*std::env::var(FLAVOR).ok()? {
        "multi" => Flavor::MultiThread(2),
        _ => Flavor::CurrentThread,
    };
    print!("{BEGIN}");
    std::io::stdout().flush().unwrap();
    Some(flavor.build())
}

/// Starts the child of the test with this name, on both flavors one after the other.
fn each(test: &str, parent: impl Fn(Child, ChildStdin, std::io::BufReader<ChildStdout>)) {
    let _watch = watchdog();
    for flavor in ["multi", "current"] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", &format!("io_stdio::{test}"), "--nocapture", "--test-threads=1"]).env(FLAVOR, flavor);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut stdout = std::io::BufReader::new(stdout);
        let mut line = String::new();
        while !line.ends_with(BEGIN) {
            assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "the child did not begin: {line}");
        }
        parent(child, stdin, stdout);
    }
}

/// Waits for the child, which must succeed, and gives what it wrote to its standard error.
fn succeeds(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{:?}: {stderr}", output.status);
    stderr
}

fn once<F: Future>(future: F) -> Poll<F::Output> {
    poll_once(&mut pin!(future))
}

fn rest(mut stdout: std::io::BufReader<ChildStdout>) -> Vec<u8> {
    let mut bytes = Vec::new();
    stdout.read_to_end(&mut bytes).unwrap();
    bytes
}

fn expect_line(stdout: &mut impl BufRead, expected: &str) {
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, expected);
}

/// Writes to standard output with std, so that what is tested does not test itself.
fn tell(text: &str) {
    println!("{text}");
    std::io::stdout().flush().unwrap();
}

fn random(len: usize) -> Vec<u8> {
    let mut dice = Dice::new(7);
    (0..len).map(|_| dice.below(256) as u8).collect()
}

#[test]
fn megabytes_go_through_unchanged() {
    if let Some(rt) = child() {
        rt.block_on(async {
            let (mut input, mut out) = (io::stdin(), io::stdout());
            // Small and large buffers, one larger than a chunk.
            let mut dice = Dice::new(1);
            let mut buf = vec![0; 3 << 20];
            loop {
                let size = 1 + dice.below([3, 5000, 70_000, 3 << 20][dice.clone().below(4)]);
                match input.read(&mut buf[..size]).await.unwrap() {
                    0 => break,
                    n => out.write_all(&buf[..n]).await.unwrap(),
                }
            }
            assert_eq!(input.read(&mut buf).await.unwrap(), 0, "the end is the end, again");
            out.flush().await.unwrap();
        });
        exit(0);
    }
    each("megabytes_go_through_unchanged", |child, mut stdin, stdout| {
        let sent = random(5 << 20);
        let feeder = {
            let sent = sent.clone();
            thread::spawn(move || stdin.write_all(&sent).unwrap())
        };
        assert!(rest(stdout) == sent, "not what was sent");
        feeder.join().unwrap();
        succeeds(child);
    });
}

#[test]
fn a_large_write_is_taken_in_chunks_and_arrives_whole() {
    let sent = random((4 << 20) + 5);
    if let Some(rt) = child() {
        rt.block_on(async {
            let mut out = io::stdout();
            let first = out.write(&sent).await.unwrap();
            assert_eq!(first, 2 << 20);
            out.write_all(&sent[first..]).await.unwrap();
            out.flush().await.unwrap();
            assert_eq!(out.write(b"").await.unwrap(), 0);
        });
        exit(0);
    }
    each("a_large_write_is_taken_in_chunks_and_arrives_whole", |child, _stdin, stdout| {
        assert!(rest(stdout) == sent, "not what was sent");
        succeeds(child);
    });
}

/// The parent asks only when it has read the answer before: nothing waits for more than there is.
#[test]
fn lines_are_answered_one_by_one() {
    if let Some(rt) = child() {
        rt.block_on(async {
            let mut lines = BufReader::new(io::stdin()).lines();
            let (mut out, mut err) = (io::stdout(), io::stderr());
            while let Some(line) = lines.next_line().await.unwrap() {
                out.write_all(format!("you said {line}").as_bytes()).await.unwrap();
                out.write_all(b"\n").await.unwrap();
                out.flush().await.unwrap();
                err.write_all(line.as_bytes()).await.unwrap();
            }
            err.shutdown().await.unwrap();
        });
        exit(0);
    }
    each("lines_are_answered_one_by_one", |child, mut stdin, mut stdout| {
        for line in ["one", "", "drei ß"] {
            writeln!(stdin, "{line}").unwrap();
            expect_line(&mut stdout, &format!("you said {line}\n"));
        }
        write!(stdin, "no end").unwrap();
        drop(stdin);
        assert_eq!(rest(stdout), b"you said no end\n");
        assert!(succeeds(child).ends_with("onedrei ßno end"));
    });
}

#[test]
fn a_cancelled_read_loses_nothing() {
    if let Some(rt) = child() {
        rt.block_on(async {
            let mut input = io::stdin();
            assert!(once(input.read(&mut [0; 100])).is_pending());
            tell("cancelled");
            let (mut all, mut buf) = (Vec::new(), [0; 3]);
            loop {
                // Every second read is given up as soon as it has begun.
                match once(input.read(&mut buf)) {
                    Poll::Ready(Ok(0)) => break,
                    Poll::Ready(n) => all.extend_from_slice(&buf[..n.unwrap()]),
                    Poll::Pending => match input.read(&mut buf[..2]).await.unwrap() {
                        0 => break,
                        n => all.extend_from_slice(&buf[..n]),
                    },
                }
            }
            tell(&String::from_utf8(all).unwrap());
        });
        exit(0);
    }
    each("a_cancelled_read_loses_nothing", |child, mut stdin, mut stdout| {
        expect_line(&mut stdout, "cancelled\n");
        let sent: String = (0..500).map(|n| format!("{n},")).collect();
        stdin.write_all(sent.as_bytes()).unwrap();
        drop(stdin);
        expect_line(&mut stdout, &format!("{sent}\n"));
        succeeds(child);
    });
}

#[test]
fn a_cancelled_flush_has_still_written() {
    if let Some(rt) = child() {
        rt.block_on(async {
            let mut out = io::stdout();
            out.write_all(b"under way, no line").await.unwrap();
            let _ = once(out.flush());
            drop(out);
            // The handle is gone; the runtime's end waits for what is under way.
        });
        drop(rt);
        exit(0);
    }
    each("a_cancelled_flush_has_still_written", |child, _stdin, stdout| {
        assert_eq!(rest(stdout), b"under way, no line");
        succeeds(child);
    });
}

#[test]
fn nobody_reads_the_output_any_more() {
    if let Some(rt) = child() {
        rt.block_on(async {
            let (mut input, mut out) = (io::stdin(), io::stdout());
            input.read_u8().await.unwrap();
            // Accepted, and found out later: by the flush,
            out.write_all(b"into the void\n").await.unwrap();
            assert_eq!(out.flush().await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
            // by the next write,
            out.write_all(b"again\n").await.unwrap();
            assert_eq!(out.write_all(b"x").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
            // and the handle works on: each error is reported once.
            out.write_all(b"and again\n").await.unwrap();
            assert_eq!(out.flush().await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
            io::stderr().write_all(b"broken, as it should be").await.unwrap();
        });
        drop(rt);
        exit(0);
    }
    each("nobody_reads_the_output_any_more", |child, mut stdin, stdout| {
        drop(stdout);
        stdin.write_all(b"!").unwrap();
        assert!(succeeds(child).ends_with("broken, as it should be"));
    });
}

#[test]
fn handles_side_by_side_do_not_tear_each_others_writes() {
    if let Some(rt) = child() {
        let tasks: Vec<_> = (b'a'..=b'f')
            .map(|letter| {
                rt.spawn(async move {
                    let (mut out, mut dice) = (io::stdout(), Dice::new(letter.into()));
                    for n in 0..50 {
                        let mut record = format!("{n}:").into_bytes();
                        record.resize(record.len() + dice.below(9000), letter);
                        record.extend_from_slice(format!(":{}\n", letter as char).as_bytes());
                        out.write_all(&record).await.unwrap();
                    }
                    out.flush().await.unwrap();
                })
            })
            .collect();
        rt.block_on(async {
            for task in tasks {
                task.await.unwrap();
            }
        });
        exit(0);
    }
    each("handles_side_by_side_do_not_tear_each_others_writes", |child, _stdin, stdout| {
        let mut next = [0; 6];
        for line in stdout.lines() {
            let line = line.unwrap();
            let parts: Vec<&str> = line.split(':').collect();
            let [number, body, letter] = parts[..] else { panic!("torn: {line}") };
            assert!(body.chars().all(|c| letter.starts_with(c)), "torn: {line}");
            let counted = &mut next[usize::from(letter.as_bytes()[0] - b'a')];
            assert_eq!(number.parse(), Ok(*counted), "out of order within one handle");
            *counted += 1;
        }
        assert_eq!(next, [50; 6]);
        succeeds(child);
    });
}

/// tokio waits for the user to press enter. Nobody does here: the pipe stays open, and empty until the runtime is gone.
#[cfg(not(feature = "oracle"))]
#[test]
fn museum_s6_a_read_of_stdin_does_not_hold_up_the_end() {
    if let Some(rt) = child() {
        let mut input = io::stdin();
        rt.block_on(async {
            assert!(once(input.read(&mut [0; 100])).is_pending());
            let other = runtime::spawn(async { io::stdin().read_u8().await });
            runtime::task::yield_now().await;
            assert!(!other.is_finished());
        });
        drop(rt);
        tell("ended");
        // What the first runtime asked for is there in the second.
        let second = Flavor::CurrentThread.build();
        let line = second.block_on(async { BufReader::new(input).lines().next_line().await });
        tell(&line.unwrap().unwrap());
        exit(0);
    }
    each("museum_s6_a_read_of_stdin_does_not_hold_up_the_end", |child, mut stdin, mut stdout| {
        expect_line(&mut stdout, "ended\n");
        stdin.write_all(b"for the second\n").unwrap();
        expect_line(&mut stdout, "for the second\n");
        succeeds(child);
    });
}

#[test]
fn museum_s11_what_was_written_before_the_end_arrives() {
    const ROUNDS: usize = 300;
    if let Some(rt) = child() {
        let flavor = if rt.metrics().num_workers() == 2 { Flavor::MultiThread(2) } else { Flavor::CurrentThread };
        for round in 0..ROUNDS {
            flavor.build().block_on(async {
                io::stdout().write_all(format!("round {round}\n").as_bytes()).await.unwrap();
            });
        }
        exit(0);
    }
    each("museum_s11_what_was_written_before_the_end_arrives", |child, _stdin, stdout| {
        let expected: String = (0..ROUNDS).map(|round| format!("round {round}\n")).collect();
        assert_eq!(String::from_utf8(rest(stdout)).unwrap(), expected);
        succeeds(child);
    });
}

/// The only thread for closures is busy for ever, and nobody waits for the end.
#[cfg(not(feature = "oracle"))]
#[test]
fn museum_s11_a_write_that_nobody_waited_for_is_done_at_the_end() {
    if let Some(rt) = child() {
        drop(rt);
        let rt = with_a_busy_thread();
        let mut out = io::stdout();
        rt.block_on(out.write_all(b"the last words\n")).unwrap();
        rt.shutdown_background();
        // The handle survives its runtime.
        Flavor::CurrentThread.build().block_on(out.write_all(b"and one more\n")).unwrap();
        exit(0);
    }
    each("museum_s11_a_write_that_nobody_waited_for_is_done_at_the_end", |child, _stdin, stdout| {
        assert_eq!(String::from_utf8(rest(stdout)).unwrap(), "the last words\nand one more\n");
        succeeds(child);
    });
}

/// A runtime whose only thread for closures never comes back.
#[cfg(not(feature = "oracle"))]
fn with_a_busy_thread() -> Runtime {
    let rt = Flavor::MultiThread(1).builder().max_blocking_threads(1).build().unwrap();
    let (begun, has_begun) = std::sync::mpsc::channel();
    rt.spawn_blocking(move || {
        begun.send(()).unwrap();
        loop {
            thread::park();
        }
    });
    has_begun.recv().unwrap();
    rt
}

/// Standard output is a pipe that is full, and nobody reads: a write that was accepted cannot be done, and does not hold up
/// who waits for a time only.
///
/// Fault: a write that is done by whoever ends the runtime.
#[cfg(not(feature = "oracle"))]
#[test]
fn an_output_that_nobody_reads_does_not_hold_up_the_end() {
    if let Some(rt) = child() {
        drop(rt);
        let rt = with_a_busy_thread();
        let mut outs: Vec<_> = (0..40).map(|_| io::stdout()).collect();
        rt.block_on(async {
            for out in &mut outs {
                out.write_all(&[b'x'; 1 << 17]).await.unwrap();
            }
        });
        rt.shutdown_timeout(std::time::Duration::from_millis(10));
        exit(0);
    }
    each("an_output_that_nobody_reads_does_not_hold_up_the_end", |mut child, _stdin, stdout| {
        assert!(child.wait().unwrap().success());
        drop(stdout);
    });
}

#[cfg(not(feature = "oracle"))]
#[test]
fn stdin_needs_no_runtime() {
    if let Some(rt) = child() {
        drop(rt);
        struct Unpark(thread::Thread);
        impl std::task::Wake for Unpark {
            fn wake(self: std::sync::Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = std::sync::Arc::new(Unpark(thread::current())).into();
        let mut cx = std::task::Context::from_waker(&waker);
        let (mut input, mut text) = (io::stdin(), String::new());
        {
            let mut reading = pin!(input.read_to_string(&mut text));
            while reading.as_mut().poll(&mut cx).is_pending() {
                thread::park();
            }
        }
        assert_eq!(text, "here");
        exit(0);
    }
    each("stdin_needs_no_runtime", |child, mut stdin, _stdout| {
        stdin.write_all(b"here").unwrap();
        drop(stdin);
        succeeds(child);
    });
}

#[test]
fn outside_of_a_runtime_output_panics_and_writes_nothing() {
    let mut out = io::stdout();
    let caught = catch(|| drop(once(out.write(b"never seen")))).unwrap_err();
    #[cfg(not(feature = "oracle"))]
    for word in ["no runtime here", "`io::Stdout`", "Runtime::block_on", "Handle::enter"] {
        assert!(caught.message.contains(word), "{}", caught.message);
    }
    drop(caught);
    // Nothing was accepted, so there is nothing to flush, and the handle is whole.
    #[cfg(not(feature = "oracle"))]
    assert!(matches!(once(out.flush()), Poll::Ready(Ok(()))));
}

#[cfg(not(feature = "oracle"))]
#[test]
fn a_read_into_no_room_is_ready() {
    assert!(matches!(once(io::stdin().read(&mut [])), Poll::Ready(Ok(0))));
}

#[test]
fn handles_name_their_descriptors() {
    use std::os::fd::{AsFd, AsRawFd};
    fn number(stream: &(impl AsFd + AsRawFd)) -> i32 {
        assert_eq!(stream.as_fd().as_raw_fd(), stream.as_raw_fd());
        stream.as_raw_fd()
    }
    assert_eq!([number(&io::stdin()), number(&io::stdout()), number(&io::stderr())], [0, 1, 2]);
    assert!(format!("{:?} {:?} {:?}", io::stdin(), io::stdout(), io::stderr()).contains("Stdout"));
}

#[test]
fn shutting_down_what_was_not_written_to_is_ready() {
    let mut out: Box<dyn AsyncWrite + Send + Unpin> = Box::new(io::stdout());
    assert!(!out.is_write_vectored());
    assert!(matches!(once(out.shutdown()), Poll::Ready(Ok(()))));
}
