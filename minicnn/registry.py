"""Things that are asked for by name: models, data sets, optimisers."""
import difflib

from minicnn.errors import InputError


class Registry:
    """Names and what they stand for. `kind` says in one word what that is ("model"), for the error messages."""

    def __init__(self, kind):
        self.kind = kind
        self._entries = {}

    def register(self, name):
        """Decorator: file a class or function under `name`."""
        def enter(entry):
            if name in self._entries:
                raise ValueError(f"there is a {self.kind} called {name!r} already")
            self._entries[name] = entry
            return entry
        return enter

    def get(self, name):
        """What was registered as `name`; InputError names the nearest there is, and all."""
        if name not in self._entries:
            nearest = difflib.get_close_matches(str(name), self._entries, n=1)
            suggestion = f"did you mean {nearest[0]!r}? " if nearest else ""
            raise InputError(f"there is no {self.kind} called {name!r}: {suggestion}Known: {', '.join(self.names())}.")
        return self._entries[name]

    def names(self):
        return sorted(self._entries)
