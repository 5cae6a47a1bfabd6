//! Seeds for decisions that are made at random.

use std::fmt;

/// A seed for the random decisions of a runtime: where `select!` starts, whom a worker steals from.
///
/// With a seed, a current-thread runtime makes the same decisions in each run of the same program.
///
/// ```
/// use runtime::runtime::{Builder, RngSeed};
/// let rt = Builder::new_current_thread().rng_seed(RngSeed::from_bytes(b"case 42")).build().unwrap();
/// ```
#[derive(Clone)]
pub struct RngSeed(pub(super) u64);

impl RngSeed {
    /// A seed from any bytes: a test's name, a number from the command line.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        // FNV-1a; the engine mixes it further.
        let hash = bytes
            .iter()
            .fold(0xCBF2_9CE4_8422_2325u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3));
        RngSeed(hash)
    }
}

impl fmt::Debug for RngSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RngSeed").finish_non_exhaustive()
    }
}
