"""All that is measured on a GPU: what matters most comes first, because time may run out."""
from benchmarks.cuda import moving, multiplying, networks
from benchmarks.cuda.case import key_of

ALL = [*multiplying.PRODUCTS, *networks.CASES, *multiplying.CONVOLUTIONS, *moving.CASES]
_by_key = {key_of(case): case for case in ALL}


def get(key):
    return _by_key[key]
