//! Functions that the attributes can't stand on.

#[runtime::main]
fn not_async() {}

#[runtime::test]
async fn arguments(_n: u32, _text: &str) {}

#[runtime::main]
struct NotAFunction;

#[runtime::test]
#[test]
async fn twice() {}

#[runtime::main]
async fn main(argument: u32) {
    drop(argument);
}
