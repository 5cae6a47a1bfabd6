//! `process::Command`: every option reaches the child.

use runtime::process::Command;
use runtime_tests::{Flavor, for_each_flavor, watchdog};
use std::ffi::OsStr;
use std::process::Stdio;

/// What it says, which must be text.
async fn said(command: &mut Command) -> String {
    let output = command.output().await.expect("it does not start");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

fn arguments_and_names(flavor: Flavor) {
    flavor.build().block_on(async {
        // No shell looks at them.
        let mut printf = Command::new("printf");
        assert_eq!(said(printf.arg("%s,").args(["a b", "$HOME", "*"])).await, "a b,$HOME,*,");
        assert_eq!(said(sh("echo $0").arg0("another")).await, "another\n");
        assert_eq!(said(sh("echo $0 $1").args(["zero", "one"])).await, "zero one\n");
    });
}

fn the_environment(flavor: Flavor) {
    flavor.build().block_on(async {
        let show = "echo ${ONE-none} ${TWO-none} ${THREE-none}";
        let mut command = sh(show);
        command.env("ONE", "1").envs([("TWO", "2"), ("THREE", "3")]).env_remove("TWO");
        assert_eq!(said(&mut command).await, "1 none 3\n");
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("TWO", "2");
        assert_eq!(said(&mut command).await, "none 2 none\n");
        // What is not set is inherited.
        assert_eq!(said(&mut sh("echo $PATH")).await.trim(), std::env::var("PATH").unwrap());
    });
}

fn directory_user_and_group(flavor: Flavor) {
    flavor.build().block_on(async {
        assert_eq!(said(Command::new("pwd").current_dir("/usr")).await, "/usr\n");
        let (user, group) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
        // Its own are what anybody may ask for.
        assert_eq!(said(sh("id -u; id -g").uid(user).gid(group)).await, format!("{user}\n{group}\n"));
        if user == 0 {
            assert_eq!(said(sh("id -u; id -g").uid(1234).gid(4321)).await, "1234\n4321\n");
        }
    });
}

fn process_groups(flavor: Flavor) {
    flavor.build().block_on(async {
        let group_of = |id: u32| {
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
            stat.rsplit(')').next().unwrap().split_whitespace().nth(2).unwrap().parse::<u32>().unwrap()
        };
        let mut cat = Command::new("cat");
        cat.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut leader = cat.process_group(0).spawn().unwrap();
        let id = leader.id().unwrap();
        let mut member = cat.process_group(id as i32).spawn().unwrap();
        assert_eq!([group_of(id), group_of(member.id().unwrap())], [id; 2]);
        let mut other = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        assert_eq!(group_of(other.id().unwrap()), group_of(std::process::id()), "inherited");
        for child in [&mut leader, &mut member, &mut other] {
            assert!(child.wait().await.unwrap().success());
        }
    });
}

fn streams(flavor: Flavor) {
    flavor.build().block_on(async {
        let path = std::env::temp_dir().join(format!("process-streams-{}-{flavor:?}", std::process::id()));
        let file = std::fs::File::create(&path).unwrap();
        let mut child = sh("echo out; echo err >&2");
        let status = child.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file).status().await.unwrap();
        assert!(status.success());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "out\nerr\n");
        let read = Command::new("cat").stdin(std::fs::File::open(&path).unwrap()).output().await.unwrap();
        assert_eq!(read.stdout, b"out\nerr\n");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(said(Command::new("cat").stdin(Stdio::null())).await, "");
        // `output` overrides what was set, also for the next time.
        let mut both = sh("echo out; echo err >&2");
        both.stdout(Stdio::null()).stderr(Stdio::null());
        let output = both.output().await.unwrap();
        assert_eq!((output.stdout, output.stderr), (b"out\n".to_vec(), b"err\n".to_vec()));
        assert!(both.spawn().unwrap().stdout.is_some());
        // Nothing that is not piped can be talked to.
        let mut silent = Command::new("true").spawn().unwrap();
        assert!(silent.stdin.is_none() && silent.stdout.is_none() && silent.stderr.is_none());
        silent.wait().await.unwrap();
    });
}

fn one_command_many_children(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut command = sh("exit 7");
        let (one, other) = (command.status(), command.status());
        drop(command);
        assert_eq!((one.await.unwrap().code(), other.await.unwrap().code()), (Some(7), Some(7)));
    });
}

for_each_flavor!(
    arguments_and_names,
    the_environment,
    directory_user_and_group,
    process_groups,
    streams,
    one_command_many_children,
);

#[test]
fn there_and_back_to_std() {
    let _watch = watchdog();
    let mut std = std::process::Command::new("echo");
    std.arg("a");
    let mut command = Command::from(std);
    assert!(!command.get_kill_on_drop());
    assert!(command.kill_on_drop(true).get_kill_on_drop());
    assert!(!command.kill_on_drop(false).get_kill_on_drop());
    command.as_std_mut().arg("b");
    assert_eq!(command.as_std().get_program(), OsStr::new("echo"));
    assert_eq!(command.as_std().get_args().collect::<Vec<_>>(), ["a", "b"]);
    assert!(format!("{command:?}").contains("echo"));
    let output = command.into_std().output().unwrap();
    assert_eq!(output.stdout, b"a b\n");
}
