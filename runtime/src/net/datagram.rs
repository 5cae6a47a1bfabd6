//! What UDP and unix datagram sockets have in common: waiting, and messages to and from a connected peer.

macro_rules! datagram {
    ($Socket:ident, $std:ty) => {
        impl $Socket {
            #[track_caller]
            pub(in crate::net) fn over(socket: $std, what: &str) -> io::Result<$Socket> {
                Ok($Socket { io: Watched::new_writable(socket, what)? })
            }

            /// Takes a socket of std over. It is made non-blocking, as are its clones.
            ///
            /// # Errors
            /// The system's; `AlreadyExists` if it is registered by way of the same descriptor number.
            ///
            /// # Panics
            /// Outside of a runtime.
            #[track_caller]
            pub fn from_std(socket: $std) -> io::Result<$Socket> {
                socket.set_nonblocking(true)?;
                $Socket::over(socket, concat!(stringify!($Socket), "::from_std"))
            }

            /// Gives the socket to std. It stays non-blocking: `set_nonblocking(false)` changes that.
            pub fn into_std(self) -> io::Result<$std> {
                Ok(self.io.into_inner())
            }

            /// Fetches the error that the socket has in store (`SO_ERROR`), which takes it away.
            pub fn take_error(&self) -> io::Result<Option<io::Error>> {
                self.io.get().take_error()
            }

            /// Waits until something of `interest` is ready, and tells what. For the `try_*` methods, which may still
            /// say `WouldBlock`: then wait again.
            ///
            /// Any number of tasks may wait at once.
            ///
            /// # Cancel safety
            /// Cancelling it loses nothing: what is ready stays so until an operation finds it used up.
            pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
                self.io.ready(interest).await
            }

            /// Waits until there is a message, or an error of an earlier one. Use it with
            /// [`try_recv`](Self::try_recv).
            ///
            /// # Cancel safety
            /// Cancelling it loses nothing: what is ready stays so until an operation finds it used up.
            pub async fn readable(&self) -> io::Result<()> {
                self.ready(Interest::READABLE).await.map(drop)
            }

            /// Waits until there is room for a message. Use it with [`try_send`](Self::try_send).
            ///
            /// # Cancel safety
            /// Cancelling it loses nothing: what is ready stays so until an operation finds it used up.
            pub async fn writable(&self) -> io::Result<()> {
                self.ready(Interest::WRITABLE).await.map(drop)
            }

            /// [`readable`](Self::readable) for hand-written futures. The task that has asked last is woken, and the
            /// other methods that poll for a message count as asking.
            pub fn poll_recv_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.io.poll_ready(Direction::Read, cx)
            }

            /// [`writable`](Self::writable) for hand-written futures. The task that has asked last is woken, and the
            /// other methods that poll to send count as asking.
            pub fn poll_send_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.io.poll_ready(Direction::Write, cx)
            }

            /// Sends a message to the connected peer, and says how long it was.
            ///
            /// # Cancel safety
            /// Cancelling it means that the message was not sent.
            pub async fn send(&self, buf: &[u8]) -> io::Result<usize> {
                self.io.async_io(Interest::WRITABLE, |socket| syscalls::send(socket, buf)).await
            }

            /// [`send`](Self::send) for hand-written futures. The task that has asked last is woken.
            pub fn poll_send(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
                self.io.poll_io(Direction::Write, cx, |socket| syscalls::send(socket, buf))
            }

            /// Sends a message to the connected peer if there is room.
            ///
            /// # Errors
            /// `WouldBlock` if there is none: wait with [`writable`](Self::writable).
            pub fn try_send(&self, buf: &[u8]) -> io::Result<usize> {
                self.io.try_io(Interest::WRITABLE, |socket| syscalls::send(socket, buf))
            }

            /// Receives a message, and says how long it is. What does not fit into `buf` is lost.
            ///
            /// # Cancel safety
            /// Cancelling it loses no message.
            pub async fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
                let recv = |socket: &$std| self.or_end(syscalls::recv(socket, buf, RecvFlags::empty()));
                self.io.async_io(Interest::READABLE, recv).await
            }

            /// [`recv`](Self::recv) for hand-written futures: appends to `buf`. The task that has asked last is woken.
            pub fn poll_recv(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
                let recv = |socket: &$std| self.or_end(syscalls::recv_into(socket, buf, RecvFlags::empty()));
                self.io.poll_io(Direction::Read, cx, recv).map_ok(|_| ())
            }

            /// Receives a message if there is one.
            ///
            /// # Errors
            /// `WouldBlock` if there is none, or none has been reported yet: wait with [`readable`](Self::readable).
            pub fn try_recv(&self, buf: &mut [u8]) -> io::Result<usize> {
                let recv = |socket: &$std| self.or_end(syscalls::recv(socket, buf, RecvFlags::empty()));
                self.io.try_io(Interest::READABLE, recv)
            }

            /// Receives a message and appends it to `buf`. What does not fit into its spare room is lost.
            ///
            /// # Cancel safety
            /// Cancelling it loses no message.
            pub async fn recv_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
                self.io.async_io(Interest::READABLE, |socket| self.or_end(recv_spare(socket, buf))).await
            }

            /// Receives a message if there is one, and appends it to `buf`.
            ///
            /// # Errors
            /// `WouldBlock` if there is none, or none has been reported yet: wait with [`readable`](Self::readable).
            pub fn try_recv_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
                self.io.try_io(Interest::READABLE, |socket| self.or_end(recv_spare(socket, buf)))
            }

            /// A datagram socket whose receiving was shut down says "would block" for ever, where its blocking form says 0.
            fn or_end(&self, received: io::Result<usize>) -> io::Result<usize> {
                match received {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        let shut = self.io.event_now(Interest::READABLE)?.ready().is_read_closed();
                        if shut { Ok(0) } else { Err(error) }
                    }
                    done => done,
                }
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
        }

        fn recv_spare<B: BufMut>(socket: &$std, buf: &mut B) -> io::Result<usize> {
            let (n, _) = fill_spare(buf, |buf| syscalls::recv_into(socket, buf, RecvFlags::empty()))?;
            Ok(n)
        }

        impl TryFrom<$std> for $Socket {
            type Error = io::Error;

            /// The same as `from_std`.
            #[track_caller]
            fn try_from(socket: $std) -> io::Result<$Socket> {
                $Socket::from_std(socket)
            }
        }

        impl AsRawFd for $Socket {
            fn as_raw_fd(&self) -> RawFd {
                self.io.get().as_raw_fd()
            }
        }

        impl AsFd for $Socket {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.io.get().as_fd()
            }
        }

        impl fmt::Debug for $Socket {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.io.fmt(f)
            }
        }
    };
}

pub(super) use datagram;
