//! The CPU quota of this process's control groups.
//!
//! Three files tell it. `/proc/self/cgroup` names our group in each hierarchy; `/proc/self/mountinfo` says where the
//! hierarchies are mounted, and which group is the root of each mount; in the group's directory lie `cpu.max` (v2) or
//! `cpu.cfs_quota_us` and `cpu.cfs_period_us` (v1). A group is bound by the quotas of all groups above it, so every
//! directory from ours up to the mount point is read, and the smallest counts. On hybrid systems both versions are
//! mounted and one of them has the `cpu` controller: both are read.
//!
//! Names in both files of `/proc` are relative to the reader's cgroup namespace, and `..` leads out of it: a mount whose
//! root is `/..` shows the group above the namespace's root.
//!
//! Whatever is missing, unreadable or not understood is no quota: too many workers run slowly, a panic here would keep
//! a server from starting. Quotas above the mount point or the namespace cannot be seen.

use std::fs;
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

/// A line of `/proc/self/cgroup` that matters: where this process is in the hierarchy that may have `cpu`.
#[derive(Debug, PartialEq, Eq)]
struct Membership<'a> {
    version: Version,
    group: &'a str,
}

/// A line of `/proc/self/mountinfo` that matters.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    version: Version,
    /// The group that is seen at `point`.
    root: String,
    point: String,
}

/// The quota in CPUs, rounded up, in the file system below `root` (`/`, but for tests); `None` if there is none.
pub(super) fn cpu_quota(root: &Path) -> Option<usize> {
    // Names that are not UTF-8 lead nowhere then, but only they do: the groups above them still count.
    let read = |path: &str| Some(String::from_utf8_lossy(&fs::read(root.join(path)).ok()?).into_owned());
    let (memberships, mounts) = (read("proc/self/cgroup")?, read("proc/self/mountinfo")?);
    let mounts: Vec<Mount> = mounts.lines().filter_map(mount).collect();
    memberships
        .lines()
        .filter_map(membership)
        .flat_map(|ours| mounts.iter().filter_map(move |mount| quota_seen_at(root, mount, &ours)))
        .min()
}

/// The smallest quota from our group up to the mount point.
fn quota_seen_at(root: &Path, mount: &Mount, ours: &Membership<'_>) -> Option<usize> {
    if mount.version != ours.version {
        return None;
    }
    let point = root.join(mount.point.trim_start_matches('/'));
    let mut below = below(&mount.root, ours.group)?;
    let mut smallest = None;
    loop {
        let group: PathBuf = point.iter().chain(below.iter().map(|name| name.as_ref())).collect();
        let quota = match mount.version {
            Version::V1 => quota_v1(&group),
            Version::V2 => quota_v2(&group),
        };
        smallest = [smallest, quota].into_iter().flatten().min();
        if below.pop().is_none() {
            return smallest;
        }
    }
}

/// The names that lead from the group `root` down to `group`; `None` if `root` is not above it.
fn below<'a>(root: &str, group: &'a str) -> Option<Vec<&'a str>> {
    let (root, group) = (names(root), names(group));
    if !group.starts_with(&root) {
        // A mount whose root lies further out than our group does not tell the names between them, but it binds us.
        return root.iter().all(|name| *name == "..").then(Vec::new);
    }
    let rest = group[root.len()..].to_vec();
    // The mount shows less than the way out of the namespace that leads to our group.
    (rest.first() != Some(&"..")).then_some(rest)
}

fn names(path: &str) -> Vec<&str> {
    path.split('/').filter(|name| !name.is_empty()).collect()
}

fn quota_v1(group: &Path) -> Option<usize> {
    let read = |name| fs::read_to_string(group.join(name)).ok();
    cpus(&read("cpu.cfs_quota_us")?, &read("cpu.cfs_period_us")?)
}

fn quota_v2(group: &Path) -> Option<usize> {
    let line = fs::read_to_string(group.join("cpu.max")).ok()?;
    let (quota, period) = line.trim().split_once(' ')?;
    cpus(quota, period)
}

/// CPUs, rounded up. No quota is `max` in v2 and `-1` in v1, neither of which is an unsigned number.
fn cpus(quota: &str, period: &str) -> Option<usize> {
    let quota: u64 = quota.trim().parse().ok().filter(|quota| *quota > 0)?;
    let period: u64 = period.trim().parse().ok().filter(|period| *period > 0)?;
    usize::try_from(quota.div_ceil(period)).ok()
}

/// `4:cpu,cpuacct:/group` is v1; `0::/group` is v2. A name may have colons.
fn membership(line: &str) -> Option<Membership<'_>> {
    let mut fields = line.splitn(3, ':');
    let (hierarchy, controllers, group) = (fields.next()?, fields.next()?, fields.next()?);
    let version = match (hierarchy, controllers) {
        ("0", "") => Version::V2,
        _ if controllers.split(',').any(|name| name == "cpu") => Version::V1,
        _ => return None,
    };
    Some(Membership { version, group })
}

/// `id parent device root point options [more...] - type source options`; for v1 the last tell the controllers.
fn mount(line: &str) -> Option<Mount> {
    let (here, there) = line.split_once(" - ")?;
    let mut here = here.split(' ').skip(3);
    let (root, point) = (unescaped(here.next()?), unescaped(here.next()?));
    let mut there = there.split(' ');
    let (kind, options) = (there.next()?, there.nth(1)?);
    let version = match kind {
        "cgroup2" => Version::V2,
        "cgroup" if options.split(',').any(|name| name == "cpu") => Version::V1,
        _ => return None,
    };
    Some(Mount { version, root, point })
}

/// The kernel writes blanks, line ends and backslashes as a backslash and three octal digits.
fn unescaped(field: &str) -> String {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = after.get(..3).filter(|_| first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match escaped.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                plain.push(byte);
                rest = &after[3..];
            }
            None => {
                plain.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests;
