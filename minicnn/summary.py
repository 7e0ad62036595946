"""What a network costs and sees, layer by layer:  python -m minicnn.summary resnet50"""
import argparse
import re

from minicnn import command, models
from minicnn.errors import InputError
from minicnn.nn import init


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="python -m minicnn.summary", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="A network's layers: what they give, their parameters, multiply-adds and memory, and how much of the image they see.",
        epilog="examples:\n"
               "  python -m minicnn.summary resnet50\n"
               "  python -m minicnn.summary alexnet --variant paper\n"
               "  python -m minicnn.summary resnet50 --size 480x640")
    parser.add_argument("model", help=f"which network: {', '.join(models.names())}")
    parser.add_argument("--variant", help='which form of it, such as "paper" (default: as the network\'s file says)')
    parser.add_argument("--size", metavar="N or HxW", help="of the images, in pixels (default: what the network is made for)")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse(arguments)
    size = read_size(options.size) if options.size is not None else None
    with init.skipped():   # what is counted does not go by the weights
        model = models.get(options.model, variant=options.variant)
    print(models.summary(model, (model.input_shape[0], *(size or model.input_shape[1:]))))
    return 0


def read_size(text):
    """Rows and columns from "224" or "224x320"."""
    found = re.fullmatch(r"([1-9]\d{0,5})(?:x([1-9]\d{0,5}))?", text)
    if not found:
        raise InputError(f"--size must be a number of pixels, such as 224, or rows x columns, such as 224x320, not {text!r}")
    return int(found[1]), int(found[2] or found[1])


if __name__ == "__main__":
    command.run(main)
