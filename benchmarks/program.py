"""A whole program, in a process of its own: a network learns for some steps, in minicnn or in PyTorch.

    python -m benchmarks.program minicnn LeNet 64 100

LeNet learns from MNIST; the others, of which only the memory is looked at, get random images, 64 or however many at a time.
It prints, a line of JSON each: how long the import of the library took; that the first step is done, when it is; and at the end
the most memory that the process had in use. Nothing is imported before the library but what Python comes with.
"""
import gzip
import importlib
import importlib.util
import json
import pathlib
import sys
import time


def main(framework, network, batch, steps):
    started = time.perf_counter()
    library = importlib.import_module({"minicnn": "minicnn", "PyTorch": "torch"}[framework])
    tell(imported=time.perf_counter() - started)
    if network != "LeNet":
        train_on_noise(framework, network, batch, steps)
    elif steps:
        {"minicnn": train_minicnn, "PyTorch": train_pytorch}[framework](library, batch, steps)
    tell(peak_memory=peak_memory())


def train_on_noise(framework, network, batch, steps):
    import numpy as np

    from benchmarks import frameworks, networks
    from benchmarks.arrays import random_array

    with frameworks.FRAMEWORKS[framework]() as framework:
        library, network = framework.library, networks.ALL[network]
        model = networks.make(framework, network)
        optimizer = library.optim.SGD(model.parameters(), lr=1e-7, momentum=0.9)
        images = framework.tensor(random_array(batch, *network.input_shape))
        labels = library.tensor(np.arange(batch, dtype=np.int64) % network.classes)
        for _ in range(steps):
            optimizer.zero_grad()
            framework.F.cross_entropy(model(images), labels).backward()
            optimizer.step()


def train_minicnn(mc, batch, steps):
    from minicnn import data, models, optim
    from minicnn import functional as F

    model = models.get("lenet")
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    batches = data.DataLoader(data.get("mnist"), batch, shuffle=True)
    for step, (images, labels) in zip(range(steps), batches):
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()
        if step == 0:
            tell(first_step=True)


def train_pytorch(torch, batch, steps):
    from torch import nn, optim
    from torch.nn import functional as F

    model = nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
                          nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                          nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    pixels = torch.frombuffer(read_mnist("images", header=16), dtype=torch.uint8).reshape(-1, 1, 28, 28)
    digits = torch.frombuffer(read_mnist("labels", header=8), dtype=torch.uint8).long()
    order = torch.randperm(len(digits))
    for step in range(steps):
        chosen = order[step * batch:(step + 1) * batch]
        images, labels = pixels[chosen].float() / 255, digits[chosen]
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()
        if step == 0:
            tell(first_step=True)


def read_mnist(kind, header):
    """The training images or labels that come with minicnn, found without importing it: what follows the file's header."""
    package = pathlib.Path(importlib.util.find_spec("minicnn").origin).parent
    path, = (package / "data" / "embedded" / "mnist").glob(f"train-{kind}*.gz")
    with gzip.open(path) as file:
        file.read(header)
        content = bytearray()
        while piece := file.read(1 << 20):
            content += piece
    return content


def peak_memory():
    """Bytes: the most that this process has had in physical memory; None where the system does not tell.

    Linux says so for the program, in /proc; ru_maxrss would count what the parent had in use when it made this process.
    """
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))
    except OSError:
        try:
            import resource
        except ModuleNotFoundError:   # Windows
            return None
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def tell(**facts):
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:]))
