//! Options that TCP and UDP sockets share.

/// Methods for a type that `$sock(&self)` makes a `SockRef` of.
macro_rules! ip_options {
    ($Socket:ident) => {
        impl $Socket {
            /// The traffic class of the IPv6 packets that it sends.
            pub fn tclass_v6(&self) -> io::Result<u32> {
                SockRef::from(self).tclass_v6()
            }

            /// Sets the traffic class of the IPv6 packets that it sends.
            pub fn set_tclass_v6(&self, tclass: u32) -> io::Result<()> {
                SockRef::from(self).set_tclass_v6(tclass)
            }

            /// The type of service of the IPv4 packets that it sends.
            pub fn tos_v4(&self) -> io::Result<u32> {
                SockRef::from(self).tos_v4()
            }

            /// Sets the type of service of the IPv4 packets that it sends.
            pub fn set_tos_v4(&self, tos: u32) -> io::Result<()> {
                SockRef::from(self).set_tos_v4(tos)
            }

            /// The old name of [`tos_v4`](Self::tos_v4).
            #[deprecated(note = "it is called `tos_v4` now, and `tclass_v6` is its IPv6 equivalent")]
            pub fn tos(&self) -> io::Result<u32> {
                self.tos_v4()
            }

            /// The old name of [`set_tos_v4`](Self::set_tos_v4).
            #[deprecated(note = "it is called `set_tos_v4` now, and `set_tclass_v6` is its IPv6 equivalent")]
            pub fn set_tos(&self, tos: u32) -> io::Result<()> {
                self.set_tos_v4(tos)
            }

            /// The network interface that it is bound to (Linux).
            ///
            /// # Errors
            /// `Unsupported` on systems without that.
            pub fn device(&self) -> io::Result<Option<Vec<u8>>> {
                sys::device(SockRef::from(self))
            }

            /// Binds it to a network interface, or to none: it sends and receives through no other (Linux).
            ///
            /// # Errors
            /// `Unsupported` on systems without that; `PermissionDenied` where that is a privilege.
            pub fn bind_device(&self, interface: Option<&[u8]>) -> io::Result<()> {
                sys::bind_device(SockRef::from(self), interface)
            }
        }
    };
}

pub(super) use ip_options;
