//! Each module is a crate, or a few that are used together.

mod calls;
mod observers;
mod queues;
mod redis_server;
mod sql;
mod streams;
mod tools;
mod transports;
mod web;
mod web_servers;
