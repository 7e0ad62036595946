"""How fast is it?  python -m benchmarks"""
import argparse
import json
import pathlib
import sys

from benchmarks import frameworks, machine, picture, suite, table, timer
from benchmarks.worker import available_threads
from minicnn import command, drawing
from minicnn.errors import InputError, RunError
from minicnn.files import write_text

RESULTS = pathlib.Path(__file__).parent / "results"

LEGEND = """\
time, rate, of peak: minicnn's, through its public functions; of peak: the share of the most FMAs the machine was measured to do
(counted by the definition, whatever an algorithm in brackets saves)
{others}: how many times as fast as that minicnn is, or how many times as little memory it takes; above 1 it leads
error: how far a result is from the one in float64, relative to that
compile: what the first call took more than later ones, where the machine code was not on disk
~ in front of a figure: other processes were busy in most of its rounds"""


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Time kernels, whole networks and training steps against PyTorch, in both of its layouts, and whole networks also\n"
                    "against onnxruntime and torch.compile, where these are installed; small things against their definition in NumPy.\n"
                    "Leaves a JSON file and a picture. The machine should have nothing else to do.",
        epilog="examples:\n"
               "  python -m benchmarks                        a bit of everything, in some minutes\n"
               "  python -m benchmarks lenet conv\n"
               "  python -m benchmarks --full resnet-18       all that ResNet-18 does, against torch.compile too\n"
               "  python -m benchmarks --full --threads 4 1   an hour or two\n"
               "  python -m benchmarks --device cuda          on a GPU, against cuDNN and cuBLAS, in some minutes")
    parser.add_argument("words", nargs="*", metavar="WORD", help="measure only what has a word in its name that begins like one of these")
    parser.add_argument("--full", action="store_true", help="all layers and batch sizes, more rounds, and torch.compile")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="what computes (default: cpu)")
    parser.add_argument("--minutes", type=float, metavar="N", help="with --device cuda: begin nothing new after so many minutes "
                                                                   "(default: 4, with --full 60)")
    parser.add_argument("--threads", type=int, nargs="+", metavar="N", help="numbers of threads (default: all there are, and 1)")
    parser.add_argument("--out", type=pathlib.Path, default=RESULTS, help="the folder to leave the JSON file and the picture in "
                                                                          "(default: benchmarks/results)")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse(arguments)
    if options.device == "cuda":
        from benchmarks.cuda import command as on_gpu

        return on_gpu.main(options)
    most = available_threads()
    thread_counts = list(dict.fromkeys(options.threads or [most, 1]))
    if not all(1 <= threads <= most for threads in thread_counts):
        raise InputError(f"--threads must be from 1 to {most}, as many as this machine offers")
    chosen = suite.select(options.words, options.full)
    names = [name for name in frameworks.available() if options.full or name != frameworks.COMPILED]
    document = measure(chosen, thread_counts, timer.FULL if options.full else timer.QUICK, names)
    document["left_out"] = frameworks.missing() | document["left_out"]
    others = dict.fromkeys(name for record in document["results"] for name in record["contenders"] if name != frameworks.OURS)
    versions = ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    print(f"{document['processor']}, {document['cores']} cores; {versions}")
    print(f"\n{table.render(document)}\n\n{LEGEND.format(others=', '.join(others))}")
    for name, reason in document["left_out"].items():
        print(f"{name} is left out: {reason}")
    print()
    doubtful = [table.doubtful(record["contenders"][frameworks.OURS]) for record in document["results"]]
    if 2 * doubtful.count("") < len(doubtful):
        print("Other processes kept the machine busy most of the time. These figures mean little: run it when it is quiet.\n")
    save(document, options.out, "-".join(options.words) or ("full" if options.full else "quick"))
    return 0


def measure(chosen, thread_counts, effort, names):
    """The document: what the JSON file holds. Ctrl-C ends the measuring, not the program: what there is then is shown."""
    from tqdm import tqdm

    document = {**machine.describe(), "peaks": {}, "left_out": {}, "results": []}
    total = sum(len(thread_counts) if isinstance(case, suite.cases.Case) else 1 for case in chosen)
    style = "{n_fmt}/{total_fmt} |{bar:20}| {desc}"
    with tqdm(total=total, leave=False, disable=not sys.stderr.isatty(), bar_format=style) as bar:
        try:
            for facts in suite.run(chosen, thread_counts, effort, names, bar.set_description_str):
                if "machine" in facts:
                    found = facts["machine"]
                    threads = str(found["threads"])
                    document["peaks"][threads] = max(found["peak"], document["peaks"].get(threads, 0))
                    document |= {name: found[name] for name in ("threading_layer", "vector_bits")}
                elif "left_out" in facts:
                    document["left_out"] |= facts["left_out"]
                else:
                    document["results"].append(facts)
                    bar.update()
        except KeyboardInterrupt:
            if not document["results"]:
                raise
    return document


def save(document, folder, name):
    """Write NAME.json and NAME.png."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"the folder {folder} cannot be made: {error.strerror}; choose another one with --out") from None
    write_text(folder / f"{name}.json", json.dumps(document, indent=1))
    drawing.save(picture.draw(document), folder / f"{name}.png")
    print(f"{folder / name}.json, {folder / name}.png")


if __name__ == "__main__":
    command.run(main)
