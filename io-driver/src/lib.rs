//! OS readiness to wakers, over `polling`.
