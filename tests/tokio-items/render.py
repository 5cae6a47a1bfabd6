"""Types and signatures of rustdoc's JSON as text that is the same for the same thing, whoever wrote it.

Owns: names of type parameters and lifetimes (by position), the order of bounds, short names for std's items.
Not here: which items there are (`items`).

Two crates that promise the same write it differently: `impl<R: Read> F<R>` or `where`, `&self -> Ref<'_>` or
`&'a self -> Ref<'a>`, `async fn` or `-> impl Future`. Each pair gives one text here. A type without a public name, as most futures of `io` are, is `_`.
"""

import re

TYPE_NAMES = "TUVWXYZABCDE"
# Names of std that nothing of tokio's is called like. All others are written with their module.
PLAIN = set("""
    Option Result Vec String Box Arc Rc Pin Context Poll Waker Future Send Sync Unpin Sized Clone Copy Debug Display Default
    From Into TryFrom TryInto AsRef AsMut Deref DerefMut Drop Eq PartialEq Ord PartialOrd Hash Fn FnMut FnOnce Iterator
    ExactSizeIterator FusedIterator IntoIterator Extend FromIterator Path PathBuf OsStr OsString Duration IpAddr Ipv4Addr Ipv6Addr
    SocketAddrV4 SocketAddrV6 AsFd AsRawFd IntoRawFd FromRawFd OwnedFd BorrowedFd RawFd Add AddAssign Sub SubAssign BitOr
    BitOrAssign BitAnd BitAndAssign Not Any UnwindSafe RefUnwindSafe Infallible Cursor MaybeUninit Range RangeInclusive Cow
    AsHandle AsRawHandle AsSocket AsRawSocket IntoRawSocket FromRawSocket RawSocket OwnedHandle BorrowedHandle BorrowedSocket
    RawHandle IoSlice IoSliceMut SeekFrom ErrorKind Metadata Permissions FileType Location Wake Buf BufMut ThreadId
""".split())


class Scope:
    """How one signature spells its parameters: the first type parameter is T, the next U; the first lifetime 'a."""

    def __init__(self, prefix="'"):
        self.types, self.lifetimes, self.elided, self.fresh, self.high = {}, {}, None, False, set()
        # An impl's lifetimes are 's1, 's2: what they bind stands outside of the signature.
        self.prefix = prefix

    def declare(self, generics):
        for param in generics["params"]:
            if "lifetime" not in param["kind"] and not is_synthetic(param):
                self.type(param["name"])

    def type(self, name):
        if name not in self.types:
            self.types[name] = TYPE_NAMES[len(self.types)]
        return self.types[name]

    def lifetime(self, name):
        if name == "'static":
            return name
        if name in self.high:
            return None
        if name in (None, "'_"):
            if not self.fresh:
                return self.elided
            name = f"elided {len(self.lifetimes)}"
        if name not in self.lifetimes:
            number = len(self.lifetimes)
            self.lifetimes[name] = f"'{'abcdefgh'[number]}" if self.prefix == "'" else f"{self.prefix}{number}"
        return self.lifetimes[name]


def is_synthetic(param):
    return param["kind"].get("type", {}).get("is_synthetic", False)


class Renderer:
    """`names` gives an item's public path by its id, `lifetimes` how many lifetimes a type of the crate has."""

    def __init__(self, names, externals, lifetimes):
        self.names, self.externals, self.lifetimes = names, externals, lifetimes
        self.self_type = None

    def path(self, path, scope):
        name = self.name(path["id"], path["path"])
        if name == "_":
            return name
        args = self.args(path["args"], scope)
        hidden = self.lifetimes.get(path["id"], 1 if name == "Context" else 0)
        if hidden and not any(arg.startswith("'") for arg in args):
            args = [scope.lifetime(None) or "'_" for _ in range(hidden)] + args
        if "parenthesized" in (path["args"] or {}):
            return name + args[0]
        text = f"{name}<{', '.join(args)}>" if args else name
        # std has one error for a name of its own; `Result` with it is written in three ways.
        return re.sub(r"^Result<(.*), std::io::Error>$", r"std::io::Result<\1>", text)

    def name(self, item, written):
        if item in self.names:
            return self.names[item]
        segments = self.externals.get(item)
        if segments is None:
            return "_"
        if segments[0] not in ("core", "alloc", "std"):
            return "::".join(segments) if segments[-1] not in PLAIN else segments[-1]
        short = segments[-1]
        plain = short in PLAIN and (short != "Result" or segments[1] == "result")
        return short if plain else f"std::{segments[1]}::{short}" if len(segments) > 2 else f"std::{short}"

    def args(self, args, scope):
        if not args:
            return []
        if "parenthesized" in args:
            inputs = ", ".join(self.type(each, scope) for each in args["parenthesized"]["inputs"])
            output = args["parenthesized"]["output"]
            return [f"({inputs})" + (f" -> {self.type(output, scope)}" if output else "")]
        found = [self.arg(each, scope) for each in args["angle_bracketed"]["args"]]
        for constraint in args["angle_bracketed"]["constraints"]:
            binding = constraint["binding"]
            if "equality" in binding:
                found.append(f"{constraint['name']} = {self.type(binding['equality']['type'], scope)}")
            else:
                found.append(f"{constraint['name']}: {self.bounds(binding['constraint'], scope)}")
        return found

    def arg(self, arg, scope):
        if "lifetime" in arg:
            return scope.lifetime(arg["lifetime"]) or "'_"
        return self.type(arg["type"], scope) if "type" in arg else str(arg.get("const", {}).get("expr", "_"))

    def type(self, given, scope):
        (kind, inner), = given.items()
        text = getattr(self, f"type_{kind}")(inner, scope)
        return "Self" if text == self.self_type else text

    def type_resolved_path(self, inner, scope):
        return self.path(inner, scope)

    def type_generic(self, inner, scope):
        return inner if inner == "Self" else scope.type(inner)

    def type_primitive(self, inner, _):
        return "!" if inner == "never" else inner

    def type_tuple(self, inner, scope):
        listed = ", ".join(self.type(each, scope) for each in inner)
        return f"({listed},)" if len(inner) == 1 else f"({listed})"

    def type_slice(self, inner, scope):
        return f"[{self.type(inner, scope)}]"

    def type_array(self, inner, scope):
        length = inner["len"]
        return f"[{self.type(inner['type'], scope)}; {scope.types.get(length, length)}]"

    def type_borrowed_ref(self, inner, scope):
        lifetime = scope.lifetime(inner["lifetime"])
        mark = (f"{lifetime} " if lifetime else "") + ("mut " if inner["is_mutable"] else "")
        return f"&{mark}{self.type(inner['type'], scope)}"

    def type_raw_pointer(self, inner, scope):
        return f"*{'mut' if inner['is_mutable'] else 'const'} {self.type(inner['type'], scope)}"

    def type_impl_trait(self, inner, scope):
        return f"impl {self.bounds(inner, scope)}"

    def type_dyn_trait(self, inner, scope):
        names = sorted(self.path(each["trait"], self.inside(scope, each["generic_params"])) for each in inner["traits"])
        lifetime = inner["lifetime"] and scope.lifetime(inner["lifetime"])
        return "dyn " + " + ".join(names + ([lifetime] if lifetime else []))

    def type_qualified_path(self, inner, scope):
        # Whether `F::Output` names its trait is a matter of taste.
        return f"{self.type(inner['self_type'], scope)}::{inner['name']}"

    def type_function_pointer(self, inner, scope):
        scope = self.inside(scope, inner["generic_params"])
        inputs = ", ".join(self.type(each, scope) for _, each in inner["sig"]["inputs"])
        output = inner["sig"]["output"]
        return f"fn({inputs})" + (f" -> {self.type(output, scope)}" if output else "")

    @staticmethod
    def inside(scope, params):
        """Lifetimes that `for<'a>` declares are not written."""
        inner = Scope()
        inner.__dict__.update(scope.__dict__)
        inner.high = scope.high | {param["name"] for param in params}
        inner.fresh = False
        return inner

    def bound(self, bound, scope):
        if "trait_bound" in bound:
            inner = bound["trait_bound"]
            mark = "?" if inner["modifier"] == "maybe" else ""
            return mark + self.path(inner["trait"], self.inside(scope, inner["generic_params"]))
        return scope.lifetime(bound["outlives"]) if "outlives" in bound else None

    def bounds(self, bounds, scope):
        found = (self.bound(each, scope) for each in bounds)
        kept = {each for each in found if each}
        return " + ".join(sorted(kept - {"Sized", "?Sized"} if "Sized" in kept else kept))

    def where(self, many, scope):
        """The bounds of several sets of generics, by what they are about."""
        found = {}
        for generics in many:
            for param in generics["params"]:
                if "type" in param["kind"] and not is_synthetic(param):
                    found.setdefault(scope.type(param["name"]), []).extend(param["kind"]["type"]["bounds"])
                elif "const" in param["kind"]:
                    found.setdefault(f"const {scope.type(param['name'])}", [])
                for other in param["kind"].get("lifetime", {}).get("outlives", []):
                    found.setdefault(scope.lifetime(param["name"]), []).append({"outlives": other})
            for predicate in generics["where_predicates"]:
                if "bound_predicate" in predicate:
                    inner = predicate["bound_predicate"]
                    about = self.type(inner["type"], self.inside(scope, inner["generic_params"]))
                    found.setdefault(about, []).extend(inner["bounds"])
                elif "lifetime_predicate" in predicate:
                    inner = predicate["lifetime_predicate"]
                    bounds = [{"outlives": other} for other in inner["outlives"]]
                    found.setdefault(scope.lifetime(inner["lifetime"]), []).extend(bounds)
        listed = ((about, self.bounds(bounds, scope)) for about, bounds in found.items())
        kept = sorted(f"{about}: {bounds}" for about, bounds in listed if bounds)
        return f" where {', '.join(kept)}" if kept else ""

    def function(self, item, owner=None, owner_generics=None):
        """`owner` is the type that an `impl` is for, or nothing."""
        inner, scope, declared = item["inner"]["function"], Scope(), []
        if owner:
            self.self_type, scope.prefix = None, "'s"
            text = self.type(owner, scope)
            scope.prefix = "'"
            scope.declare(owner_generics)
            declared.append(owner_generics)
            self.self_type = None if text in ("Self", scope.types.get("T")) else text
        scope.declare(inner["generics"])
        declared.append(inner["generics"])
        scope.fresh = True
        inputs, of_self = [], None
        for at, (name, given) in enumerate(inner["sig"]["inputs"]):
            before = len(scope.lifetimes)
            text = self.type(given, scope)
            if name == "self" and at == 0:
                taken = re.match(r"^(?:Pin<)?&('\w+) ", text)
                of_self = taken and taken.group(1)
                text = re.sub(r"^(&(?:'\w+ )?(?:mut )?)Self$", r"\1self", "self" if text == "Self" else text)
            inputs.append((text, list(scope.lifetimes.values())[before:]))
        all_new = [each for _, new in inputs for each in new]
        scope.fresh, scope.elided = False, of_self or (all_new[0] if len(all_new) == 1 else None)
        output, is_async = self.output(inner["sig"]["output"], scope)
        head = inner["header"]
        marks = [("const", head["is_const"]), ("async", head["is_async"] or is_async), ("unsafe", head["is_unsafe"])]
        mark = "".join(f"{word} " for word, given in marks if given)
        text = f"{mark}fn({', '.join(text for text, _ in inputs)}){output}{self.where(declared, scope)}"
        self.self_type = None
        return plain_lifetimes(text)

    def output(self, given, scope):
        if not given:
            return "", False
        text = self.type(given, scope)
        # A future that promises nothing else is what `async fn` gives.
        future = re.match(r"^impl Future<Output = (.*)>$", text)
        text = future.group(1) if future else text
        return ("" if text == "()" else f" -> {text}"), bool(future)


def plain_lifetimes(text):
    """A lifetime that is named once binds nothing together."""
    for name in set(re.findall(r"'[a-z]\b", text)):
        if len(re.findall(rf"{name}\b", text)) == 1:
            text = re.sub(rf"&{name} ", "&", text)
            text = re.sub(rf"{name}\b", "'_", text)
    return text
