"""How shares are put into words, on screen and in pictures."""


def percent(share, digits=2):
    """0.9902 is "99.02 %"."""
    return f"{100 * share:.{digits}f} %"


def confidence(probability):
    """As percent, but what a network says is never certain: 0.9997 is ">99.9 %"."""
    return ">99.9 %" if probability > 0.9995 else percent(probability, 1)


def shortened(name, most=16):
    """A long name without its end: "Egyptian Mau, a c…"."""
    return name if len(name) <= most else f"{name[:most - 1].rstrip()}…"
