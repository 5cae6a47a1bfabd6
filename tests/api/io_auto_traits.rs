//! `Send`, `Sync` and `Unpin` of streams and futures: as tokio's, so that code that compiles there compiles here.

use runtime::io::*;

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
fn futures_of_extension_methods_are_send_and_sync() {
    let mut stream = BufStream::new(duplex(8).0);
    let (mut bytes, mut text) = (Vec::new(), String::new());
    send_sync_not_unpin! {
        stream.read(&mut [0; 4]), stream.read_buf(&mut bytes), stream.read_exact(&mut [0; 4]),
        stream.read_u8(), stream.read_f64_le(), stream.read_to_end(&mut bytes), stream.read_to_string(&mut text),
        stream.write(b""), stream.write_all(b""), stream.write_buf(&mut &b""[..]), stream.write_all_buf(&mut &b""[..]),
        stream.write_vectored(&[]), stream.write_u16(1), stream.flush(), stream.shutdown(),
        stream.read_until(b'x', &mut bytes), stream.read_line(&mut text), stream.fill_buf(),
        std::io::Cursor::new([0]).rewind(),
    }
}

#[test]
fn copies_and_lines_are_send_and_sync() {
    let (mut a, mut b) = (duplex(8).0, duplex(8).0);
    let mut lines = BufReader::new(empty()).lines();
    send_sync_not_unpin! {
        copy(&mut a, &mut b), copy_bidirectional(&mut a, &mut b), copy_bidirectional_with_sizes(&mut a, &mut b, 1, 1),
        copy_buf(&mut empty(), &mut b), lines.next_line(),
    }
}

#[test]
fn streams_are_send_sync_and_unpin() {
    fn all<T: Send + Sync + Unpin>() {}
    all::<DuplexStream>();
    all::<SimplexStream>();
    all::<ReadHalf<DuplexStream>>();
    all::<WriteHalf<DuplexStream>>();
    all::<BufStream<DuplexStream>>();
    all::<Lines<BufReader<DuplexStream>>>();
    all::<Split<BufReader<DuplexStream>>>();
    all::<Chain<Take<Empty>, Repeat>>();
    all::<Join<Empty, Sink>>();
    all::<ReadBuf<'_>>();
    all::<Stdin>();
    all::<Stdout>();
    all::<Stderr>();
    fn survive_panics<T: std::panic::UnwindSafe + std::panic::RefUnwindSafe>() {}
    survive_panics::<Stdin>();
    survive_panics::<Stdout>();
    survive_panics::<Stderr>();
    fn halves_are_unpin<T: Unpin>() {}
    halves_are_unpin::<ReadHalf<std::marker::PhantomPinned>>();
}

#[test]
fn a_generic_caller_can_show_its_future_to_be_send() {
    #[expect(clippy::manual_async_fn)] // the `Send` is the point
    fn spawnable<R: AsyncRead + Send + Unpin>(mut reader: R) -> impl Future<Output = Result<u32>> + Send {
        async move { reader.read_u32().await }
    }
    drop(spawnable(empty()));
}

#[test]
fn streams_may_be_unsized_and_boxed() {
    let mut boxed: std::pin::Pin<Box<dyn AsyncRead + Send>> = Box::pin(&b"abc"[..]);
    let mut buf = [0; 3];
    runtime_tests::evil::block_on(boxed.read_exact(&mut buf)).unwrap();
    let sink: &mut (dyn AsyncWrite + Unpin) = &mut Vec::new();
    runtime_tests::evil::block_on(sink.write_all(&buf)).unwrap();
    // tokio asks for a sized writer here.
    #[cfg(not(feature = "oracle"))]
    runtime_tests::evil::block_on(sink.write_buf(&mut &b"x"[..])).unwrap();
}
