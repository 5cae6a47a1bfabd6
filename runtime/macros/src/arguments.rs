//! The arguments of the attributes: what may be said, and which of it fits together.
//!
//! Owns: names, values, and every message about them.
//! Not here: the function under the attribute (`entry`).
//!
//! The danger: a misspelt argument that is ignored, and a server that runs on one thread for years. So whatever is
//! unknown, doubled or without effect under the chosen flavor is refused, where it stands, with the valid choices.
//! Rejected: collecting all mistakes before reporting; the first one is nearly always the only one.

use crate::entry::Kind;
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, Expr, Ident, Lit, LitInt, LitStr, Path, Token};

const VALID: &str = "`flavor`, `worker_threads`, `start_paused`, `unhandled_panic`, `name`, `crate`";
const FLAVORS: &str = "`\"multi_thread\"`, `\"current_thread\"`, `\"local\"`";

/// What each value of `unhandled_panic` is called in `runtime::UnhandledPanic`.
const PANIC_POLICIES: [(&str, &str); 3] =
    [("ignore", "Ignore"), ("shutdown_runtime", "ShutdownRuntime"), ("abort", "Abort")];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    MultiThread,
    CurrentThread,
    Local,
}

/// The arguments of one attribute, checked.
#[derive(Default)]
pub(crate) struct Arguments {
    flavor: Option<(Flavor, Span)>,
    worker_threads: Option<(LitInt, Span)>,
    start_paused: Option<(bool, Span)>,
    unhandled_panic: Option<(Ident, Span)>,
    name: Option<(LitStr, Span)>,
    root: Option<(Path, Span)>,
}

/// One `name = value`, or what was written instead of it.
struct Argument {
    name: Ident,
    value: Option<Expr>,
}

impl Parse for Argument {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        // `crate` is a keyword: any identifier will do here.
        let name = input.call(Ident::parse_any).map_err(|error| {
            Error::new(error.span(), format!("expected `name = value`; the valid arguments are {VALID}"))
        })?;
        if input.is_empty() || input.peek(Token![,]) {
            return Ok(Argument { name, value: None });
        }
        if !input.peek(Token![=]) {
            return Err(Error::new(input.span(), format!("expected `=` after `{name}`")));
        }
        input.parse::<Token![=]>()?;
        if input.is_empty() || input.peek(Token![,]) {
            return Ok(Argument { name, value: None });
        }
        Ok(Argument { name, value: Some(input.parse()?) })
    }
}

impl Arguments {
    pub(crate) fn parse(kind: Kind, tokens: TokenStream) -> syn::Result<Self> {
        let list = Punctuated::<Argument, Token![,]>::parse_terminated.parse2(tokens)?;
        let mut arguments = Arguments::default();
        for argument in list {
            arguments.take(kind, argument)?;
        }
        arguments.check(kind)?;
        Ok(arguments)
    }

    fn take(&mut self, kind: Kind, Argument { name, value }: Argument) -> syn::Result<()> {
        let written = name.to_string();
        let Some(value) = value else {
            return Err(without_value(kind, &name));
        };
        match written.as_str() {
            "flavor" => once(&mut self.flavor, &name, flavor(&value)?),
            "worker_threads" | "core_threads" => once(&mut self.worker_threads, &name, threads(&name, &value)?),
            "start_paused" => once(&mut self.start_paused, &name, boolean(&name, &value)?),
            "unhandled_panic" => once(&mut self.unhandled_panic, &name, panic_policy(&value)?),
            "name" => once(&mut self.name, &name, string(&name, &value)?),
            "crate" => once(&mut self.root, &name, root(&value)?),
            _ => Err(Error::new(name.span(), format!("unknown argument `{written}`; the valid arguments are {VALID}"))),
        }
    }

    /// Arguments that have no effect under the flavor are mistakes.
    fn check(&self, kind: Kind) -> syn::Result<()> {
        let flavor = self.flavor(kind);
        if let Some((_, span)) = &self.worker_threads
            && flavor != Flavor::MultiThread
        {
            return Err(Error::new(
                *span,
                format!(
                    "`worker_threads` needs the `multi_thread` flavor: {}",
                    kind.with("flavor = \"multi_thread\", worker_threads = …")
                ),
            ));
        }
        Ok(())
    }

    pub(crate) fn flavor(&self, kind: Kind) -> Flavor {
        self.flavor.map_or(kind.default_flavor(), |(flavor, _)| flavor)
    }

    /// The path given as `crate = "…"`.
    pub(crate) fn root(&self) -> Option<TokenStream> {
        self.root.as_ref().map(|(path, _)| quote!(#path))
    }

    /// `ROOT::runtime::Builder::new_…()` with its settings, up to the built runtime's `io::Result`.
    pub(crate) fn builder(&self, kind: Kind, root: &TokenStream) -> TokenStream {
        let flavor = self.flavor(kind);
        let new = match flavor {
            Flavor::MultiThread => quote!(new_multi_thread),
            Flavor::CurrentThread | Flavor::Local => quote!(new_current_thread),
        };
        let build = match flavor {
            Flavor::Local => quote!(build_local(::core::default::Default::default())),
            Flavor::MultiThread | Flavor::CurrentThread => quote!(build()),
        };
        let worker_threads = self.worker_threads.as_ref().map(|(number, _)| quote!(.worker_threads(#number)));
        let start_paused = self.start_paused.as_ref().map(|(paused, _)| quote!(.start_paused(#paused)));
        let unhandled_panic = self
            .unhandled_panic
            .as_ref()
            .map(|(policy, _)| quote!(.unhandled_panic(#root::runtime::UnhandledPanic::#policy)));
        let name = self.name.as_ref().map(|(name, _)| quote!(.name(#name)));
        quote! {
            #root::runtime::Builder::#new()
                .enable_all()
                #worker_threads #start_paused #unhandled_panic #name
                .#build
        }
    }
}

fn once<T>(slot: &mut Option<(T, Span)>, name: &Ident, value: T) -> syn::Result<()> {
    if slot.is_some() {
        return Err(Error::new(name.span(), format!("`{name}` is set twice; keep one of them")));
    }
    *slot = Some((value, name.span()));
    Ok(())
}

/// `flavor` alone, or one of the bare words that earlier macros of this kind took.
fn without_value(kind: Kind, name: &Ident) -> Error {
    let choose = |flavor: &str| format!("the flavor is chosen with {}", kind.with(&format!("flavor = \"{flavor}\"")));
    let help = match name.to_string().as_str() {
        "multi_thread" | "threaded_scheduler" => choose("multi_thread"),
        "current_thread" | "basic_scheduler" | "single_thread" => choose("current_thread"),
        "local" => choose("local"),
        "flavor" | "worker_threads" | "start_paused" | "unhandled_panic" | "name" | "crate" => {
            format!("`{name}` needs a value: `{name} = …`")
        }
        other => format!("unknown argument `{other}`; the valid arguments are {VALID}"),
    };
    Error::new(name.span(), help)
}

/// The literal in `value`; a value that a `macro_rules!` passed on stands in invisible parentheses.
fn literal(value: &Expr) -> Option<&Lit> {
    match value {
        Expr::Lit(literal) => Some(&literal.lit),
        Expr::Group(group) => literal(&group.expr),
        _ => None,
    }
}

fn string(name: &Ident, value: &Expr) -> syn::Result<LitStr> {
    match literal(value) {
        Some(Lit::Str(string)) => Ok(string.clone()),
        _ => Err(Error::new(value.span(), format!("`{name}` takes a string literal"))),
    }
}

fn boolean(name: &Ident, value: &Expr) -> syn::Result<bool> {
    match literal(value) {
        Some(Lit::Bool(boolean)) => Ok(boolean.value),
        _ => Err(Error::new(value.span(), format!("`{name}` takes `true` or `false`"))),
    }
}

fn threads(name: &Ident, value: &Expr) -> syn::Result<LitInt> {
    if name == "core_threads" {
        return Err(Error::new(name.span(), "`core_threads` is called `worker_threads`"));
    }
    match literal(value) {
        Some(Lit::Int(number)) => match number.base10_parse::<usize>() {
            Ok(0) => Err(Error::new(number.span(), "`worker_threads` must be at least 1")),
            Ok(_) => Ok(number.clone()),
            Err(_) => Err(Error::new(number.span(), "`worker_threads` does not fit into a `usize`")),
        },
        _ => Err(Error::new(
            value.span(),
            "`worker_threads` takes an integer literal; for a number that is computed use `runtime::Builder`",
        )),
    }
}

fn flavor(value: &Expr) -> syn::Result<Flavor> {
    let Some(Lit::Str(string)) = literal(value) else {
        return Err(Error::new(value.span(), format!("`flavor` takes a string: {FLAVORS}")));
    };
    let message = match string.value().as_str() {
        "multi_thread" => return Ok(Flavor::MultiThread),
        "current_thread" => return Ok(Flavor::CurrentThread),
        "local" => return Ok(Flavor::Local),
        "single_thread" | "basic_scheduler" => "this flavor is called `current_thread`".to_owned(),
        "threaded_scheduler" => "this flavor is called `multi_thread`".to_owned(),
        other => format!("unknown flavor `{other}`; the flavors are {FLAVORS}"),
    };
    Err(Error::new(string.span(), message))
}

fn panic_policy(value: &Expr) -> syn::Result<Ident> {
    let choices = || PANIC_POLICIES.map(|(written, _)| format!("`\"{written}\"`")).join(", ");
    let Some(Lit::Str(string)) = literal(value) else {
        return Err(Error::new(value.span(), format!("`unhandled_panic` takes a string: {}", choices())));
    };
    let given = string.value();
    match PANIC_POLICIES.iter().find(|(written, _)| *written == given) {
        Some((_, variant)) => Ok(Ident::new(variant, string.span())),
        None => Err(Error::new(string.span(), format!("unknown policy `{given}`; the policies are {}", choices()))),
    }
}

/// `crate = "path"` and `crate = path` mean the same.
fn root(value: &Expr) -> syn::Result<Path> {
    let message = "`crate` takes the path of the runtime's crate: `crate = \"my_crate::runtime\"`";
    match value {
        Expr::Path(path) if path.qself.is_none() => Ok(path.path.clone()),
        _ => match literal(value) {
            Some(Lit::Str(string)) => {
                string.parse_with(Path::parse_mod_style).map_err(|_| Error::new(string.span(), message))
            }
            _ => Err(Error::new(value.span(), message)),
        },
    }
}
