//! Bugs of other runtimes' channels and locks.
