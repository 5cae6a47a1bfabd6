//! What TCP and unix streams have in common: waiting, trying, reading and writing.
//!
//! A macro, and not a generic type, because `TcpStream` and `UnixStream` are two types with these methods each; every
//! method is one line, and what it does stands in `io::Watched` and `syscalls`.

macro_rules! stream {
    ($Stream:ident, $std:ty, short_reads: $short_reads:expr) => {
        impl $Stream {
            pub(in crate::net) fn over(io: Watched<$std>) -> $Stream {
                $Stream { io }
            }

            /// Takes a stream of std over. It is made non-blocking, as are its clones.
            ///
            /// # Errors
            /// The system's; `AlreadyExists` if it is registered by way of the same descriptor number.
            ///
            /// # Panics
            /// Outside of a runtime.
            #[track_caller]
            pub fn from_std(stream: $std) -> io::Result<$Stream> {
                stream.set_nonblocking(true)?;
                Ok($Stream { io: Watched::new(stream, concat!(stringify!($Stream), "::from_std"))? })
            }

            /// Gives the socket to std. It stays non-blocking: `set_nonblocking(false)` changes that.
            pub fn into_std(self) -> io::Result<$std> {
                Ok(self.io.into_inner())
            }

            /// Fetches the error that the socket has in store (`SO_ERROR`), which takes it away.
            pub fn take_error(&self) -> io::Result<Option<io::Error>> {
                self.io.get().take_error()
            }

            /// Waits until something of `interest` is ready, and tells what. For [`try_read`](Self::try_read) and its
            /// like, which may still say `WouldBlock`: then wait again.
            ///
            /// Any number of tasks may wait at once.
            ///
            /// # Cancel safety
            /// Cancelling it loses nothing: what is ready stays so until an operation finds it used up.
            pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
                self.io.ready(interest).await
            }

            /// Waits until there is something to read, or the end. Use it with [`try_read`](Self::try_read).
            ///
            /// # Cancel safety
            /// Cancelling it loses nothing: what is ready stays so until an operation finds it used up.
            pub async fn readable(&self) -> io::Result<()> {
                self.ready(Interest::READABLE).await.map(drop)
            }

            /// Waits until there is room to write. Use it with [`try_write`](Self::try_write).
            ///
            /// # Cancel safety
            /// Cancelling it loses nothing: what is ready stays so until an operation finds it used up.
            pub async fn writable(&self) -> io::Result<()> {
                self.ready(Interest::WRITABLE).await.map(drop)
            }

            /// [`readable`](Self::readable) for hand-written futures. The task that has asked last is woken, and
            /// `poll_read` and `poll_peek` count as asking.
            pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.io.poll_ready(Direction::Read, cx)
            }

            /// [`writable`](Self::writable) for hand-written futures. The task that has asked last is woken, and
            /// `poll_write` counts as asking.
            pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.io.poll_ready(Direction::Write, cx)
            }

            /// Reads what is there. 0 means the end, or an empty `buf`.
            ///
            /// # Errors
            /// `WouldBlock` if nothing is there, or nothing has been reported yet: wait with
            /// [`readable`](Self::readable).
            pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
                self.io.try_io(Interest::READABLE, |socket| syscalls::recv(socket, buf, RecvFlags::empty()))
            }

            /// Reads what is there into several buffers, one after the other.
            ///
            /// # Errors
            /// As for [`try_read`](Self::try_read).
            pub fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
                self.io.try_io(Interest::READABLE, |socket| syscalls::readv(socket, bufs))
            }

            /// Reads what is there and appends it to `buf`.
            ///
            /// # Errors
            /// As for [`try_read`](Self::try_read).
            pub fn try_read_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
                self.io.try_io(Interest::READABLE, |socket| {
                    let (n, _) = fill_spare(buf, |buf| syscalls::recv_into(socket, buf, RecvFlags::empty()))?;
                    Ok(n)
                })
            }

            /// Writes as much as there is room for.
            ///
            /// # Errors
            /// `WouldBlock` if there is no room, or none has been reported yet: wait with
            /// [`writable`](Self::writable).
            pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
                self.io.try_io(Interest::WRITABLE, |socket| syscalls::send(socket, buf))
            }

            /// Writes as much of several buffers as there is room for.
            ///
            /// # Errors
            /// As for [`try_write`](Self::try_write).
            pub fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
                self.io.try_io(Interest::WRITABLE, |socket| syscalls::send_vectored(socket, bufs))
            }

            /// Calls `f` if something of `interest` is ready, for operations that this type does not have. If `f` says
            /// `WouldBlock`, the readiness is taken back.
            ///
            /// `f` should say so only because the socket did, do one kind of operation, and use the descriptor, not the
            /// methods of this type.
            ///
            /// # Errors
            /// `WouldBlock` if nothing is ready; otherwise what `f` says.
            pub fn try_io<R>(&self, interest: Interest, f: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
                self.io.users_try_io(interest, |_| f())
            }

            /// Waits until something of `interest` is ready and calls `f`, again and again as long as it says
            /// `WouldBlock`. The same is asked of `f` as by [`try_io`](Self::try_io).
            ///
            /// # Cancel safety
            /// Cancelling it loses nothing: `f` is either not called, or its result returned.
            pub async fn async_io<R>(&self, interest: Interest, mut f: impl FnMut() -> io::Result<R>) -> io::Result<R> {
                self.io.users_async_io(interest, |_| f()).await
            }

            /// Lends a half for reading and one for writing, for two futures of one task.
            ///
            /// For two tasks there is [`into_split`](Self::into_split).
            pub fn split<'a>(&'a mut self) -> (ReadHalf<'a>, WriteHalf<'a>) {
                (ReadHalf(self), WriteHalf(self))
            }

            /// Makes a half for reading and one for writing of it, for two tasks.
            ///
            /// They share the socket without a lock. Dropping the writing half shuts the writing direction down, so
            /// that the peer sees the end of the stream; `forget` prevents that. `reunite` puts them together again.
            pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
                let stream = Arc::new(self);
                (OwnedReadHalf { stream: stream.clone() }, OwnedWriteHalf { stream, shuts_down: true })
            }

            #[inline]
            fn poll_read_into(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
                if buf.remaining() == 0 {
                    // A call without room would wait for bytes that it cannot take.
                    return Poll::Ready(Ok(()));
                }
                if $short_reads {
                    let recv = |socket: &$std| {
                        let room = buf.remaining();
                        let n = syscalls::recv_into(socket, buf, RecvFlags::empty())?;
                        Ok(((), n < room))
                    };
                    return self.io.poll_short_reads(cx, recv);
                }
                let recv = |socket: &$std| syscalls::recv_into(socket, buf, RecvFlags::empty());
                self.io.poll_io(Direction::Read, cx, recv).map_ok(|_| ())
            }

            #[inline]
            fn poll_write_from(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
                if buf.is_empty() {
                    return Poll::Ready(Ok(0));
                }
                self.io.poll_io(Direction::Write, cx, |socket| syscalls::send(socket, buf))
            }

            #[inline]
            fn poll_write_from_all(&self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
                if bufs.iter().all(|buf| buf.is_empty()) {
                    return Poll::Ready(Ok(0));
                }
                self.io.poll_io(Direction::Write, cx, |socket| syscalls::send_vectored(socket, bufs))
            }

            /// Tells the peer that there is no more to come.
            fn shut_down_write(&self) -> io::Result<()> {
                match self.io.get().shutdown(Shutdown::Write) {
                    // The connection is over already; nothing is left to say.
                    Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
                    done => done,
                }
            }
        }

        impl TryFrom<$std> for $Stream {
            type Error = io::Error;

            /// The same as `from_std`.
            #[track_caller]
            fn try_from(stream: $std) -> io::Result<$Stream> {
                $Stream::from_std(stream)
            }
        }

        impl AsRef<$Stream> for $Stream {
            fn as_ref(&self) -> &$Stream {
                self
            }
        }

        impl AsRawFd for $Stream {
            fn as_raw_fd(&self) -> RawFd {
                self.io.get().as_raw_fd()
            }
        }

        impl AsFd for $Stream {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.io.get().as_fd()
            }
        }

        impl fmt::Debug for $Stream {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.io.fmt(f)
            }
        }

        impl AsyncRead for $Stream {
            #[inline]
            fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
                self.poll_read_into(cx, buf)
            }
        }

        $crate::net::stream::writes!($Stream, |this| this);

        /// The reading half of a borrowed stream; made by `split`.
        #[derive(Debug)]
        pub struct ReadHalf<'a>(&'a $Stream);

        /// The writing half of a borrowed stream; made by `split`. Dropping it does not shut anything down.
        #[derive(Debug)]
        pub struct WriteHalf<'a>(&'a $Stream);

        /// The reading half of a stream; made by `into_split`.
        #[derive(Debug)]
        pub struct OwnedReadHalf {
            stream: Arc<$Stream>,
        }

        /// The writing half of a stream; made by `into_split`.
        ///
        /// Dropping it shuts the writing direction down, and only that: the other half goes on reading.
        #[derive(Debug)]
        pub struct OwnedWriteHalf {
            stream: Arc<$Stream>,
            shuts_down: bool,
        }

        /// The two halves stem from different streams. Gives them back.
        #[derive(Debug)]
        pub struct ReuniteError(pub OwnedReadHalf, pub OwnedWriteHalf);

        impl fmt::Display for ReuniteError {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("these halves stem from different streams: only those of one `into_split` go together")
            }
        }

        impl std::error::Error for ReuniteError {}

        impl OwnedReadHalf {
            /// Puts the halves together again.
            ///
            /// # Errors
            /// If they do not stem from the same `into_split`; gives them back.
            pub fn reunite(self, other: OwnedWriteHalf) -> Result<$Stream, ReuniteError> {
                other.reunite(self)
            }
        }

        impl OwnedWriteHalf {
            /// Puts the halves together again.
            ///
            /// # Errors
            /// If they do not stem from the same `into_split`; gives them back.
            pub fn reunite(self, other: OwnedReadHalf) -> Result<$Stream, ReuniteError> {
                if !Arc::ptr_eq(&self.stream, &other.stream) {
                    return Err(ReuniteError(other, self));
                }
                self.forget();
                Ok(Arc::into_inner(other.stream).expect("BUG: both halves are here, but somebody has the stream"))
            }

            /// Drops this half without shutting the writing direction down.
            pub fn forget(mut self) {
                self.shuts_down = false;
            }
        }

        impl Drop for OwnedWriteHalf {
            fn drop(&mut self) {
                if self.shuts_down {
                    // Nobody is left to be told that the connection has ended in another way.
                    let _ = self.stream.shut_down_write();
                }
            }
        }

        $crate::net::stream::reads!(ReadHalf<'_>, $Stream, |half| half.0);
        $crate::net::stream::reads!(OwnedReadHalf, $Stream, |half| half.stream);
        $crate::net::stream::tries_to_write!(WriteHalf<'_>, $Stream, |half| half.0);
        $crate::net::stream::tries_to_write!(OwnedWriteHalf, $Stream, |half| half.stream);
        $crate::net::stream::writes!(WriteHalf<'_>, |half| half.0);

        impl AsyncWrite for OwnedWriteHalf {
            $crate::net::stream::write_methods!(|half| half.stream);

            fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                let done = self.stream.shut_down_write();
                // Once is enough.
                self.shuts_down &= done.is_err();
                Poll::Ready(done)
            }
        }
    };
}

/// The methods of a reading half.
macro_rules! reads {
    ($Half:ty, $Stream:ident, |$this:ident| $stream:expr) => {
        impl $Half {
            /// Waits until something of `interest` is ready.
            ///
            /// # Cancel safety
            /// Cancelling it loses nothing.
            pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
                let $this = self;
                $stream.ready(interest).await
            }

            /// Waits until there is something to read, or the end.
            ///
            /// # Cancel safety
            /// Cancelling it loses nothing.
            pub async fn readable(&self) -> io::Result<()> {
                let $this = self;
                $stream.readable().await
            }

            /// Reads what is there. 0 means the end, or an empty `buf`.
            ///
            /// # Errors
            /// `WouldBlock` if nothing is there, or nothing has been reported yet.
            pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
                let $this = self;
                $stream.try_read(buf)
            }

            /// Reads what is there into several buffers, one after the other.
            ///
            /// # Errors
            /// `WouldBlock` if nothing is there, or nothing has been reported yet.
            pub fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
                let $this = self;
                $stream.try_read_vectored(bufs)
            }

            /// Reads what is there and appends it to `buf`.
            ///
            /// # Errors
            /// `WouldBlock` if nothing is there, or nothing has been reported yet.
            pub fn try_read_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
                let $this = self;
                $stream.try_read_buf(buf)
            }

            /// The address of the other end.
            pub fn peer_addr(&self) -> io::Result<SocketAddr> {
                let $this = self;
                $stream.peer_addr()
            }

            /// The address of this end.
            pub fn local_addr(&self) -> io::Result<SocketAddr> {
                let $this = self;
                $stream.local_addr()
            }
        }

        impl AsRef<$Stream> for $Half {
            fn as_ref(&self) -> &$Stream {
                let $this = self;
                &$stream
            }
        }

        impl AsyncRead for $Half {
            #[inline]
            fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
                let $this = &*self;
                $stream.poll_read_into(cx, buf)
            }
        }
    };
}

/// The methods of a writing half.
macro_rules! tries_to_write {
    ($Half:ty, $Stream:ident, |$this:ident| $stream:expr) => {
        impl $Half {
            /// Waits until something of `interest` is ready.
            ///
            /// # Cancel safety
            /// Cancelling it loses nothing.
            pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
                let $this = self;
                $stream.ready(interest).await
            }

            /// Waits until there is room to write.
            ///
            /// # Cancel safety
            /// Cancelling it loses nothing.
            pub async fn writable(&self) -> io::Result<()> {
                let $this = self;
                $stream.writable().await
            }

            /// Writes as much as there is room for.
            ///
            /// # Errors
            /// `WouldBlock` if there is no room, or none has been reported yet.
            pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
                let $this = self;
                $stream.try_write(buf)
            }

            /// Writes as much of several buffers as there is room for.
            ///
            /// # Errors
            /// `WouldBlock` if there is no room, or none has been reported yet.
            pub fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
                let $this = self;
                $stream.try_write_vectored(bufs)
            }

            /// The address of the other end.
            pub fn peer_addr(&self) -> io::Result<SocketAddr> {
                let $this = self;
                $stream.peer_addr()
            }

            /// The address of this end.
            pub fn local_addr(&self) -> io::Result<SocketAddr> {
                let $this = self;
                $stream.local_addr()
            }
        }

        impl AsRef<$Stream> for $Half {
            fn as_ref(&self) -> &$Stream {
                let $this = self;
                &$stream
            }
        }
    };
}

/// `AsyncWrite`, shutdown included.
macro_rules! writes {
    ($Writer:ty, |$this:ident| $stream:expr) => {
        impl AsyncWrite for $Writer {
            $crate::net::stream::write_methods!(|$this| $stream);

            /// Tells the peer that there is no more to come. Reading goes on.
            fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                let $this = &*self;
                Poll::Ready($stream.shut_down_write())
            }
        }
    };
}

/// `AsyncWrite` but for the shutdown.
macro_rules! write_methods {
    (|$this:ident| $stream:expr) => {
        #[inline]
        fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            let $this = &*self;
            $stream.poll_write_from(cx, buf)
        }

        #[inline]
        fn poll_write_vectored(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let $this = &*self;
            $stream.poll_write_from_all(cx, bufs)
        }

        fn is_write_vectored(&self) -> bool {
            true
        }

        /// Does nothing: what is written is the kernel's at once.
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    };
}

pub(super) use {reads, stream, tries_to_write, write_methods, writes};
