#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod arena;
mod drain;
mod level;
mod tick;
mod wheel;

#[cfg(test)]
mod audit;

pub use arena::Key;
pub use drain::Drain;
pub use wheel::TimerWheel;
