//! What watches and what stores: tracing, OpenTelemetry, tokio-metrics, moka, object_store.

use ecosystem::{Folder, within};
use object_store::{ObjectStore, ObjectStoreExt};
use opentelemetry::trace::{Tracer, TracerProvider};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn moka_computes_once_for_all_who_ask() {
    let cache: moka::future::Cache<u32, u32> = moka::future::Cache::builder().max_capacity(100).build();
    let computed = Arc::new(AtomicUsize::new(0));
    let tasks = (0..100).map(|n| {
        let (cache, computed) = (cache.clone(), computed.clone());
        tokio::spawn(async move {
            let compute = async {
                computed.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(20)).await;
                (n % 4) * 10
            };
            (n % 4, cache.get_with(n % 4, compute).await)
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        let (key, value) = within("a value", task).await.unwrap();
        assert_eq!(value, key * 10);
    }
    assert_eq!(computed.load(Ordering::SeqCst), 4);
    cache.invalidate(&1).await;
    assert_eq!((cache.get(&1).await, cache.get(&2).await), (None, Some(20)));
    let failed = cache.try_get_with(9, async { Err::<u32, _>("no") }).await;
    assert_eq!(*failed.unwrap_err(), "no");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn object_store_keeps_files() {
    let folder = Folder::new("objects");
    let store = object_store::local::LocalFileSystem::new_with_prefix(folder.path()).unwrap();
    let path = |n: usize| object_store::path::Path::from(format!("part/{n}"));
    let puts = (0..50).map(|n| {
        let store = &store;
        async move { store.put(&path(n), vec![n as u8; n * 100].into()).await.unwrap() }
    });
    within("50 files", futures::future::join_all(puts)).await;
    for n in 0..50 {
        let bytes = within("a file", store.get(&path(n))).await.unwrap().bytes().await.unwrap();
        assert_eq!(bytes, vec![n as u8; n * 100]);
    }
    let range = store.get_range(&path(49), 10..20).await.unwrap();
    assert_eq!(range, vec![49; 10]);
    let listed: Vec<_> = futures::TryStreamExt::try_collect(store.list(Some(&"part".into()))).await.unwrap();
    let sizes: u64 = listed.iter().map(|object: &object_store::ObjectMeta| object.size).sum();
    assert_eq!((listed.len(), sizes), (50, (0..50).map(|n| n * 100).sum()));
    store.delete(&path(3)).await.unwrap();
    assert!(matches!(store.get(&path(3)).await, Err(object_store::Error::NotFound { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opentelemetry_exports_its_spans_from_a_task() {
    let exporter = opentelemetry_sdk::trace::InMemorySpanExporter::default();
    let processor = opentelemetry_sdk::trace::span_processor_with_async_runtime::BatchSpanProcessor::builder(
        exporter.clone(),
        opentelemetry_sdk::runtime::Tokio,
    );
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().with_span_processor(processor.build()).build();
    let tracer = provider.tracer("tests");
    for n in 0..20 {
        tracer.in_span(format!("span {n}"), |_| ());
    }
    let flushed = provider.clone();
    tokio::task::spawn_blocking(move || flushed.force_flush()).await.unwrap().unwrap();
    let mut names: Vec<_> = exporter.get_finished_spans().unwrap().into_iter().map(|span| span.name.into_owned()).collect();
    names.sort();
    let mut expected: Vec<_> = (0..20).map(|n| format!("span {n}")).collect();
    expected.sort();
    assert_eq!(names, expected);
    tokio::task::spawn_blocking(move || provider.shutdown()).await.unwrap().unwrap();
}

/// Remembers which spans were entered on which way through a future.
struct Spans(std::sync::Mutex<Vec<u64>>);

impl tracing::Subscriber for Spans {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(7)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {}
    fn enter(&self, _: &tracing::span::Id) {
        self.0.lock().unwrap().push(1);
    }
    fn exit(&self, _: &tracing::span::Id) {
        self.0.lock().unwrap().push(2);
    }
}

#[tokio::test]
async fn tracing_enters_its_span_at_each_poll() {
    use tracing::Instrument;
    let spans = Arc::new(Spans(std::sync::Mutex::new(Vec::new())));
    let _default = tracing::subscriber::set_default(spans.clone());
    let yields = async {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::spawn(yields.instrument(tracing::info_span!("yields"))).await.unwrap();
    // Four polls, and the drop.
    assert_eq!(*spans.0.lock().unwrap(), [1, 2].repeat(5));
}

#[tokio::test]
async fn tokio_metrics_counts_polls_and_delays() {
    let monitor = tokio_metrics::TaskMonitor::new();
    let task = tokio::spawn(monitor.instrument(async {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }));
    within("the task", task).await.unwrap();
    let counted = monitor.cumulative();
    assert_eq!((counted.instrumented_count, counted.dropped_count), (1, 1));
    assert_eq!((counted.total_poll_count, counted.total_scheduled_count), (5, 4));
    assert!(counted.total_idle_duration >= Duration::from_micros(500), "{:?}", counted.total_idle_duration);
}
