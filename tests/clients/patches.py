"""FHIRPath Patches drawn at random: operations that fit a resource, with values that others like it have."""

from collections import defaultdict, namedtuple

# An element as R4 describes it: its name in JSON, its name in FHIRPath, its type, how often it may be there.
Element = namedtuple("Element", "name step type least most")
# An element of a resource: what it is, the type that it belongs to, how FHIRPath names it, how many there are when it
# repeats, and the object that it is in.
Spot = namedtuple("Spot", "element owner path several within")

# What a patch must not touch, and what HAPI writes in its own way.
APART = {"id", "meta", "text", "contained", "extension", "modifierExtension", "resourceType"}


def operation(kind, path, **parts):
    """An operation of these parts, each as a parameter has it."""
    first = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": path}]
    return {"name": "operation", "part": first + [{"name": name, **value} for name, value in parts.items()]}


def parameters(*operations):
    return {"resourceType": "Parameters", "parameter": list(operations)}


def each(element, value):
    """The values of an element: one, or those of a list."""
    return value if element.most != 1 else [value]


class Patches:
    """Draws them. `rows` are those of Elements.java."""

    def __init__(self, rows, resources, draw):
        self.draw, self.values, self.elements = draw, defaultdict(list), defaultdict(dict)
        for row in rows:
            owner, name, step, kind, least, most = row.split("\t")
            # HAPI makes each code of a list the one that is added.
            if name not in APART and (kind, most) != ("code", "-1"):
                self.elements[owner][name] = Element(name, step, kind, int(least), int(most))
        for resource in resources:
            self.learn(resource, resource["resourceType"])

    def known(self, value, kind):
        """The elements of an object that may be touched, with their values."""
        elements = self.elements[kind]
        return [(elements[name], inner) for name, inner in value.items() if name in elements]

    def learn(self, value, kind):
        for element, inner in self.known(value, kind):
            for one in each(element, inner):
                self.values[self.pool(kind, element)].append(one)
                if isinstance(one, dict):
                    self.learn(one, element.type)

    @staticmethod
    def pool(owner, element):
        """Which values may be exchanged: those of one type, and codes those of one element, because of its value set."""
        return (owner, element.name) if element.type == "code" else element.type

    def spots(self, value, kind, path):
        """Every element below an object."""
        for element, inner in self.known(value, kind):
            here = f"{path}.{element.step}"
            yield Spot(element, kind, here, len(inner) if element.most != 1 else None, value)
            for at, one in enumerate(each(element, inner)):
                if isinstance(one, dict):
                    chosen = self.chosen(inner, at, element.type) if element.most != 1 else ""
                    yield from self.spots(one, element.type, here + chosen)

    def chosen(self, items, at, kind):
        """One of several, by its place or by what it alone has in it."""
        ways = [f"[{at}]"]
        if at == 0:
            ways.append(".first()")
        if at == len(items) - 1:
            ways.append(".last()")
        for element, text in self.known(items[at], kind):
            # Not a choice, whose element is called otherwise; and no text that would have to be escaped.
            is_plain = element.step == element.name and isinstance(text, str) and not {"'", "\\"} & set(text)
            if is_plain and sum(other.get(element.name) == text for other in items) == 1:
                ways.append(f".where({element.name} = '{text}')")
        return self.draw.choice(ways)

    def value(self, owner, element):
        """Another value of this type, as the parameter `value` has it; none when none is known."""
        known = self.values[self.pool(owner, element)]
        return self.written(self.draw.choice(known), element.type) if known else None

    def written(self, value, kind):
        if "." not in kind:
            return {f"value{kind[0].upper()}{kind[1:]}": value}
        parts = []
        for element, inner in self.known(value, kind):
            # Of several parts of one name that have parts themselves HAPI keeps the last only.
            for one in each(element, inner)[-1 if "." in element.type else 0 :]:
                parts.append({"name": element.step, **self.written(one, element.type)})
        return {"part": parts}

    def patch(self, resource):
        """A patch of one to three operations, the later ones of which may meet what the earlier ones did."""
        drawn = []
        for _ in range(self.draw.choice((1, 1, 1, 2, 3))):
            one = None
            while one is None:
                one = self.operation(resource)
            drawn.append(one)
        return parameters(*drawn)

    def operation(self, resource):
        """An operation that fits; none when what was drawn gives none."""
        kind = resource["resourceType"]
        spot = self.draw.choice(list(self.spots(resource, kind, kind)))
        element, path, several = spot.element, spot.path, spot.several
        if several is None:
            what, one = self.draw.choice(("replace", "delete", "add")), path
        else:
            what, place = self.draw.choice(("replace", "delete", "add", "insert", "move", "move")), self.draw.randrange(several)
            one = f"{path}[{place}]"
        value = self.value(spot.owner, element)
        match what:
            case "add":
                return self.addition(spot)
            # HAPI replaces no item of a longer list.
            case "replace" if value and (several or 1) == 1:
                return operation("replace", path, value=value)
            case "delete" if element.least == 0 or (several or 0) > 1:
                return operation("delete", one)
            case "insert" if value:
                index = {"valueInteger": self.draw.randint(0, several)}
                return operation("insert", path, index=index, value=value)
            case "move":
                destination = {"valueInteger": self.draw.randrange(several)}
                return operation("move", path, source={"valueInteger": place}, destination=destination)
        return None

    def addition(self, spot):
        """One more element beside another: of a list, or one that is missing."""
        there = {element.step for element, _ in self.known(spot.within, spot.owner)}
        choices = [
            element
            for element in self.elements[spot.owner].values()
            if self.values[self.pool(spot.owner, element)] and (element.most != 1 or element.step not in there)
        ]
        if not choices:
            return None
        element = self.draw.choice(choices)
        owner = spot.path.removesuffix(f".{spot.element.step}")
        return operation("add", owner, name={"valueString": element.step}, value=self.value(spot.owner, element))
