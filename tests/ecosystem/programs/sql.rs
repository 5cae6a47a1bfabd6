//! sqlx with SQLite and PostgreSQL, tokio-postgres, and pools.

use ecosystem::{Folder, Server, within};
use futures::TryStreamExt;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Connection, Row};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlx_with_sqlite() {
    let folder = Folder::new("sqlite");
    let options = SqliteConnectOptions::new().filename(folder.path().join("db")).create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await.unwrap();
    sqlx::query("create table squares (n integer primary key, square integer not null)").execute(&pool).await.unwrap();
    let mut transaction = pool.begin().await.unwrap();
    for n in 0..500_i64 {
        sqlx::query("insert into squares values (?, ?)").bind(n).bind(n * n).execute(&mut *transaction).await.unwrap();
    }
    transaction.commit().await.unwrap();
    let tasks: Vec<_> = (0..20_i64)
        .map(|n| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let row = sqlx::query("select square from squares where n = ?").bind(n).fetch_one(&pool).await.unwrap();
                row.get::<i64, _>(0)
            })
        })
        .collect();
    for (n, task) in tasks.into_iter().enumerate() {
        assert_eq!(within("a query", task).await.unwrap(), (n * n) as i64);
    }
    let mut rows = sqlx::query_as::<_, (i64, i64)>("select n, square from squares order by n").fetch(&pool);
    let mut count = 0;
    while let Some((n, square)) = rows.try_next().await.unwrap() {
        assert_eq!((n, square), (count, count * count));
        count += 1;
    }
    assert_eq!(count, 500);
    drop(rows);
    let rolled_back = pool.begin().await.unwrap();
    drop(rolled_back);
    within("the end", pool.close()).await;
}

fn postgres() -> Option<Server> {
    Server::start("postgresql", ecosystem::postgres)
}

/// It listens a little before it lets anybody in.
async fn when_it_is_up<T, E: std::fmt::Debug>(mut connect: impl AsyncFnMut() -> Result<T, E>) -> T {
    within("PostgreSQL", async {
        loop {
            match connect().await {
                Ok(connected) => return connected,
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlx_with_postgresql() {
    let Some(server) = postgres() else { return };
    let url = format!("postgres://tester@{}/postgres", server.address());
    let mut listener = when_it_is_up(async || sqlx::postgres::PgListener::connect(&url).await).await;
    let pool = PgPoolOptions::new().max_connections(5).connect(&url).await.unwrap();
    sqlx::query("create table notes (id serial primary key, text text not null)").execute(&pool).await.unwrap();
    let tasks: Vec<_> = (0..40)
        .map(|n| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let insert = sqlx::query_scalar("insert into notes (text) values ($1) returning id").bind(format!("note {n}"));
                let id: i32 = insert.fetch_one(&pool).await.unwrap();
                let text: String = sqlx::query_scalar("select text from notes where id = $1").bind(id).fetch_one(&pool).await.unwrap();
                (id, text)
            })
        })
        .collect();
    let mut ids = Vec::new();
    for (n, task) in tasks.into_iter().enumerate() {
        let (id, text) = within("a query", task).await.unwrap();
        assert_eq!(text, format!("note {n}"));
        ids.push(id);
    }
    ids.sort_unstable();
    assert_eq!(ids, (1..=40).collect::<Vec<_>>());
    listener.listen("bell").await.unwrap();
    sqlx::query("select pg_notify('bell', 'ding')").execute(&pool).await.unwrap();
    assert_eq!(within("the notification", listener.recv()).await.unwrap().payload(), "ding");
    let broken = sqlx::query("select nothing").execute(&pool).await.unwrap_err();
    assert_eq!(broken.as_database_error().unwrap().code().unwrap(), "42703");
    let mut alone = sqlx::postgres::PgConnection::connect(&url).await.unwrap();
    alone.ping().await.unwrap();
    alone.close().await.unwrap();
    drop(listener);
    within("the end", pool.close()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokio_postgres_pipelines_and_cancels() {
    let Some(server) = postgres() else { return };
    let config = format!("host=127.0.0.1 port={} user=tester dbname=postgres", server.port());
    let (client, connection) = when_it_is_up(async || tokio_postgres::connect(&config, tokio_postgres::NoTls).await).await;
    let connection = tokio::spawn(connection);
    let statement = client.prepare("select $1::int * 2").await.unwrap();
    let parameters: Vec<i32> = (0..200).collect();
    let queries = futures::future::join_all(parameters.iter().map(|n| {
        let (client, statement) = (&client, &statement);
        async move { client.query_one(statement, &[n]).await.unwrap().get::<_, i32>(0) }
    }));
    let doubled = within("200 queries in a row", queries).await;
    assert_eq!(doubled, (0..200).map(|n| 2 * n).collect::<Vec<_>>());
    let token = client.cancel_token();
    let (slept, cancelled) = within("the cancellation", async {
        tokio::join!(client.simple_query("select pg_sleep(100)"), async {
            // The query has to be under way, or nothing is cancelled.
            while client.is_closed() || !is_under_way(&config).await {}
            token.cancel_query(tokio_postgres::NoTls).await
        })
    })
    .await;
    cancelled.unwrap();
    assert_eq!(slept.unwrap_err().code(), Some(&tokio_postgres::error::SqlState::QUERY_CANCELED));
    drop(client);
    within("the end", connection).await.unwrap().unwrap();
}

async fn is_under_way(config: &str) -> bool {
    let (client, connection) = tokio_postgres::connect(config, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let count = client.query_one("select count(*) from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'", &[]);
    count.await.unwrap().get::<_, i64>(0) == 1
}

/// Makes numbers instead of connections, and counts them.
#[derive(Clone, Default)]
struct Maker(Arc<AtomicUsize>);

impl bb8::ManageConnection for Maker {
    type Connection = usize;
    type Error = std::convert::Infallible;

    async fn connect(&self) -> Result<usize, Self::Error> {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        Ok(self.0.fetch_add(1, Ordering::SeqCst))
    }

    async fn is_valid(&self, _: &mut usize) -> Result<(), Self::Error> {
        Ok(())
    }

    fn has_broken(&self, _: &mut usize) -> bool {
        false
    }
}

impl deadpool::managed::Manager for Maker {
    type Type = usize;
    type Error = std::convert::Infallible;

    async fn create(&self) -> Result<usize, Self::Error> {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        Ok(self.0.fetch_add(1, Ordering::SeqCst))
    }

    async fn recycle(&self, _: &mut usize, _: &deadpool::managed::Metrics) -> deadpool::managed::RecycleResult<Self::Error> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pools_share_what_they_have() {
    let (maker, busy, most) = (Maker::default(), Arc::new(AtomicUsize::new(0)), 3);
    let bb8 = bb8::Pool::builder().max_size(most).build(maker.clone()).await.unwrap();
    let tasks = (0..100).map(|_| {
        let (bb8, busy) = (bb8.clone(), busy.clone());
        tokio::spawn(async move {
            let _connection = bb8.get().await.unwrap();
            assert!(busy.fetch_add(1, Ordering::SeqCst) < most as usize);
            tokio::task::yield_now().await;
            busy.fetch_sub(1, Ordering::SeqCst);
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        within("a turn", task).await.unwrap();
    }
    assert!(maker.0.load(Ordering::SeqCst) <= most as usize);
    let all: Vec<_> = futures::future::join_all((0..most).map(|_| bb8.get())).await;
    let waited = tokio::time::timeout(std::time::Duration::from_millis(5), bb8.get()).await;
    assert!(waited.is_err() && all.iter().all(Result::is_ok));

    let maker = Maker::default();
    let pool = deadpool::managed::Pool::<Maker>::builder(maker.clone())
        .max_size(2)
        .wait_timeout(Some(std::time::Duration::from_millis(5)))
        .runtime(deadpool::Runtime::Tokio1)
        .build()
        .unwrap();
    let (one, two) = tokio::join!(pool.get(), pool.get());
    let third = pool.get().await;
    assert!(matches!(third, Err(deadpool::managed::PoolError::Timeout(_))));
    assert_ne!(*one.unwrap(), *two.unwrap());
    assert_eq!(maker.0.load(Ordering::SeqCst), 2);
    assert!(*pool.get().await.unwrap() < 2);
}
