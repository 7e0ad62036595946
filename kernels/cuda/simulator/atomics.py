"""cuda.atomic: changes of one number that nobody can come in between. Each gives the old number."""


class Atomic:
    def __init__(self, now):
        self._now = now

    def _change(self, array, index, change):
        if array.memory.kind == "global":
            self._now.block.has_seen_atomics = True
        return array.change(array.place(index), change)

    def add(self, array, index, value):
        return self._change(array, index, lambda old: old + value)

    def sub(self, array, index, value):
        return self._change(array, index, lambda old: old - value)

    def max(self, array, index, value):
        return self._change(array, index, lambda old: value if value > old or old != old else old)

    def min(self, array, index, value):
        return self._change(array, index, lambda old: value if value < old or old != old else old)

    def nanmax(self, array, index, value):
        return self._change(array, index, lambda old: value if value > old or old != old else old)

    def nanmin(self, array, index, value):
        return self._change(array, index, lambda old: value if value < old or old != old else old)

    def and_(self, array, index, value):
        return self._change(array, index, lambda old: old & value)

    def or_(self, array, index, value):
        return self._change(array, index, lambda old: old | value)

    def xor(self, array, index, value):
        return self._change(array, index, lambda old: old ^ value)

    def inc(self, array, index, limit):
        """One more; 0 after the limit."""
        return self._change(array, index, lambda old: 0 if old >= limit else old + 1)

    def dec(self, array, index, limit):
        """One less; the limit after 0."""
        return self._change(array, index, lambda old: limit if old == 0 or old > limit else old - 1)

    def exch(self, array, index, value):
        return self._change(array, index, lambda old: value)

    def cas(self, array, index, expected, value):
        """The value, if the number is the expected one."""
        return self._change(array, index, lambda old: value if old == expected else old)

    def compare_and_swap(self, array, expected, value):
        return self.cas(array, (0,) * array.ndim if array.ndim != 1 else 0, expected, value)

