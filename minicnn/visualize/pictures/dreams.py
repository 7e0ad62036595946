"""Dreams as pictures."""
from minicnn import drawing
from minicnn.drawing import picture


@picture
def stages(shown, title, remark):
    """A dream from its start to its end.

    shown   pairs (heading, pixels (C, H, W) from 0 to 1)
    remark  what the network says of the last one
    """
    *before, (heading, last) = shown
    figure = drawing.figure(11.5, 6.2, title)
    columns = 2
    grid = figure.add_gridspec(-(-len(before) // columns), columns + 3)
    for number, (name, pixels) in enumerate(before):
        axes = figure.add_subplot(grid[number // columns, number % columns])
        _show(axes, name, pixels)
    _show(figure.add_subplot(grid[:, columns:]), heading, last)
    drawing.caption(figure, remark)
    return figure


@picture
def gallery(shown, title, remark, columns=3):
    """Several dreams side by side: pairs (heading, pixels (C, H, W) from 0 to 1)."""
    rows = -(-len(shown) // columns)
    figure = drawing.figure(3.6 * columns, 3.9 * rows + 0.8, title)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, (heading, pixels) in zip(grid.flat, shown):
        axes.set_axis_on()
        _show(axes, heading, pixels)
    drawing.caption(figure, remark)
    return figure


def _show(axes, heading, pixels):
    drawing.show_image(axes, pixels)
    axes.set_title(heading)
