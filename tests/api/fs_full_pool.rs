//! Beyond tokio: files go on while all threads for users' closures are busy.

use runtime::fs::{self, File};
use runtime::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use runtime_tests::{Event, Flavor, Folder, for_each_flavor, numbered};

for_each_flavor!(everything_goes_on);

/// Fault: what `fs` sends to the pool counts as users' own.
fn everything_goes_on(flavor: Flavor) {
    let folder = Folder::new();
    let runtime = flavor.builder().max_blocking_threads(2).enable_all().build().unwrap();
    let released = Event::new();
    let closures: Vec<_> = (0..50)
        .map(|_| {
            let released = released.clone();
            runtime.spawn_blocking(move || released.wait_blocking())
        })
        .collect();
    runtime.block_on(async {
        let bytes = numbered(300_000);
        let path = folder.at("a");
        fs::write(&path, &bytes).await.unwrap();
        assert_eq!(fs::metadata(&path).await.unwrap().len(), 300_000);
        let mut file = File::options().read(true).write(true).open(&path).await.unwrap();
        file.write_all(b"abc").await.unwrap();
        file.sync_all().await.unwrap();
        file.rewind().await.unwrap();
        let mut all = Vec::new();
        file.read_to_end(&mut all).await.unwrap();
        assert!(all[3..] == bytes[3..]);
        assert_eq!(file.read_at(1000, 290_000).await.unwrap(), bytes[290_000..291_000]);
        let mut entries = fs::read_dir(folder.path()).await.unwrap();
        assert_eq!(entries.next_entry().await.unwrap().unwrap().file_name(), "a");
        let tasks: Vec<_> = (0..100).map(|_| runtime::spawn(fs::read(path.clone()))).collect();
        for task in tasks {
            assert_eq!(task.await.unwrap().unwrap().len(), 300_000);
        }
        assert!(!released.is_set() && closures.iter().all(|closure| !closure.is_finished()));
    });
    released.set();
}
