//! A server with a database, and a client that asks it. Prints what the client was told, and whose runtime it was.

use axum::extract::{Path, State};
use axum::routing::{get, post};
use sqlx::SqlitePool;

async fn add(State(pool): State<SqlitePool>, Path(name): Path<String>) -> String {
    let added = sqlx::query("insert into guests (name) values (?)").bind(name).execute(&pool).await.unwrap();
    added.last_insert_rowid().to_string()
}

async fn list(State(pool): State<SqlitePool>) -> String {
    let names: Vec<String> = sqlx::query_scalar("select name from guests order by id").fetch_all(&pool).await.unwrap();
    names.join(", ")
}

#[tokio::main]
async fn main() {
    // One connection: each has a database of its own in memory.
    let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
    sqlx::query("create table guests (id integer primary key, name text not null)").execute(&pool).await.unwrap();
    let app = axum::Router::new().route("/guests/{name}", post(add)).route("/guests", get(list)).with_state(pool);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let client = reqwest::Client::new();
    for (number, name) in ["Ada", "Grace", "Barbara"].into_iter().enumerate() {
        let id = client.post(format!("http://{address}/guests/{name}")).send().await.unwrap().text().await.unwrap();
        assert_eq!(id, (number + 1).to_string());
    }
    let names = client.get(format!("http://{address}/guests")).send().await.unwrap().text().await.unwrap();
    println!("{names} on {}", std::any::type_name::<tokio::runtime::Runtime>());
}
