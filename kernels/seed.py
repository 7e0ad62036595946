"""From a seed and a probability to the whole numbers that a counter-based generator works with: shared arithmetic, no arrays."""

_MASK = 2 ** 64 - 1


def key_of(seed):
    """A key (0 ... 2^64 - 1) for the "squares" generator from any integer: it asks for an odd number whose bits look irregular.

    The seed's bits are scattered by the finaliser of splitmix64 (Steele, Lea & Flood, OOPSLA 2014).
    """
    key = (seed + 0x9E3779B97F4A7C15) & _MASK
    key = ((key ^ key >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    key = ((key ^ key >> 27) * 0x94D049BB133111EB) & _MASK
    return (key ^ key >> 31) | 1


def threshold_of(probability):
    """32 random bits are less than this (0 ... 2^32) with the given probability."""
    return round(probability * 2 ** 32)
