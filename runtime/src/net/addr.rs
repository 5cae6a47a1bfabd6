//! From names and literals to addresses.
//!
//! Owns: the sealed trait and its futures.
//! Not here: what is done with the addresses.
//!
//! Literals never leave the thread. A name goes to the blocking pool, because `getaddrinfo` blocks; a lookup that is
//! given up before a thread has begun it is taken back.

use crate::engine::{Caller, unless_it_ends_with_its_task};
use crate::task::JoinHandle;
use crate::task::blocking::spawn_internal_for;
use std::fmt;
use std::future::{Future, Ready, ready};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::{option, vec};

/// What sockets take as an address: a [`SocketAddr`], an [`IpAddr`] and a port, a slice of addresses, or text of the form
/// `"host:port"`, which may have to be looked up.
///
/// Sealed: it says which types can be passed, and cannot be called or implemented. To look a name up, use [`lookup_host`].
pub trait ToSocketAddrs: sealed::Resolve {}

/// Looks a host up: all addresses that the system knows for it, in its order.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// for address in runtime::net::lookup_host("localhost:3000").await? {
///     println!("{address}");
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// The system's resolver's; `InvalidInput` if the text has no port.
///
/// # Panics
/// Outside of a runtime, if it is a name and not a literal.
///
/// # Cancel safety
/// Cancelling it loses nothing. A lookup that has begun goes on, for nobody, on its thread.
#[track_caller]
pub fn lookup_host<T: ToSocketAddrs>(host: T) -> impl Future<Output = io::Result<impl Iterator<Item = SocketAddr>>> {
    let caller = Caller::of("net::lookup_host");
    async move { resolve(host, caller).await }
}

/// The lookup, without borrowing `host`, for `caller`.
pub(super) fn resolve<T: ToSocketAddrs>(host: T, caller: Caller) -> T::Future {
    host.resolve(sealed::Ours(caller))
}

/// Tries `attempt` with each address until one works.
pub(super) async fn with_each<A: ToSocketAddrs, R>(
    addresses: A,
    caller: Caller,
    mut attempt: impl FnMut(SocketAddr) -> io::Result<R>,
) -> io::Result<R> {
    let mut last = None;
    for address in resolve(addresses, caller).await? {
        match unless_it_ends_with_its_task(attempt(address)).await {
            Ok(done) => return Ok(done),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| no_address(caller)))
}

pub(super) fn no_address(caller: Caller) -> io::Error {
    let what = caller.what();
    io::Error::new(io::ErrorKind::InvalidInput, format!("`{what}` got no address to try: the host has none"))
}

pub(super) mod sealed {
    use crate::engine::Caller;
    use std::future::Future;
    use std::io;
    use std::net::SocketAddr;

    pub trait Resolve {
        type Iter: Iterator<Item = SocketAddr> + Send + 'static;
        type Future: Future<Output = io::Result<Self::Iter>> + Send + 'static;

        fn resolve(&self, _: Ours) -> Self::Future;
    }

    /// Nobody else can make one, so nobody else can call `resolve`. Says who has asked.
    pub struct Ours(pub(in crate::net) Caller);
}

use sealed::{Ours, Resolve};

impl<T: ToSocketAddrs + ?Sized> ToSocketAddrs for &T {}

impl<T: Resolve + ?Sized> Resolve for &T {
    type Iter = T::Iter;
    type Future = T::Future;

    fn resolve(&self, ours: Ours) -> Self::Future {
        (**self).resolve(ours)
    }
}

macro_rules! literal {
    ($($ty:ty: |$this:ident| $address:expr;)+) => {$(
        impl ToSocketAddrs for $ty {}

        impl Resolve for $ty {
            type Iter = option::IntoIter<SocketAddr>;
            type Future = Ready<io::Result<Self::Iter>>;

            fn resolve(&self, _: Ours) -> Self::Future {
                let $this = self;
                ready(Ok(Some($address).into_iter()))
            }
        }
    )+};
}

literal! {
    SocketAddr: |address| *address;
    SocketAddrV4: |address| SocketAddr::V4(*address);
    SocketAddrV6: |address| SocketAddr::V6(*address);
    (IpAddr, u16): |address| SocketAddr::from(*address);
    (Ipv4Addr, u16): |address| SocketAddr::from(*address);
    (Ipv6Addr, u16): |address| SocketAddr::from(*address);
}

impl ToSocketAddrs for &[SocketAddr] {}

impl Resolve for &[SocketAddr] {
    type Iter = vec::IntoIter<SocketAddr>;
    type Future = Ready<io::Result<Self::Iter>>;

    fn resolve(&self, _: Ours) -> Self::Future {
        ready(Ok(Vec::from(*self).into_iter()))
    }
}

impl ToSocketAddrs for str {}

impl Resolve for str {
    type Iter = Addresses;
    type Future = Lookup;

    fn resolve(&self, ours: Ours) -> Lookup {
        match self.parse() {
            Ok(address) => Lookup::literal(address),
            Err(_) => {
                let host = self.to_owned();
                Lookup::begin(ours, move || std::net::ToSocketAddrs::to_socket_addrs(&host))
            }
        }
    }
}

impl ToSocketAddrs for String {}

impl Resolve for String {
    type Iter = Addresses;
    type Future = Lookup;

    fn resolve(&self, ours: Ours) -> Lookup {
        self[..].resolve(ours)
    }
}

impl ToSocketAddrs for (&str, u16) {}

impl Resolve for (&str, u16) {
    type Iter = Addresses;
    type Future = Lookup;

    fn resolve(&self, ours: Ours) -> Lookup {
        let (host, port) = *self;
        match host.parse::<IpAddr>() {
            Ok(ip) => Lookup::literal(SocketAddr::new(ip, port)),
            Err(_) => {
                let host = host.to_owned();
                Lookup::begin(ours, move || std::net::ToSocketAddrs::to_socket_addrs(&(&host[..], port)))
            }
        }
    }
}

impl ToSocketAddrs for (String, u16) {}

impl Resolve for (String, u16) {
    type Iter = Addresses;
    type Future = Lookup;

    fn resolve(&self, ours: Ours) -> Lookup {
        (&self.0[..], self.1).resolve(ours)
    }
}

/// The addresses of a host: the literal itself, or what the lookup has found.
#[derive(Debug)]
pub enum Addresses {
    Literal(option::IntoIter<SocketAddr>),
    Found(vec::IntoIter<SocketAddr>),
}

impl Iterator for Addresses {
    type Item = SocketAddr;

    fn next(&mut self) -> Option<SocketAddr> {
        match self {
            Addresses::Literal(one) => one.next(),
            Addresses::Found(all) => all.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Addresses::Literal(one) => one.size_hint(),
            Addresses::Found(all) => all.size_hint(),
        }
    }
}

/// The future of a lookup.
pub struct Lookup(Looking);

enum Looking {
    Literal(SocketAddr),
    InPool(JoinHandle<io::Result<vec::IntoIter<SocketAddr>>>),
}

impl Lookup {
    fn literal(address: SocketAddr) -> Lookup {
        Lookup(Looking::Literal(address))
    }

    fn begin(ours: Ours, lookup: impl FnOnce() -> io::Result<vec::IntoIter<SocketAddr>> + Send + 'static) -> Lookup {
        ours.0.needs_runtime();
        Lookup(Looking::InPool(spawn_internal_for("net::lookup_host", lookup)))
    }
}

impl Future for Lookup {
    type Output = io::Result<Addresses>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Looking::Literal(address) => Poll::Ready(Ok(Addresses::Literal(Some(*address).into_iter()))),
            Looking::InPool(handle) => Pin::new(handle).poll(cx).map(|joined| {
                let found = joined.map_err(|error| {
                    io::Error::other(format!("the host was not looked up, the runtime shuts down: {error}"))
                })?;
                found.map(Addresses::Found)
            }),
        }
    }
}

impl Drop for Lookup {
    fn drop(&mut self) {
        if let Looking::InPool(handle) = &self.0 {
            // Does nothing once it has begun.
            handle.abort();
        }
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookup").finish_non_exhaustive()
    }
}
