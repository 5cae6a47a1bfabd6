//! The table of planted bugs, as it is written in `tests/mutate/bugs`.
//!
//! Owns: reading it, and asking whether its texts still stand in the files they name.
//! Not here: planting (`copy`), running tests (`trial`). `tests/tidy` includes this file, so it names no neighbour.
//!
//! An entry ends with an empty line; lines that begin with `#` are for the reader:
//!
//! ```text
//! bug  E1
//! what the next-task slot goes first without limit
//! test runtime-tests museum engine::scheduling::museum_lw6
//! file runtime/src/engine/sched/worker/mod.rs
//! - if streak < SLOT_STREAK {
//! + if true {
//! ```
//!
//! `test` names a package, a test binary (`lib` for unit tests, `loom` for a model) and one test by its whole name; a line
//! `tries 5` runs it so often until it fails, where threads race for it. Several
//! `file` blocks are several edits of one bug. Lines behind `- ` are the old text and occur once in the file, lines behind
//! `+ ` the new one. An entry that begins with `none` is a bug that is not planted, and its `why` says for what reason.

/// One change of a file.
#[derive(Debug, Default)]
pub(crate) struct Edit {
    pub(crate) file: String,
    pub(crate) old: String,
    pub(crate) new: String,
}

/// The test that sees a bug.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Catcher {
    pub(crate) package: String,
    pub(crate) binary: String,
    pub(crate) name: String,
}

#[derive(Debug, Default)]
pub(crate) struct Bug {
    pub(crate) id: String,
    /// Where the entry stands: file of the table and line.
    pub(crate) at: (String, usize),
    pub(crate) what: String,
    pub(crate) test: Catcher,
    /// How often the test is run until it fails. More than once only where threads race for it.
    pub(crate) tries: u32,
    pub(crate) edits: Vec<Edit>,
}

/// A bug that is not planted, and the reason.
#[derive(Debug, Default)]
pub(crate) struct Argued {
    pub(crate) id: String,
    pub(crate) why: String,
}

#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) bugs: Vec<Bug>,
    pub(crate) argued: Vec<Argued>,
}

impl Table {
    /// Adds the entries of one file. The error names file and line.
    pub(crate) fn read(&mut self, file: &str, text: &str) -> Result<(), String> {
        let mut lines = text.lines().enumerate().peekable();
        while let Some((number, line)) = lines.next() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let mut entry = vec![(number + 1, line)];
            while let Some((number, line)) = lines.next_if(|(_, line)| !line.trim().is_empty()) {
                entry.push((number + 1, line));
            }
            self.read_entry(file, &entry)?;
        }
        Ok(())
    }

    fn read_entry(&mut self, file: &str, lines: &[(usize, &str)]) -> Result<(), String> {
        let (number, first) = lines[0];
        let at = |number: usize, what: &str| format!("{file}:{number}: {what}");
        let rest = &lines[1..];
        match words(first) {
            ("bug", id) if !id.is_empty() => {
                let mut bug = Bug { id: id.to_owned(), at: (file.to_owned(), number), tries: 1, ..Bug::default() };
                for (number, line) in rest {
                    bug.read_line(line).map_err(|what| at(*number, &what))?;
                }
                bug.complete().map_err(|what| at(number, &what))?;
                self.bugs.push(bug);
                Ok(())
            }
            ("none", id) if !id.is_empty() => {
                let why: Vec<&str> =
                    rest.iter().map(|(_, line)| line.strip_prefix("why").unwrap_or(line).trim()).collect();
                self.argued.push(Argued { id: id.to_owned(), why: why.join(" ") });
                if why.is_empty() { Err(at(number, "a bug that is not planted has a `why`")) } else { Ok(()) }
            }
            _ => Err(at(number, "an entry begins with `bug ID` or `none ID`")),
        }
    }
}

/// The first word, and what is behind it.
fn words(line: &str) -> (&str, &str) {
    line.split_once(' ').map_or((line, ""), |(first, rest)| (first, rest.trim()))
}

impl Bug {
    fn read_line(&mut self, line: &str) -> Result<(), String> {
        let text = line.get(2..).unwrap_or_default();
        match words(line) {
            ("#", _) => Ok(()),
            ("what", rest) => {
                self.what = rest.to_owned();
                Ok(())
            }
            ("file", rest) => {
                self.edits.push(Edit { file: rest.to_owned(), ..Edit::default() });
                Ok(())
            }
            ("tries", rest) => {
                self.tries = rest.parse().map_err(|_| "`tries` is a number".to_owned())?;
                Ok(())
            }
            ("test", rest) => {
                let [package, binary, name] = rest.split(' ').collect::<Vec<_>>()[..] else {
                    return Err("`test` names a package, a binary and a test".to_owned());
                };
                let owned = str::to_owned;
                self.test = Catcher { package: owned(package), binary: owned(binary), name: owned(name) };
                Ok(())
            }
            ("-" | "+", _) => {
                let edit = self.edits.last_mut().ok_or("a change stands behind the `file` that it changes")?;
                let side = if line.starts_with('-') { &mut edit.old } else { &mut edit.new };
                if !side.is_empty() {
                    side.push('\n');
                }
                side.push_str(text);
                Ok(())
            }
            (word, _) => Err(format!("nothing is called `{word}` here")),
        }
    }

    fn complete(&self) -> Result<(), String> {
        let missing = [
            (self.what.is_empty(), "`what` it breaks"),
            (self.test.name.is_empty(), "`test` that catches it"),
            (self.edits.is_empty(), "`file` that is changed"),
            (self.edits.iter().any(|edit| edit.old.is_empty()), "old text, behind `- `"),
            (self.edits.iter().any(|edit| edit.old == edit.new), "change of the text"),
        ];
        match missing.iter().find(|row| row.0) {
            Some((_, what)) => Err(format!("the bug {} has no {what}", self.id)),
            None => Ok(()),
        }
    }
}

impl Edit {
    /// The file's text with the change in it. The old text must stand there once.
    pub(crate) fn planted(&self, text: &str) -> Result<String, String> {
        match text.matches(&self.old).count() {
            1 => Ok(text.replacen(&self.old, &self.new, 1)),
            0 => Err(format!("the old text is not in {} any more:\n{}", self.file, self.old)),
            count => {
                Err(format!("the old text is in {} {count} times, and must be there once:\n{}", self.file, self.old))
            }
        }
    }
}
