use super::*;

fn squeezed(tokens: TokenStream) -> String {
    tokens.to_string().split_whitespace().collect()
}

fn expansion(kind: Kind, arguments: &str, item: &str) -> String {
    squeezed(expand(kind, arguments.parse().unwrap(), item.parse().unwrap()))
}

/// The message in the expansion's `compile_error!`.
fn refusal(kind: Kind, arguments: &str, item: &str) -> String {
    let tokens = expand(kind, arguments.parse().unwrap(), item.parse().unwrap()).to_string();
    let from = tokens.find("compile_error !").unwrap_or_else(|| panic!("not refused: {tokens}"));
    tokens[from..].split('}').next().unwrap().replace("\\\"", "\"")
}

const MAIN: &str = "async fn main() { go().await }";

#[test]
fn each_flavor_calls_its_builder() {
    let multi = expansion(Kind::Main(Package::Runtime), "crate = \"fake\"", MAIN);
    assert!(multi.contains("fake::runtime::Builder::new_multi_thread().enable_all().build().expect("), "{multi}");
    for (arguments, calls) in [
        ("flavor = \"multi_thread\", worker_threads = 3", "new_multi_thread().enable_all().worker_threads(3).build()"),
        ("flavor = \"current_thread\"", "new_current_thread().enable_all().build()"),
        (
            "flavor = \"local\", start_paused = true",
            "new_current_thread().enable_all().start_paused(true)\
             .build_local(::core::default::Default::default())",
        ),
        ("start_paused = true", "new_multi_thread().enable_all().start_paused(true).build()"),
        ("name = \"web\",", "new_multi_thread().enable_all().name(\"web\").build()"),
        (
            "unhandled_panic = \"shutdown_runtime\", crate = \"a::b\"",
            "enable_all().unhandled_panic(a::b::runtime::UnhandledPanic::ShutdownRuntime).build()",
        ),
        ("crate = ::x::y", "::x::y::runtime::Builder::new_multi_thread()"),
    ] {
        let expanded = expansion(Kind::Main(Package::Runtime), arguments, MAIN);
        assert!(expanded.contains(calls), "{arguments}: {expanded}");
    }
}

#[test]
fn without_source_text_or_another_name_the_root_is_runtime() {
    let expanded = expansion(Kind::Main(Package::Runtime), "", MAIN);
    assert!(expanded.contains("::runtime::runtime::Builder"), "{expanded}");
}

#[test]
fn a_test_is_a_test_on_one_thread() {
    let expanded = expansion(Kind::Test(Package::Runtime), "crate = \"fake\"", "#[ignore] async fn t() {}");
    assert!(expanded.starts_with("#[::core::prelude::v1::test]#[ignore]fnt(){"), "{expanded}");
    assert!(expanded.contains("new_current_thread()"), "{expanded}");
    let paused = expansion(Kind::Test(Package::Runtime), "start_paused = true", "async fn t() {}");
    assert!(paused.contains(".start_paused(true)"), "{paused}");
}

#[test]
fn everything_but_async_is_kept() {
    let item = "/// Doc.\n#[inline] pub(crate) async unsafe fn run<T: Fn(u8)>(x: T) -> Option<T> where T: Send { \
                #![allow(dead_code)] x(1); Some(x) }";
    let expanded = expansion(Kind::Main(Package::Runtime), "", item);
    let head = "#[inline]#[allow(dead_code)]pub(crate)unsafefnrun<T:Fn(u8)>(x:T)->Option<T>whereT:Send{";
    assert!(expanded.contains(head) && expanded.contains("Doc."), "{expanded}");
    assert!(expanded.contains("x(1);Some(x)}"), "{expanded}");
}

#[test]
fn the_body_knows_its_type_where_the_type_has_a_name() {
    let named = expansion(Kind::Main(Package::Runtime), "", "async fn main() -> Result<(), E> { Ok(()) }");
    assert!(named.contains("letnever:Result<(),E>=loop{};"), "{named}");
    for output in ["!", "impl Debug", "Option<impl Debug>"] {
        let unnamed = expansion(Kind::Test(Package::Runtime), "", &format!("async fn f() -> {output} {{ x() }}"));
        assert!(!unnamed.contains("never") && !unnamed.contains("dyn"), "{unnamed}");
    }
}

#[test]
fn functions_that_do_not_fit_are_refused() {
    assert!(refusal(Kind::Main(Package::Runtime), "", "fn main() {}").contains("`async` keyword is missing"));
    assert!(
        refusal(Kind::Main(Package::Runtime), "", "async fn main(x: u8) {}")
            .contains("the main function cannot take arguments")
    );
    assert!(refusal(Kind::Test(Package::Runtime), "", "async fn t(x: u8) {}").contains("a test cannot take arguments"));
    assert!(refusal(Kind::Main(Package::Runtime), "", "struct Main;").contains("can only stand on an `async fn`"));
    assert!(!expansion(Kind::Main(Package::Runtime), "", "async fn run(x: u8) {}").contains("compile_error"));
    for second in ["test", "std::prelude::v1::test", "runtime::test", "::tokio::test(flavor = \"local\")"] {
        let item = format!("#[{second}] async fn t() {{}}");
        assert!(refusal(Kind::Test(Package::Runtime), "", &item).contains("second test attribute"), "{second}");
    }
    assert!(
        !expansion(Kind::Test(Package::Runtime), "", "#[test_case::test(1)] async fn t() {}").contains("compile_error")
    );
}

#[test]
fn a_refused_function_still_exists_and_is_not_async() {
    let expanded = expansion(Kind::Main(Package::Runtime), "bogus = 1", "async fn main() -> u8 { 1 }");
    assert!(expanded.contains("fnmain()->u8{") && !expanded.contains("asyncfn"), "{expanded}");
}

#[test]
fn arguments_that_make_no_sense_are_refused_with_the_way_out() {
    for (arguments, message) in [
        ("flavour = \"local\"", "unknown argument `flavour`; the valid arguments are `flavor`"),
        ("bogus", "unknown argument `bogus`"),
        ("flavor", "`flavor` needs a value"),
        ("flavor =", "`flavor` needs a value"),
        ("flavor = 1", "`flavor` takes a string"),
        ("flavor = \"many\"", "unknown flavor `many`; the flavors are `\"multi_thread\"`"),
        ("flavor = \"basic_scheduler\"", "this flavor is called `current_thread`"),
        ("threaded_scheduler", "#[runtime::main(flavor = \"multi_thread\")]"),
        ("flavor = \"local\", flavor = \"local\"", "`flavor` is set twice"),
        ("flavor = \"current_thread\", worker_threads = 1", "`worker_threads` needs the `multi_thread` flavor"),
        ("worker_threads = 0", "must be at least 1"),
        ("worker_threads = n", "takes an integer literal"),
        ("worker_threads = -1", "takes an integer literal"),
        ("core_threads = 2", "is called `worker_threads`"),
        ("start_paused = \"yes\"", "takes `true` or `false`"),
        ("unhandled_panic = \"explode\"", "unknown policy `explode`; the policies are `\"ignore\"`"),
        ("unhandled_panic = 3", "`unhandled_panic` takes a string"),
        ("crate = 3", "`crate` takes the path"),
        ("crate = \"a b\"", "`crate` takes the path"),
        ("name = 3", "`name` takes a string literal"),
        ("\"multi_thread\"", "expected `name = value`"),
        ("flavor(\"local\")", "expected `=` after `flavor`"),
    ] {
        let refused = refusal(Kind::Main(Package::Runtime), arguments, MAIN);
        assert!(refused.contains(message), "{arguments}: {refused}");
    }
    assert!(
        refusal(Kind::Test(Package::Runtime), "worker_threads = 2", "async fn t() {}")
            .contains("#[runtime::test(flavor =")
    );
}
