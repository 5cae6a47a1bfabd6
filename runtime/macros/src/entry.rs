//! From an `async fn` to a function that runs it.
//!
//! Owns: which functions are accepted, and the shape of the expansion.
//!
//! ```text
//! fn name(…) -> Output {
//!     let body = async { if false { …return a value of type Output… } …the user's statements… };
//!     let runtime = ROOT::runtime::Builder::new_…().enable_all()….build().expect("…");
//!     runtime.block_on(body)
//! }
//! ```
//!
//! The danger: an async block does not know its return type, so a wrong one would be reported at the `block_on` that
//! the user never wrote. The return that is never reached names the type before the first statement is checked, and
//! every message points into the user's body, as in a plain `async fn`.
//! Rejected: moving the body into a nested `async fn`, which cannot use `Self`, `self` or generics of its outer item.

use crate::arguments::Arguments;
use crate::crate_name::{self, Package};
use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{Parse, ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Attribute, Error, Ident, ReturnType, Signature, Type, Visibility};

/// Which of the two attributes, and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Main(Package),
    Test(Package),
}

impl Kind {
    /// The attribute's last path segment.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Main(_) => "main",
            Kind::Test(_) => "test",
        }
    }

    pub(crate) fn package(self) -> Package {
        match self {
            Kind::Main(package) | Kind::Test(package) => package,
        }
    }

    fn is_test(self) -> bool {
        matches!(self, Kind::Test(_))
    }

    /// The attribute as messages show it.
    pub(crate) fn attribute(self) -> String {
        format!("#[{}::{}]", self.package().name(), self.name())
    }

    /// The attribute with arguments, to show how it should be written.
    pub(crate) fn with(self, arguments: &str) -> String {
        format!("`#[{}::{}({arguments})]`", self.package().name(), self.name())
    }

    pub(crate) fn default_flavor(self) -> crate::arguments::Flavor {
        match self {
            Kind::Main(_) => crate::arguments::Flavor::MultiThread,
            Kind::Test(_) => crate::arguments::Flavor::CurrentThread,
        }
    }
}

/// A function as it was written, with a body that nobody has looked into.
struct Function {
    attributes: Vec<Attribute>,
    visibility: Visibility,
    signature: Signature,
    body: Group,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let signature = input.parse()?;
        let body: Group = input.parse()?;
        if body.delimiter() != Delimiter::Brace {
            return Err(Error::new(body.span(), "expected the function's body in braces"));
        }
        // An inner attribute would no longer stand first in its block; on the function it means the same.
        let split = |input: ParseStream<'_>| {
            let inner = input.call(Attribute::parse_inner)?;
            Ok((inner, input.parse::<TokenStream>()?))
        };
        let (inner, statements) = split.parse2(body.stream())?;
        attributes.extend(inner.into_iter().map(|attribute| Attribute { style: syn::AttrStyle::Outer, ..attribute }));
        Ok(Function { attributes, visibility, signature, body: braces(statements, body.span()) })
    }
}

/// The expansion of an attribute: never fails, mistakes become `compile_error!`.
pub(crate) fn expand(kind: Kind, arguments: TokenStream, item: TokenStream) -> TokenStream {
    let function = match Function::parse.parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => return not_a_function(kind, error, item),
    };
    let checked =
        Arguments::parse(kind, arguments).and_then(|arguments| refuse_unfit(kind, &function).map(|()| arguments));
    match checked {
        Ok(arguments) => {
            let root = arguments.root().unwrap_or_else(|| crate_name::root(kind, Span::call_site()));
            running(kind, function, &arguments, &root)
        }
        Err(error) => refused(function, error),
    }
}

fn not_a_function(kind: Kind, error: Error, item: TokenStream) -> TokenStream {
    let mut message = Error::new(Span::call_site(), format!("`{}` can only stand on an `async fn`", kind.attribute()));
    message.combine(error);
    let message = message.into_compile_error();
    quote!(#message #item)
}

fn refuse_unfit(kind: Kind, function: &Function) -> syn::Result<()> {
    let signature = &function.signature;
    if signature.asyncness.is_none() {
        return Err(Error::new(
            signature.fn_token.span,
            format!("`{}` needs an `async fn`: the `async` keyword is missing", kind.attribute()),
        ));
    }
    let takes_none = kind.is_test() || signature.ident == "main";
    if takes_none && !signature.inputs.is_empty() {
        let what = if kind.is_test() { "a test" } else { "the main function" };
        return Err(Error::new(signature.inputs.span(), format!("{what} cannot take arguments")));
    }
    if kind.is_test()
        && let Some(second) = function.attributes.iter().find(|attribute| is_test(attribute))
    {
        return Err(Error::new(
            second.span(),
            "a second test attribute: the function would run twice. Remove one of them, or change their order",
        ));
    }
    Ok(())
}

/// `#[test]`, `#[core::prelude::v1::test]`, or one of ours; test attributes of other crates may well cooperate.
fn is_test(attribute: &Attribute) -> bool {
    let segments: Vec<String> = attribute.path().segments.iter().map(|segment| segment.ident.to_string()).collect();
    match segments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["test"] | ["runtime" | "tokio", "test"] => true,
        [library, "prelude", _, "test"] => matches!(library, "core" | "std"),
        _ => false,
    }
}

/// The function that builds a runtime and runs the body on it.
fn running(kind: Kind, function: Function, arguments: &Arguments, root: &TokenStream) -> TokenStream {
    let builder = arguments.builder(kind, root);
    let failed = format!("`{}` could not build its runtime", kind.attribute());
    // Mixed-site names are ours alone: a parameter called `runtime` stays what it is.
    let (body, runtime) = (Ident::new("body", Span::mixed_site()), Ident::new("runtime", Span::mixed_site()));
    let result = quote_spanned!(last_span(&function)=> #runtime.block_on(#body));
    let dynamic = kind.is_test().then(|| type_erased(&function.signature.output, &body));
    let header = kind.is_test().then(|| quote!(#[::core::prelude::v1::test]));
    rebuilt(function, header, &body, |_| {
        quote! {
            #dynamic
            #[allow(clippy::expect_used, clippy::disallowed_methods)]
            let #runtime = #builder.expect(#failed);
            #[allow(clippy::let_and_return, clippy::let_unit_value, clippy::needless_return)]
            { return #result; }
        }
    })
}

/// A function of the same name that does nothing, beside the message: what calls it still compiles.
fn refused(function: Function, error: Error) -> TokenStream {
    let message = error.into_compile_error();
    if function.signature.ident == "main" && !function.signature.inputs.is_empty() {
        // The compiler has its own message about such a `main`; one is enough.
        let name = &function.signature.ident;
        return quote!(#message fn #name() {});
    }
    let body = Ident::new("body", Span::mixed_site());
    let function = rebuilt(function, None, &body, |_| quote!(let _ = #body; ::core::unreachable!()));
    quote!(#message #function)
}

/// The function with `async` taken off, its body in an async block called `body`, and `end` after it.
fn rebuilt(
    function: Function,
    header: Option<TokenStream>,
    body: &Ident,
    end: impl FnOnce(&Ident) -> TokenStream,
) -> TokenStream {
    let Function { attributes, visibility, mut signature, body: statements } = function;
    signature.asyncness = None;
    let expected = expected_type(&signature);
    let span = statements.span();
    let statements = statements.stream();
    let block = braces(quote!(#expected #statements), span);
    let end = end(body);
    let outer = braces(quote!(let #body = async #block; #end), span);
    quote!(#header #(#attributes)* #visibility #signature #outer)
}

/// A return that is never reached, so that the async block has the declared type from its first statement on.
fn expected_type(signature: &Signature) -> Option<TokenStream> {
    let output = nameable(&signature.output)?;
    // Messages that show where the type comes from show the declaration.
    let place = match &signature.output {
        ReturnType::Default => signature.paren_token.span.join(),
        ReturnType::Type(_, declared) => declared.span(),
    };
    let here = Span::mixed_site().located_at(place);
    let never = Ident::new("never", here);
    Some(quote_spanned! {here=>
        #[allow(
            unreachable_code,
            clippy::diverging_sub_expression,
            clippy::empty_loop,
            clippy::let_unit_value,
            clippy::let_with_type_underscore,
            clippy::needless_return,
            clippy::unused_unit
        )]
        if false {
            let #never: #output = loop {};
            return #never;
        }
    })
}

/// Behind `dyn`, a thousand tests share one copy of `block_on`.
fn type_erased(output: &ReturnType, body: &Ident) -> Option<TokenStream> {
    let output = nameable(output)?;
    Some(quote! {
        let #body: ::core::pin::Pin<&mut dyn ::core::future::Future<Output = #output>> = ::core::pin::pin!(#body);
    })
}

/// The declared type where it may stand in a `let`: not with `impl Trait` in it, and not `!`, which has no stable name.
fn nameable(output: &ReturnType) -> Option<TokenStream> {
    match output {
        ReturnType::Default => Some(quote!(())),
        ReturnType::Type(_, declared) if matches!(**declared, Type::Never(_)) => None,
        ReturnType::Type(_, declared) => {
            let tokens = declared.to_token_stream();
            (!mentions_impl(tokens.clone())).then_some(tokens)
        }
    }
}

fn mentions_impl(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "impl",
        TokenTree::Group(group) => mentions_impl(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// Where the result comes from: the body's last token. It locates here, but resolves as if written by the macro.
fn last_span(function: &Function) -> Span {
    let last = function.body.stream().into_iter().last();
    let place = last.map_or(function.body.span(), |token| token.span());
    Span::mixed_site().located_at(place)
}

fn braces(tokens: TokenStream, span: Span) -> Group {
    let mut group = Group::new(Delimiter::Brace, tokens);
    group.set_span(span);
    group
}

#[cfg(test)]
#[path = "entry_tests.rs"]
mod tests;
