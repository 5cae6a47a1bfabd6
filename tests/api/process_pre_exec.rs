//! `Command::pre_exec`: code of ours in the child.

use runtime::process::Command;
use runtime_tests::{Flavor, for_each_flavor};
use rustix::io::Errno;
use std::io;

fn it_runs_in_the_child_and_may_refuse(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut command = Command::new("pwd");
        // SAFETY: one system call.
        unsafe { command.pre_exec(|| Ok(rustix::process::chdir("/usr")?)) };
        assert_eq!(command.output().await.unwrap().stdout, b"/usr\n");
        assert_ne!(std::env::current_dir().unwrap().to_str(), Some("/usr"), "it ran here");
        // SAFETY: it makes an error of a number.
        unsafe { command.pre_exec(|| Err(io::Error::from_raw_os_error(Errno::DOM.raw_os_error()))) };
        let refused = command.output().await.unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(Errno::DOM.raw_os_error()));
    });
}

for_each_flavor!(it_runs_in_the_child_and_may_refuse);
