//! Bodies that do not fit the declared type: the messages point into the body, as in any function.

#[path = "../support/fake.rs"]
mod fake;

#[runtime::main(crate = "fake")]
async fn value_for_unit() {
    Ok(())
}

#[runtime::main(crate = "fake")]
async fn unit_for_result() -> Result<(), std::io::Error> {
    std::future::ready(()).await;
}

#[runtime::main(crate = "fake")]
async fn early_return() -> Result<(), std::io::Error> {
    if true {
        return 5;
    }
    Ok(())
}

#[runtime::main(crate = "fake")]
async fn question_mark_in_unit() {
    let _: u32 = "5".parse()?;
}

#[runtime::main(crate = "fake")]
async fn wrong_error() -> Result<(), String> {
    None?;
    Ok(())
}

#[runtime::main(crate = "fake")]
async fn opaque() -> impl std::fmt::Display {
    vec![1]
}

fn main() {}
