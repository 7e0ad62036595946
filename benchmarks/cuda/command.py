"""python -m benchmarks --device cuda: from the options to a table, a JSON file and a picture."""
import contextlib
import json
import subprocess
import sys

from benchmarks import machine, picture, timer
from benchmarks.cuda import suite, table
from benchmarks.cuda.contenders import OURS, PYTORCH
from minicnn import drawing
from minicnn.errors import RunError
from minicnn.files import write_text

QUICK = timer.Effort(rounds=4, least=0.01, patience=1.5)
FULL = timer.Effort(rounds=9, least=0.03, patience=6)
_MINUTES = 4, 60   # quick, full
_PACKAGES = "numba-cuda", "cuda-bindings", "nvidia-cuda-nvrtc", "nvidia-nvvm", "nvidia-cudnn-cu13", "nvidia-cudnn-cu12"


def main(options):
    suite.no_gpu()
    chosen = suite.select(options.words, options.full)
    name = "-".join(["cuda", *options.words]) + "-full" * options.full
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"the folder {options.out} cannot be made: {error.strerror}; choose another one with --out") from None
    minutes = options.minutes or _MINUTES[options.full]
    document = measure(chosen, FULL if options.full else QUICK, 60 * minutes, options.out / f"{name}.json")
    show(document)
    if not document["results"]:
        return 1
    drawing.save(picture.draw(for_picture(document)), options.out / f"{name}.png")
    print(f"{options.out / name}.json, {options.out / name}.png")
    return 0


def measure(chosen, effort, seconds, file, **settings):
    """The document: what the JSON file holds, which is written anew with every result, as a run may be cut off. Ctrl-C ends the
    measuring, not the program."""
    from tqdm import tqdm

    document = {**machine.describe(_PACKAGES), "driver": driver(), "peaks": {}, "left_out": {}, "failed": {}, "results": []}
    with tqdm(total=len(chosen), leave=False, disable=not sys.stderr.isatty(), bar_format="{n_fmt}/{total_fmt} |{bar:20}| {desc}") as bar, \
            contextlib.suppress(KeyboardInterrupt):
        for found in suite.run(chosen, effort, seconds, told=bar.set_description_str, **settings):
            facts = found.get("facts", {})
            document["peaks"] |= {name: facts[name] for name in ("gflops", "gigabytes_per_second") if name in facts}
            document |= {name: facts[name] for name in ("gpu", "compute_capability", "compilation") if name in facts}
            document["left_out"] |= found.get("left_out", {})
            document["failed"] |= found.get("failed", {})
            if "contenders" in found:
                document["results"].append(found)
                bar.n = 1 + max(place for place, case in enumerate(chosen)
                                if (case.group, case.subject, case.aspect) == (found["group"], found["subject"], found["aspect"]))
                bar.refresh()
            write_text(file, json.dumps(document, indent=1))
    return document


def show(document):
    versions = ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    print(f"{document.get('gpu', 'GPU')}, driver {document['driver']}; {versions}")
    peaks = document["peaks"]
    if peaks:
        print(f"measured: {peaks['gflops'] / 1000:.1f} TFLOP/s of float32 multiply-adds on registers, "
              f"{peaks['gigabytes_per_second']:.0f} GB/s of a copy")
    print(f"\n{table.render(document)}\n\n{table.LEGEND}")
    for what in "left_out", "failed":
        for name, reason in document[what].items():
            print(f"{name} {'is left out' if what == 'left_out' else 'failed'}: {reason}")
    print()


def for_picture(document):
    """The document as benchmarks.picture takes it: precisions are where numbers of threads would be."""
    return {**document, "results": [{**record, "threads": record["precision"]} for record in document["results"]
                                    if {OURS, PYTORCH} <= record["contenders"].keys()]}


def driver():
    """Its version, where the system tells."""
    try:
        told = subprocess.run(["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"], capture_output=True, text=True,
                              timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return "of unknown version"
    return told.stdout.partition("\n")[0].strip() or "of unknown version"
