"""See what a network sees:  python -m minicnn.visualize gradcam photo.jpg"""
import argparse

from minicnn import command
from minicnn.visualize.commands import all, deconvnet, dream, filters, gradcam, occlusion, saliency

_COMMANDS = (filters, deconvnet, occlusion, gradcam, saliency, dream, all)


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="python -m minicnn.visualize", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="See what a network sees of a photograph. A word says how; WORD --help says more.",
        epilog="examples:\n"
               "  python -m minicnn.visualize gradcam photo.jpg\n"
               "  python -m minicnn.visualize occlusion photo.jpg --class tabby\n"
               "  python -m minicnn.visualize dream --class banana\n"
               "  python -m minicnn.visualize all photo.jpg")
    parsers = parser.add_subparsers(metavar="WORD", required=True)
    for one in _COMMANDS:
        one.add(parsers)
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse(arguments)
    return options.run(options)


if __name__ == "__main__":
    command.run(main)
