//! Each way to write an attribute of a crate that is called `tokio` here and nowhere `runtime`.
#![deny(warnings)]
#![cfg(test)]

fn on(flavor: &str) -> bool {
    tokio::runtime::settings().first().is_some_and(|first| first == flavor)
}

#[tokio::test]
async fn path() {
    assert!(on("current_thread"));
}

#[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn absolute_path() {
    assert_eq!(tokio::runtime::settings(), ["multi_thread", "all", "threads 2"]);
}

#[cfg_attr(all(), tokio::test(flavor = "local", start_paused = true))]
async fn cfg_attr() {
    assert_eq!(tokio::runtime::settings(), ["current_thread", "all", "paused true", "local"]);
}

mod imported {
    use tokio::test;

    #[test]
    async fn bare() {
        assert!(super::on("current_thread"));
    }
}

mod aliased {
    use ::tokio as rt;

    #[rt::test]
    async fn alias() {
        assert!(super::on("current_thread"));
    }
}

macro_rules! written_by_a_macro {
    ($name:ident $attribute:path) => {
        #[tokio::test]
        async fn $name() {
            assert!(on("current_thread"));
        }

        mod passed_on {
            #[$attribute]
            async fn by_a_macro() {
                assert!(super::on("current_thread"));
            }
        }
    };
}
written_by_a_macro!(in_a_macro tokio::test);

mod explicit {
    mod inner {
        pub use tokio as web;
    }

    #[tokio::test(crate = "self::inner::web", unhandled_panic = "shutdown_runtime", name = "web")]
    async fn given_path() {
        assert_eq!(tokio::runtime::settings(), ["current_thread", "all", "ShutdownRuntime", "web"]);
    }
}

#[test]
fn main_and_other_functions() {
    #[tokio::main]
    async fn main() {
        assert!(on("multi_thread"));
    }
    main();

    #[tokio::main(flavor = "current_thread")]
    async fn add<T: std::ops::Add<Output = T>>(runtime: T, body: T) -> T {
        assert!(on("current_thread"));
        runtime + body
    }
    assert_eq!(add(1, 2), 3);

    struct Answer(u8);
    impl Answer {
        #[tokio::main]
        async fn new() -> Self {
            Self(41)
        }

        #[tokio::main]
        async fn next(&mut self) -> Result<u8, std::num::ParseIntError> {
            self.0 += "1".parse::<u8>()?;
            Ok(self.0)
        }
    }
    assert_eq!(Answer::new().next(), Ok(42));
}
