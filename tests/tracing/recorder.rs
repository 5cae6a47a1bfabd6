//! A subscriber that writes down what it is told.
//!
//! One for the whole process, since tasks run on threads of the runtime; each test looks for its own task by the id.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard, OnceLock};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

thread_local! {
    static INSIDE: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// One span.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) number: u64,
    pub(crate) name: &'static str,
    pub(crate) target: String,
    pub(crate) level: Level,
    pub(crate) fields: Fields,
    pub(crate) parent: Option<u64>,
    /// How often it has been entered.
    pub(crate) entered: usize,
    /// How many threads are inside.
    pub(crate) inside: usize,
    references: usize,
}

impl Seen {
    pub(crate) fn is_closed(&self) -> bool {
        self.references == 0
    }

    /// A field's value, as text.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.0.get(name).unwrap_or_else(|| panic!("no field {name:?} in {self:?}"))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.0.contains_key(name)
    }
}

/// One event.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) level: Level,
    pub(crate) target: String,
    pub(crate) fields: Fields,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(pub(crate) BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

#[derive(Default)]
pub(crate) struct Recorder {
    spans: Mutex<Vec<Seen>>,
    events: Mutex<Vec<Told>>,
}

/// The process's, which listens from the first call on.
pub(crate) fn recorder() -> &'static Recorder {
    static LISTENS: OnceLock<&'static Recorder> = OnceLock::new();
    LISTENS.get_or_init(|| {
        let recorder: &'static Recorder = Box::leak(Box::default());
        tracing::subscriber::set_global_default(Listener(recorder)).expect("nobody else listens");
        recorder
    })
}

impl Recorder {
    fn spans(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.spans.lock().unwrap()
    }

    fn with<R>(&self, id: &Id, f: impl FnOnce(&mut Seen) -> R) -> R {
        // Numbers begin at 1.
        f(&mut self.spans()[id.into_u64() as usize - 1])
    }

    /// The span that a test looks for; there is one.
    pub(crate) fn the(&self, wanted: impl Fn(&Seen) -> bool) -> Seen {
        let found: Vec<Seen> = self.spans().iter().filter(|seen| wanted(seen)).cloned().collect();
        assert_eq!(found.len(), 1, "there should be one span: {found:#?}");
        found.into_iter().next().unwrap()
    }

    /// The span of a task.
    pub(crate) fn task(&self, id: runtime::task::Id) -> Seen {
        let id = id.to_string();
        self.the(|seen| seen.fields.0.get("task.id") == Some(&id))
    }

    /// How many spans there have been. The numbers of the next ones are larger.
    pub(crate) fn count(&self) -> usize {
        self.spans().len()
    }

    /// What was said about a task.
    pub(crate) fn events(&self, id: runtime::task::Id) -> Vec<Told> {
        let id = id.to_string();
        let events = self.events.lock().unwrap();
        events.iter().filter(|told| told.fields.0.get("task.id") == Some(&id)).cloned().collect()
    }
}

/// Which methods panic for the task of this name.
pub(crate) const PANICS_IN_ENTER: &str = "panics in enter";
pub(crate) const PANICS_IN_CLOSE: &str = "panics in close";

struct Listener(&'static Recorder);

impl Listener {
    fn is_named(&self, id: &Id, name: &str) -> bool {
        self.0.with(id, |seen| seen.fields.0.get("task.name").is_some_and(|given| given == name))
    }
}

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, given: &Attributes<'_>) -> Id {
        let mut fields = Fields::default();
        given.record(&mut fields);
        let around = INSIDE.with_borrow(|inside| inside.last().copied());
        let parent = given.parent().map(Id::into_u64).or(around.filter(|_| given.is_contextual()));
        let metadata = given.metadata();
        let mut spans = self.0.spans();
        let number = spans.len() as u64 + 1;
        spans.push(Seen {
            number,
            name: metadata.name(),
            target: metadata.target().to_owned(),
            level: *metadata.level(),
            fields,
            parent,
            entered: 0,
            inside: 0,
            references: 1,
        });
        Id::from_u64(number)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let (level, target) = (*event.metadata().level(), event.metadata().target().to_owned());
        self.0.events.lock().unwrap().push(Told { level, target, fields });
    }

    fn enter(&self, id: &Id) {
        if self.is_named(id, PANICS_IN_ENTER) {
            runtime_tests::planned_panic()
        }
        INSIDE.with_borrow_mut(|inside| inside.push(id.into_u64()));
        self.0.with(id, |seen| {
            seen.entered += 1;
            seen.inside += 1;
        });
    }

    fn exit(&self, id: &Id) {
        INSIDE.with_borrow_mut(|inside| assert_eq!(inside.pop(), Some(id.into_u64()), "left out of order"));
        self.0.with(id, |seen| seen.inside -= 1);
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.0.with(id, |seen| seen.references += 1);
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let closed = self.0.with(&id, |seen| {
            seen.references -= 1;
            seen.is_closed()
        });
        if self.is_named(&id, PANICS_IN_CLOSE) {
            runtime_tests::planned_panic()
        }
        closed
    }
}
