"""rustdoc's JSON of a crate, one file a system, to its list of stable public items.

    items.py features=NAME,NAME linux=FILE.json [macos=FILE.json] [windows=FILE.json] > LIST

Owns: which items there are, under every public path, and on which systems.
Not here: how a signature is spelled (`render`), what is made of two lists (`page`).

A line an item, sorted: name, kind, signature, systems; tabs between. No system: all Unix that were looked at. Names begin below the
crate. A method is `fs::File::open`, an impl `fs::File: AsyncRead`, one for a type of std `io::AsyncRead for Vec<u8>`, a feature
`feature fs`. Auto traits of a type are one item, `fs::File: auto`.
"""

import json
import re
import sys

from render import Renderer, Scope, plain_lifetimes

# rustdoc's format changes without notice: what was not looked at is refused.
FORMATS = (57,)
AUTO = ("Send", "Sync", "Unpin", "UnwindSafe", "RefUnwindSafe")
# `Drop` says how, and not what.
NOT_LISTED = ("StructuralPartialEq", "Freeze", "UnsafeUnpin", "Drop")
# Modules that only document, or only gather names of others for `use …::*`.
NO_API = ("doc", "stream", "prelude")


def is_hidden(item):
    return any("hidden" in str(each) for each in item["attrs"])


class Crate:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            given = json.load(file)
        if given["format_version"] not in FORMATS:
            print(f"the lists of items: items.py reads format {FORMATS[0]} of rustdoc's JSON, and this nightly writes "
                  f"{given['format_version']}", file=sys.stderr)
            sys.exit(3)
        self.index = {int(number): item for number, item in given["index"].items()}
        self.paths = given["paths"]
        self.found, self.visible, self.names = {}, [], {}
        self.walk(given["root"], (), ())
        self.render = Renderer(self.names, self.externals(), self.lifetimes())
        self.by_type = self.impls()

    def externals(self):
        return {int(number): each["path"] for number, each in self.paths.items() if each["crate_id"] != 0}

    def lifetimes(self):
        kinds = ("struct", "enum")
        generics = {number: item["inner"][kind]["generics"] for number, item in self.index.items()
                    for kind in kinds if kind in item["inner"]}
        return {number: sum("lifetime" in param["kind"] for param in each["params"]) for number, each in generics.items()}

    def walk(self, number, path, inside):
        """Every public path, through re-exports."""
        if number in inside:
            return
        item = self.index[number]
        for child in item["inner"]["module"]["items"]:
            child = self.index.get(child)
            if child and child["visibility"] == "public" and not is_hidden(child):
                self.meet(child, path, (*inside, number))

    def meet(self, item, path, inside):
        use = item["inner"].get("use")
        if use and use["id"] in self.index:
            target = self.index[use["id"]]
            if use["is_glob"]:
                self.walk(use["id"], path, inside)
            else:
                self.show(use["id"], target, (*path, use["name"]), inside)
        elif use:
            self.visible.append((use["id"], (*path, use["name"]), use))
        else:
            self.show(item["id"], item, (*path, item["name"]), inside)

    def show(self, number, item, path, inside):
        if len(path) == 1 and path[0] in NO_API:
            return
        if "use" in item["inner"]:
            self.meet({**item, "inner": {"use": {**item["inner"]["use"], "name": path[-1]}}}, path[:-1], inside)
            return
        if (number, path) in [(each[0], each[1]) for each in self.visible[-400:]]:
            return
        self.visible.append((number, path, None))
        name = "::".join(path)
        # Which of several names a signature uses: the one that says most.
        if number not in self.names or (len(name), name) > (len(self.names[number]), self.names[number]):
            self.names[number] = name
        if "module" in item["inner"]:
            self.walk(number, path, inside)

    def impls(self):
        """Of each type and trait of the crate, the impls that are listed with it."""
        found = {}
        for item in self.index.values():
            impl = item["inner"].get("impl")
            # What holds for every type is no item of the crate.
            if not impl or impl["blanket_impl"] is not None:
                continue
            for owner in self.owners(impl):
                found.setdefault(owner, []).append(item)
        return found

    def owners(self, impl):
        target = impl["for"].get("borrowed_ref", {}).get("type", impl["for"]).get("resolved_path")
        if target and target["id"] in self.names:
            return [target["id"]]
        trait = impl["trait"]
        if trait and trait["id"] in self.names:
            return [trait["id"]]
        args = ((trait or {}).get("args") or {}).get("angle_bracketed", {}).get("args", [])
        ids = (arg.get("type", {}).get("resolved_path", {}).get("id") for arg in args)
        return [number for number in ids if number in self.names][:1]

    def add(self, name, kind, signature):
        known = self.found.get(name)
        if known and signature not in known[1].split(" | "):
            signature = " | ".join(sorted([*known[1].split(" | "), signature]))
        self.found[name] = (kind, signature)

    def list(self):
        for number, path, use in self.visible:
            name = "::".join(path)
            if use:
                external = self.paths.get(str(use["id"]))
                whole = self.render.name(use["id"], use["source"]) if external else use["source"]
                self.add(name, external["kind"] if external else "use", f"= {whole.split('::', 1)[-1]}"
                         if external and "proc" in external["kind"] else f"= {whole}")
                continue
            item = self.index[number]
            (kind, inner), = item["inner"].items()
            self.add(name, kind, self.marks(item) + getattr(self, f"sign_{kind}")(name, item, inner))
            for impl in self.by_type.get(number, []):
                self.add_impl(name, number, impl["inner"]["impl"])
            if kind in ("struct", "enum"):
                self.add_auto(name, number)
        return self.found

    @staticmethod
    def marks(item):
        words = [next(iter(each)) if isinstance(each, dict) else each for each in item["attrs"]]
        return "".join(f"#[{word}] " for word in ("must_use", "non_exhaustive") if word in words)

    def generics(self, generics):
        scope = Scope()
        lifetimes = [scope.lifetime(param["name"]) for param in generics["params"] if "lifetime" in param["kind"]]
        scope.declare(generics)
        names = ", ".join([*lifetimes, *scope.types.values()])
        return scope, (f"<{names}>" if names else ""), self.render.where([generics], scope)

    def sign_module(self, *_):
        return "mod"

    def sign_function(self, _, item, __):
        return self.render.function(item)

    def sign_macro(self, *_):
        return "macro"

    def sign_proc_macro(self, *_):
        return "macro"

    def sign_constant(self, _, __, inner):
        return f"const {self.render.type(inner['type'], Scope())}"

    def sign_static(self, _, __, inner):
        return f"static {self.render.type(inner['type'], Scope())}"

    def sign_type_alias(self, _, __, inner):
        scope, names, _ = self.generics(inner["generics"])
        return f"type{names} = {self.render.type(inner['type'], scope)}"

    def sign_struct(self, name, _, inner):
        scope, names, where = self.generics(inner["generics"])
        (shape, fields), = inner["kind"].items() if isinstance(inner["kind"], dict) else [(inner["kind"], None)]
        listed = fields["fields"] if shape == "plain" else fields or []
        for number in filter(None, listed):
            field = self.index[number]
            if field["visibility"] == "public" and not is_hidden(field):
                self.add(f"{name}::{field['name']}", "field", self.render.type(field["inner"]["struct_field"], scope))
        return f"struct{names}{where}"

    def sign_enum(self, name, _, inner):
        scope, names, where = self.generics(inner["generics"])
        for number in inner["variants"]:
            variant = self.index[number]
            self.add(f"{name}::{variant['name']}", "variant", self.variant(variant["inner"]["variant"]["kind"], scope))
        return f"enum{names}{where}"

    def variant(self, kind, scope):
        if "tuple" in kind and isinstance(kind, dict):
            types = [self.render.type(self.index[each]["inner"]["struct_field"], scope) for each in kind["tuple"]]
            return f"({', '.join(types)})"
        if isinstance(kind, dict):
            fields = [self.index[each] for each in kind["struct"]["fields"]]
            types = [f"{each['name']}: {self.render.type(each['inner']['struct_field'], scope)}" for each in fields]
            return f"{{ {', '.join(types)} }}"
        return "()"

    def sign_trait(self, name, _, inner):
        scope, names, where = self.generics(inner["generics"])
        for member in map(self.index.get, inner["items"]):
            if not is_hidden(member):
                self.add_member(name, member, None, None)
        supers = self.render.bounds(inner["bounds"], scope)
        return f"trait{names}{': ' + supers if supers else ''}{where}"

    def add_member(self, owner, item, target, generics):
        (kind, inner), = item["inner"].items()
        name = f"{owner}::{item['name']}"
        if kind == "function":
            provided = "" if target or not inner["has_body"] else " { … }"
            kind = "method" if inner["sig"]["inputs"][:1] and inner["sig"]["inputs"][0][0] == "self" else "function"
            self.add(name, kind, self.marks(item) + self.render.function(item, target, generics) + provided)
        elif kind == "assoc_const":
            self.add(name, kind, f"const {self.render.type(inner['type'], Scope())}")
        else:
            self.add(name, kind, f"type: {self.render.bounds(inner['bounds'], Scope())}")

    def add_impl(self, owner, number, impl):
        if not impl["trait"]:
            for member in impl["items"]:
                member = self.index.get(member)
                if member and member["visibility"] == "public" and not is_hidden(member):
                    self.add_member(owner, member, impl["for"], impl["generics"])
            return
        short = impl["trait"]["path"].split("::")[-1]
        if short in NOT_LISTED or short in AUTO:
            return
        scope = Scope("'s")
        target = self.render.type(impl["for"], scope)
        trait = self.render.path(impl["trait"], scope)
        scope.declare(impl["generics"])
        kinds = [self.index[each] for each in impl["items"] if each in self.index]
        types = [f"{each['name']} = {self.render.type(each['inner']['assoc_type']['type'], scope)}"
                 for each in kinds if "assoc_type" in each["inner"]]
        # Parts of the name that bind nothing are not told apart by a letter.
        trait, target = (re.sub(r"'[a-z]\b", "'_", text) for text in (trait, target))
        if target.split("<")[0] == self.names.get(number):
            name = f"{owner}: {trait}"
        elif self.names.get(impl["trait"]["id"]) and impl["trait"]["id"] == number:
            name = f"{owner} for {target}"
        elif short == "From" and not target.lstrip("&").startswith(self.names[number]):
            name = f"{owner}: Into<{target}>"
        else:
            name = f"{owner}: {trait} for {target}"
        where = self.render.where([impl["generics"]], scope)
        self.add(name, "impl", plain_lifetimes(f"impl{' ' + ', '.join(types) if types else ''}{where}"))

    def add_auto(self, owner, number):
        """What a type promises, not what it lacks."""
        found = {}
        for item in self.by_type.get(number, []):
            impl = item["inner"]["impl"]
            short = impl["trait"] and impl["trait"]["path"].split("::")[-1]
            if short in AUTO and "resolved_path" in impl["for"] and not impl["is_negative"]:
                scope = Scope("'s")
                self.render.type(impl["for"], scope)
                where = self.render.where([impl["generics"]], scope)
                # What pin-project-lite writes for `Unpin` names what nobody sees: left to the compiler.
                if "__" not in where and "Phantom" not in where:
                    found[short] = short + where
        self.add(f"{owner}: auto", "auto", "; ".join(found[each] for each in AUTO if each in found))


def main():
    given = dict(arg.split("=", 1) for arg in sys.argv[1:])
    found, systems = {}, {}
    for system in ("windows", "macos", "linux"):
        if system in given:
            for name, item in Crate(given[system]).list().items():
                found[name] = item
                systems.setdefault(name, []).append(system)
    for feature in filter(None, given.get("features", "").split(",")):
        found[f"feature {feature}"] = ("feature", "")
    for name, (kind, signature) in sorted(found.items()):
        there = systems.get(name, [])
        unix = [each for each in ("linux", "macos") if each in given]
        only = "" if not there or all(each in there for each in unix) else " ".join(sorted(there))
        print(f"{name}\t{kind}\t{signature}" + (f"\t{only}" if only else ""))


main()
