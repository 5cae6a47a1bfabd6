//! The workloads, one file per family. A new family is a file with `fn workloads() -> Vec<Workload>` and its line here.

use runtime_benches::Workload;

macro_rules! families {
    ($($family:ident)*) => {
        $(mod $family;)*

        /// All workloads, in the order of the table.
        pub(crate) fn all() -> Vec<Workload> {
            let mut all = Vec::new();
            $(all.extend($family::workloads());)*
            all
        }
    };
}

families! {
    start
    spawn
    yields
    one_thread
    readers
    messages
    sync
    fan_out
    fork_join
    wake
    steal
    main_punctual
    in_place
    company
    busy
    oversubscribed
    blocking
    idle
    paced
    timers
    scope
    signals
    fs
    process
    net
    look
}
