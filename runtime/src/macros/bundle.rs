//! Bundles: the futures of one macro, pinned together and lent out one by one.
//!
//! Owns: a struct for each number of futures, how a tuple becomes one.
//! Not here: who is polled when (`join`, `select`, `support`).
//!
//! A future that waits for others holds them and whatever it needs to reach them. With a pinned variable for each that is
//! a pointer for each; with a bundle it is one pointer. More than [eight](Bundle9) futures are bundles within bundles: the
//! last field of a full one is the next.
//!
//! A bundle drops its futures in the order in which they were written.
//!
//! Rejected: pinning the tuple itself. The compiler reaches into a pinned struct for us, safely; into a tuple it needs
//! `unsafe` in each expansion. Rejected: pairs within pairs. Each pair is padded, so that small futures between
//! large ones take a large one's alignment.

use pin_project_lite::pin_project;
use std::pin::Pin;

/// What a macro makes of one of its expressions.
pub trait Part {
    /// The future that lies in the bundle.
    type Future;

    /// Makes it.
    fn future(self) -> Self::Future;
}

/// A tuple of parts, or eight of them and a tuple with the rest.
///
/// All are handed over in one step. If the parts became futures one after the other in the async block, it would keep a
/// flag for each that says how far it came, in case one of them panics.
pub trait Bundled {
    /// Their futures.
    type Bundle;

    /// Makes them.
    fn bundled(self) -> Self::Bundle;
}

macro_rules! bundles {
    ($($name:ident: $($field:ident $part:ident),+ $(; $rest:ident $more:ident)?)+) => {$(
        pin_project! {
            /// So many futures side by side.
            #[derive(Debug)]
            pub struct $name<$($part,)+ $($more)?> {
                $( #[pin] $field: $part, )+
                $( #[pin] $rest: $more, )?
            }
        }

        impl<$($part,)+ $($more)?> $name<$($part,)+ $($more)?> {
            /// Each of them.
            #[inline]
            pub fn pins(self: Pin<&mut Self>) -> ($(Pin<&mut $part>,)+ $(Pin<&mut $more>)?) {
                let bundle = self.project();
                ($(bundle.$field,)+ $(bundle.$rest)?)
            }
        }

        impl<$($part: Part,)+ $($more: Bundled)?> Bundled for ($($part,)+ $($more)?) {
            type Bundle = $name<$($part::Future,)+ $($more::Bundle)?>;

            #[inline]
            fn bundled(self) -> Self::Bundle {
                let ($($field,)+ $($rest)?) = self;
                $name { $($field: $field.future(),)+ $($rest: $rest.bundled())? }
            }
        }
    )+};
}

bundles! {
    Bundle1: a A
    Bundle2: a A, b B
    Bundle3: a A, b B, c C
    Bundle4: a A, b B, c C, d D
    Bundle5: a A, b B, c C, d D, e E
    Bundle6: a A, b B, c C, d D, e E, f F
    Bundle7: a A, b B, c C, d D, e E, f F, g G
    Bundle8: a A, b B, c C, d D, e E, f F, g G, h H
    Bundle9: a A, b B, c C, d D, e E, f F, g G, h H; rest Rest
}

/// `@make` makes a bundle of the parts in these variables, `@lend` declares them anew: as references to the futures of a
/// pinned bundle.
#[doc(hidden)]
#[macro_export]
macro_rules! __bundle {
    (@make $($part:ident)+) => {{
        // A method: where a part is no future, a call of a method adds one message, that of a function more.
        use $crate::macros::support::Bundled as _;
        $crate::__bundle!(@tuple $($part)+).bundled()
    }};
    (@tuple $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident $($rest:ident)+) => {
        ($a, $b, $c, $d, $e, $f, $g, $h, $crate::__bundle!(@tuple $($rest)+))
    };
    (@tuple $($part:ident)+) => {
        ($($part,)+)
    };
    (@lend $from:ident $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident $($rest:ident)+) => {
        let (mut $a, mut $b, mut $c, mut $d, mut $e, mut $f, mut $g, mut $h, rest) = $from.pins();
        $crate::__bundle!(@lend rest $($rest)+);
    };
    (@lend $from:ident $($future:ident)+) => {
        let ($(mut $future,)+) = $from.pins();
    };
}
