"""Modules made of a row of modules."""
from minicnn.nn.module import Module


class ModuleList(Module):
    """A list whose modules are children, named "0", "1", ...; what is done with them is up to the owner."""

    def __init__(self, modules=()):
        for module in modules:
            self.append(module)

    def append(self, module):
        setattr(self, str(len(self)), module)
        return self

    def __len__(self):
        return len(self.children())

    def __iter__(self):
        return iter(self.children())

    def __getitem__(self, index):
        chosen = self.children()[index]
        return type(self)(*chosen) if isinstance(index, slice) and isinstance(self, Sequential) else chosen


class Sequential(ModuleList):
    """Modules that are applied one after the other: Sequential(a, b, ...), or Sequential({"name": a, ...})."""

    def __init__(self, *modules):
        if len(modules) == 1 and isinstance(modules[0], dict):
            for name, module in modules[0].items():
                setattr(self, name, module)
        else:
            super().__init__(modules)

    def forward(self, x):
        for module in self:
            x = module(x)
        return x
