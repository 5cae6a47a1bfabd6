//! Fake trees in a temporary directory: real control groups need privileges, and are the machine's business.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, process};

const MOUNT_V1: &str = "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n";
const MOUNT_V2: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

/// A file system that is gone when dropped.
struct Tree {
    root: PathBuf,
}

impl Tree {
    fn new(memberships: &str, mounts: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let tree = Tree { root: env::temp_dir().join(format!("runtime-cgroup-{}-{number}", process::id())) };
        fs::create_dir(&tree.root).expect("a directory of this test's own");
        tree.with("proc/self/cgroup", memberships).with("proc/self/mountinfo", mounts)
    }

    fn with(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("below the root")).expect("a directory");
        fs::write(path, text).expect("a file");
        self
    }

    fn v1(self, group: &str, quota: &str, period: &str) -> Self {
        let group = format!("sys/fs/cgroup/cpu,cpuacct{group}");
        self.with(&format!("{group}/cpu.cfs_quota_us"), quota).with(&format!("{group}/cpu.cfs_period_us"), period)
    }

    fn v2(self, group: &str, line: &str) -> Self {
        self.with(&format!("sys/fs/cgroup{group}/cpu.max"), line)
    }

    fn quota(&self) -> Option<usize> {
        cpu_quota(&self.root)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

#[test]
fn fractions_are_rounded_up() {
    for (quota, cpus) in [("190000", 2), ("50000", 1), ("100000", 1), ("100001", 2), ("1000", 1), ("6400000", 64)] {
        let v2 = Tree::new("0::/app\n", MOUNT_V2).v2("/app", &format!("{quota} 100000\n"));
        assert_eq!(v2.quota(), Some(cpus), "v2, {quota}");
        let v1 = Tree::new("4:cpu,cpuacct:/app\n", MOUNT_V1).v1("/app", &format!("{quota}\n"), "100000\n");
        assert_eq!(v1.quota(), Some(cpus), "v1, {quota}");
    }
}

#[test]
fn other_periods_than_the_usual_one() {
    assert_eq!(Tree::new("0::/app\n", MOUNT_V2).v2("/app", "30000 20000\n").quota(), Some(2));
    assert_eq!(Tree::new("4:cpu:/app\n", MOUNT_V1).v1("/app", "30000\n", "10000\n").quota(), Some(3));
}

#[test]
fn no_quota() {
    assert_eq!(Tree::new("0::/app\n", MOUNT_V2).v2("/app", "max 100000\n").quota(), None);
    assert_eq!(Tree::new("4:cpu:/app\n", MOUNT_V1).v1("/app", "-1\n", "100000\n").quota(), None);
    assert_eq!(Tree::new("0::/\n", MOUNT_V2).quota(), None);
}

#[test]
fn an_ancestor_with_the_smaller_quota_counts() {
    let tree = || Tree::new("0::/pods/pod1/app\n", MOUNT_V2);
    assert_eq!(tree().v2("/pods/pod1/app", "800000 100000").v2("/pods", "150000 100000").quota(), Some(2));
    assert_eq!(tree().v2("/pods/pod1/app", "max 100000").v2("/pods/pod1", "300000 100000").quota(), Some(3));
    assert_eq!(tree().v2("/pods/pod1/app", "100000 100000").v2("/pods", "300000 100000").quota(), Some(1));

    let tree = Tree::new("4:cpu,cpuacct:/pods/app\n", MOUNT_V1);
    let tree = tree.v1("/pods/app", "-1", "100000").v1("/pods", "250000", "100000").v1("", "900000", "100000");
    assert_eq!(tree.quota(), Some(3));
}

#[test]
fn a_sibling_and_a_child_do_not_count() {
    let tree = Tree::new("0::/pods/app\n", MOUNT_V2).v2("/pods/app", "400000 100000");
    let tree = tree.v2("/pods/apple", "100000 100000").v2("/pods/app/child", "100000 100000");
    assert_eq!(tree.quota(), Some(4));
}

#[test]
fn hybrid_systems_have_both() {
    let mounts = format!("31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n{MOUNT_V1}{}", unified());
    let tree = Tree::new("4:cpu,cpuacct:/app\n1:name=systemd:/other\n0::/app.scope\n", &mounts);
    let tree = tree.v1("/app", "300000", "100000");
    assert_eq!(tree.quota(), Some(3), "`cpu` is a v1 controller here");
    let tree = tree.with("sys/fs/cgroup/unified/app.scope/cpu.max", "200000 100000");
    assert_eq!(tree.quota(), Some(2), "the smaller one");
}

fn unified() -> String {
    MOUNT_V2.replace("/sys/fs/cgroup ", "/sys/fs/cgroup/unified ")
}

#[test]
fn other_controllers_mounts_are_not_read() {
    let cpuset = "34 31 0:31 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpuset\n";
    assert_eq!(Tree::new("4:cpu:/app\n3:cpuset:/app\n", cpuset).v1("/app", "100000", "100000").quota(), None);
    let tree = Tree::new("3:cpuset:/app\n2:cpuacct:/app\n", MOUNT_V1).v1("/app", "100000", "100000");
    assert_eq!(tree.quota(), None);
}

#[test]
fn a_container_that_sees_its_own_group_as_the_mount_point() {
    let mounts = MOUNT_V1.replace("0:29 / ", "0:29 /docker/f00 ");
    let tree = Tree::new("4:cpu,cpuacct:/docker/f00\n", &mounts).v1("", "200000", "100000");
    assert_eq!(tree.quota(), Some(2));
    let tree = Tree::new("4:cpu,cpuacct:/docker/f00/worker\n", &mounts).v1("", "200000", "100000");
    assert_eq!(tree.v1("/worker", "50000", "100000").quota(), Some(1));
}

#[test]
fn a_mount_of_somebody_elses_group_does_not_count() {
    let mounts = MOUNT_V2.replace("0:26 / ", "0:26 /docker/f00 ");
    assert_eq!(Tree::new("0::/docker/f00d\n", &mounts).v2("", "100000 100000").quota(), None);
    assert_eq!(Tree::new("0::/\n", &mounts).v2("", "100000 100000").quota(), None);
}

#[test]
fn of_two_mounts_both_count() {
    let narrow = MOUNT_V2.replace("0:26 / /sys/fs/cgroup ", "0:26 /pods /mnt/pods ");
    let tree = Tree::new("0::/pods/app\n", &format!("{narrow}{MOUNT_V2}")).v2("", "100000 100000");
    assert_eq!(tree.with("mnt/pods/app/cpu.max", "300000 100000").quota(), Some(1));
}

#[test]
fn namespaces_and_what_lies_above_them() {
    let above = MOUNT_V2.replace("0:26 / ", "0:26 /../.. ");
    assert_eq!(Tree::new("0::/\n", &above).v2("", "300000 100000").quota(), Some(3), "the mount's root binds us");
    assert_eq!(Tree::new("0::/../app\n", &above).v2("", "300000 100000").quota(), Some(3));
    assert_eq!(Tree::new("0::/../../x\n", &above).v2("/x", "200000 100000").quota(), Some(2));
    assert_eq!(Tree::new("0::/../x\n", MOUNT_V2).v2("", "100000 100000").v2("/x", "1 1").quota(), None, "moved out");
}

#[test]
fn names_with_blanks_and_colons() {
    let mounts = "30 23 0:26 /my\\040pods /mnt/c\\134g\\040x rw - cgroup2 cgroup2 rw\n";
    let tree = Tree::new("0::/my pods/a:b\n", mounts).with("mnt/c\\g x/a:b/cpu.max", "200000 100000");
    assert_eq!(tree.quota(), Some(2));
    assert_eq!(unescaped("a\\04"), "a\\04");
    assert_eq!(unescaped("\\999\\"), "\\999\\");
    assert_eq!(unescaped("a\\é"), "a\\é");
}

#[test]
fn garbage_is_no_quota() {
    for line in ["", "\n", "max", "100000", "100000 0", "0 100000", "-5 100000", "x y", "1e5 100000", " 100000"] {
        assert_eq!(Tree::new("0::/app\n", MOUNT_V2).v2("/app", line).quota(), None, "{line:?}");
    }
    let tree = Tree::new("0::/app\n", MOUNT_V2).with("sys/fs/cgroup/app/cpu.max", [0xff, 0xfe, b' ', b'1']);
    assert_eq!(tree.v2("", "200000 100000").quota(), Some(2), "and does not hide the ancestors");
    assert_eq!(Tree::new("garbage\n0\n::\n\n:::::", MOUNT_V2).v2("", "100000 100000").quota(), None);
    for mounts in ["", "\n - \n", "1 2 3 4 5 6", "a - cgroup2", "a b c / /sys/fs/cgroup - cgroup2"] {
        assert_eq!(Tree::new("0::/app\n", mounts).v2("/app", "100000 100000").quota(), None, "{mounts:?}");
    }
}

#[test]
fn a_name_that_is_not_utf8_hides_only_itself() {
    let tree = Tree::new("", MOUNT_V2).with("proc/self/cgroup", b"0::/pods/\xff\n").v2("/pods", "200000 100000");
    assert_eq!(tree.quota(), Some(2));
}

#[test]
fn missing_files() {
    assert_eq!(cpu_quota(Path::new("/nonexistent")), None);
    assert_eq!(Tree::new("0::/app\n", MOUNT_V2).quota(), None);
    let half = Tree::new("4:cpu:/app\n", MOUNT_V1).with("sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us", "100000");
    assert_eq!(half.quota(), None, "a quota without its period");
    let gone = Tree::new("0::/pods/app (deleted)\n", MOUNT_V2).v2("/pods", "200000 100000");
    assert_eq!(gone.quota(), Some(2), "a group that was removed leaves its ancestors");
    let tree = Tree::new("0::/app\n", MOUNT_V2).v2("/app", "100000 100000");
    fs::remove_file(tree.root.join("proc/self/mountinfo")).expect("there was one");
    assert_eq!(tree.quota(), None);
}
