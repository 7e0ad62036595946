"""Padding, made differentiable. Any type will do."""
from kernels.geometry import Window
from minicnn.autograd import Function
from minicnn.device import empty, kernels_for


class Pad(Function):
    """Keeps nothing."""

    floating = False

    def __init__(self, borders, mode, value):
        self.borders, self.mode, self.value = borders, mode, value

    @property
    def windows(self):
        """Of images, and away from the border, which may show other pixels."""
        return tuple(Window(1, padding=before) for before, _ in self.borders[2:]) if len(self.borders) == 4 else None

    def forward(self, x):
        y = empty(x, [before + size + after for (before, after), size in zip(self.borders, x.shape)])
        kernels_for(x).pad(x, y, [before for before, _ in self.borders], self.mode, self.value)
        return y

    def backward(self, gradient):
        grad_x = empty(gradient, self.input_shapes[0])
        kernels_for(gradient).pad_grad_input(gradient, grad_x, [before for before, _ in self.borders], self.mode)
        return (grad_x,)


def pad(x, pad, mode="constant", value=0):
    """A border around x, as torch.nn.functional.pad.

    pad    (left, right, top, bottom, ...): widths before and after, from the last axis backwards; negative ones are refused
    mode   what it holds: "constant", `value`; "reflect", x mirrored at its edge, which is not repeated; "replicate", the nearest
           element; "circular", x again from its other side
    """
    if len(pad) % 2 or len(pad) > 2 * x.ndim or any(width < 0 for width in pad):
        raise ValueError(f"pad: {tuple(pad)} must be pairs of widths of at least 0, for at most the {x.ndim} axes of x {x.shape}")
    if mode not in ("constant", "reflect", "replicate", "circular"):
        raise ValueError(f"pad: mode must be 'constant', 'reflect', 'replicate' or 'circular', not {mode!r}")
    borders = [(0, 0)] * (x.ndim - len(pad) // 2) + list(zip(pad[::2], pad[1::2]))[::-1]
    if mode != "constant":
        for size, border in zip(x.shape, borders):
            if max(border) > max(0, {"reflect": size - 1, "replicate": size * max(border), "circular": size}[mode]):
                raise ValueError(f"pad: {mode} has nothing to fill {tuple(pad)} with: an axis of size {size} in x {x.shape} is too short")
    return Pad(borders, mode, value)(x)
