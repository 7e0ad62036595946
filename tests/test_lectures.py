"""The lectures: every notebook runs, its exercises know right answers from wrong ones, and what is stored in it is clean."""
import ast
import configparser
import pathlib
import re
import sys

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).parent.parent
LECTURES = sorted((ROOT / "lectures").glob("*.ipynb"))
PROCESSOR_SECONDS = 240   # two minutes on two cores, whatever else they are busy with
METADATA = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}, "language_info": {"name": "python"}}
IMPORTED_AS = {"pillow": "PIL"}

# Answers that a check must reject. The right ones are in the notebooks, to be unfolded.
WRONG = {
    "parameters": ("def parameters(channels, filters, kernel_size):\n    return filters * channels * kernel_size ** 2",
                   "def parameters(channels, filters, kernel_size):\n    return filters * (kernel_size ** 2 + 1)"),
    "size_after": ("def size_after(size, layers):\n"
                   "    for kernel_size, stride, padding in layers:\n"
                   "        size = (size + 2 * padding - kernel_size) / stride + 1\n"
                   "    return size",
                   "def size_after(size, layers):\n"
                   "    for kernel_size, stride, padding in layers:\n"
                   "        size = (size + 2 * padding - kernel_size) // stride\n"
                   "    return size"),
    "right_shift": ("def right_shift():\n    return [[0, 0, 0], [0, 0, 1], [0, 0, 0]]",
                    "def right_shift():\n    return [[0, 0, 0], [0, 1, 0], [0, 0, 0]]",
                    "def right_shift():\n    return [1, 0, 0]"),
    "pooling_weights": ("def pooling_weights(channels):\n    return np.full((channels, channels, 2, 2), 1 / 4)",
                        "def pooling_weights(channels):\n    return np.multiply.outer(np.eye(channels), np.ones((2, 2)))",
                        "def pooling_weights(channels):\n    return np.full((2, 2), 1 / 4)"),
    "table_parameters": ("def table_parameters(connections, kernel_size):\n    return sum(map(len, connections)) * kernel_size ** 2",
                         "def table_parameters(connections, kernel_size):\n    return len(connections) * (6 * kernel_size ** 2 + 1)"),
    "receptive_field": ("def receptive_field(stack):\n    return 1 + sum(kernel_size - 1 for kernel_size, stride in stack)",
                        "def receptive_field(stack):\n    return math.prod(kernel_size for kernel_size, stride in stack)"),
    "cross_entropy_gradient": ("def cross_entropy_gradient(scores, labels):\n"
                               "    return np.exp(scores) / np.exp(scores).sum(1, keepdims=True) - np.eye(10)[labels]",
                               "def cross_entropy_gradient(scores, labels):\n"
                               "    return np.exp(scores) / np.exp(scores).sum(1, keepdims=True) / len(labels)",
                               "def cross_entropy_gradient(scores, labels):\n    return scores.mean()"),
    "attainable": ("def attainable(operations, loaded, peak, bandwidth):\n    return operations / loaded * bandwidth",
                   "def attainable(operations, loaded, peak, bandwidth):\n    return min(peak, loaded / operations * bandwidth)"),
    "best_tile": ("def best_tile(registers):\n    return 6, 4",
                  "def best_tile(registers):\n    return 2, 2",
                  "def best_tile(registers):\n    side = int(registers ** 0.5)\n    return side, side"),
    "dilated_offsets": ("def dilated_offsets(channels, height, width, kernel_size, dilation):\n"
                        "    c, r, k = np.ogrid[:channels, :kernel_size, :kernel_size]\n"
                        "    return ((c * height + r) * width + k).ravel()",
                        "def dilated_offsets(channels, height, width, kernel_size, dilation):\n"
                        "    c, r, k = np.ogrid[:channels, :kernel_size, :kernel_size]\n"
                        "    return ((c * height + r) * width + k).ravel() * dilation",
                        "def dilated_offsets(channels, height, width, kernel_size, dilation):\n    return [0]"),
    "winograd_multiplications": ("def winograd_multiplications(m, channels, filters, height, width):\n"
                                 "    return height * width // m ** 2 * (m + 2) ** 2 * channels * filters",
                                 "def winograd_multiplications(m, channels, filters, height, width):\n"
                                 "    return 9 * channels * filters * height * width"),
    "ScaledTanh": ("ScaledTanh.backward = lambda self, gradient: (gradient * 1.7159 * (1 - self.tanh ** 2),)",
                   "ScaledTanh.backward = lambda self, gradient: (gradient * 1.7159 * 2 / 3 * (1 - (1.7159 * self.tanh) ** 2),)"),
    "grouped_parameters": ("def grouped_parameters(channels, filters, kernel_size, groups):\n"
                           "    return filters * (channels * kernel_size ** 2 + 1)",
                           "def grouped_parameters(channels, filters, kernel_size, groups):\n"
                           "    return filters // groups * (channels // groups * kernel_size ** 2 + 1)"),
    "response_norm": ("def response_norm(a, k=2, n=5, alpha=1e-4, beta=0.75):\n    return a / (k + alpha * (a ** 2).sum(0)) ** beta",
                      "def response_norm(a, k=2, n=5, alpha=1e-4, beta=0.75):\n"
                      "    squares = np.pad(a ** 2, ((0, n - 1), (0, 0), (0, 0)))\n"
                      "    return a / (k + alpha * sum(squares[i:i + len(a)] for i in range(n))) ** beta",
                      "def response_norm(a, k=2, n=5, alpha=1e-4, beta=0.75):\n    return a.sum()"),
    "relit": ("def relit(image, amounts, variances, directions):\n    return image + (amounts * variances @ directions)[:, None, None]",
              "def relit(image, amounts, variances, directions):\n    return image + (directions @ amounts)[:, None, None]",
              "def relit(image, amounts, variances, directions):\n    return directions"),
    "leaky": ("@kernel\ndef leaky(x, y, slope):\n    i = cuda.grid(1)\n    y[i] = x[i] if x[i] > 0 else slope * x[i]",
              "@kernel\ndef leaky(x, y, slope):\n    i = cuda.threadIdx.x\n    if i < x.size:\n        y[i] = max(x[i], slope * x[i])",
              "@kernel\ndef leaky(x, y, slope):\n    i = cuda.grid(1)\n    if i < x.size:\n        y[i] = max(x[i], slope)"),
    "sectors": ("def sectors(first, stride):\n    return min(32, 4 * stride)",
                "def sectors(first, stride):\n    return max(1, min(32, 4 * stride))"),
    "turns": ("def turns(width):\n    return 32 if width == 32 else 1",
              "def turns(width):\n    return 32 if width % 32 == 0 else 2 if width % 2 == 0 else 1"),
    "row_maxima": ("@kernel\ndef row_maxima(x, y):\n"
                   "    row, lane = cuda.blockIdx.x, cuda.threadIdx.x\n"
                   "    for column in range(lane, x.shape[1], 32):\n"
                   "        y[row] = max(y[row], x[row, column])",
                   "@kernel\ndef row_maxima(x, y):\n"
                   "    row, lane, largest = cuda.blockIdx.x, cuda.threadIdx.x, float32(0)\n"
                   "    for column in range(lane, x.shape[1], 32):\n"
                   "        largest = max(largest, x[row, column])\n"
                   "    for distance in (16, 8, 4, 2, 1):\n"
                   "        largest = max(largest, cuda.shfl_xor_sync(0xffffffff, largest, distance))\n"
                   "    if lane == 0:\n"
                   "        y[row] = largest",
                   "@kernel\ndef row_maxima(x, y):\n"
                   "    row, lane = cuda.blockIdx.x, cuda.threadIdx.x\n"
                   "    if lane < x.shape[1]:\n"
                   "        largest = x[row, lane]\n"
                   "        for distance in (16, 8, 4, 2, 1):\n"
                   "            largest = max(largest, cuda.shfl_xor_sync(0xffffffff, largest, distance))\n"
                   "        y[row] = largest"),
    "histogram": ("@kernel\ndef histogram(digits, counts):\n"
                  "    i = cuda.grid(1)\n    if i < digits.size:\n        counts[digits[i]] += 1",
                  "@kernel\ndef histogram(digits, counts):\n    cuda.atomic.add(counts, digits[cuda.grid(1)], 1)",
                  "@kernel\ndef histogram(digits, counts):\n"
                  "    i = cuda.grid(1)\n    if i < digits.size:\n        cuda.atomic.max(counts, digits[i], 1)"),
    "layers_needed": ("def layers_needed(pixels):\n    return (pixels - 1) // 2",
                      "def layers_needed(pixels):\n    return -(-pixels // 3)"),
    "convolution_parameters": ("def convolution_parameters(configuration):\n"
                               "    filters = [entry for entry in configuration if isinstance(entry, int)]\n"
                               "    return sum(9 * below * above + above for below, above in zip([3, *filters], filters))",
                               "def convolution_parameters(configuration):\n"
                               "    parameters, channels = 0, 3\n"
                               "    for entry in configuration:\n"
                               "        if entry not in ('pool', 'lrn'):\n"
                               "            channels, below = channels if entry == '1x1' else entry, channels\n"
                               "            parameters += 9 * below * channels + channels\n"
                               "    return parameters"),
    "as_kernels": ("def as_kernels(weight, channels, rows, columns):\n"
                   "    return np.moveaxis(weight.reshape(-1, rows, columns, channels), 3, 1)",
                   "def as_kernels(weight, channels, rows, columns):\n    return weight.reshape(-1, channels, columns, rows)",
                   "def as_kernels(weight, channels, rows, columns):\n    return weight"),
    "inception_parameters": ("def inception_parameters(channels, one, reduce3, three, reduce5, five, pooled):\n"
                             "    return (channels + 1) * (one + pooled) + (9 * channels + 1) * three + (25 * channels + 1) * five",
                             "def inception_parameters(channels, one, reduce3, three, reduce5, five, pooled):\n"
                             "    return channels * (one + reduce3 + reduce5 + pooled) + 9 * reduce3 * three + 25 * reduce5 * five"),
    "largest_reduction": ("def largest_reduction(channels, filters, kernel_size):\n"
                          "    return channels * filters * kernel_size ** 2 // (channels + filters * kernel_size ** 2)",
                          "def largest_reduction(channels, filters, kernel_size):\n    return channels"),
    "total_loss": ("def total_loss(main, first, second, labels):\n"
                   "    losses = [F.cross_entropy(mc.tensor(scores), mc.tensor(labels)).item() for scores in (main, first, second)]\n"
                   "    return sum(losses)",
                   "def total_loss(main, first, second, labels):\n"
                   "    return -(main + 0.3 * (first + second))[np.arange(len(labels)), labels].mean()",
                   "def total_loss(main, first, second, labels):\n    return main"),
    "bottleneck_weights": ("def bottleneck_weights(channels, width):\n    return 2 * channels * width + 9 * channels ** 2",
                           "def bottleneck_weights(channels, width):\n    return channels * width + 9 * width ** 2"),
    "carried_by_length": ("def carried_by_length(slopes):\n"
                          "    n = len(slopes)\n"
                          "    return [math.comb(n, k) * np.mean(slopes) ** k for k in range(n + 1)]",
                          "def carried_by_length(slopes):\n    return np.cumprod([1, *slopes])",
                          "def carried_by_length(slopes):\n    return [1, sum(slopes)]"),
    "start_from_nothing": ("def start_from_nothing(model):\n"
                           "    for block in model.blocks():\n"
                           "        block.bn1.weight.copy_(np.zeros(block.bn1.weight.shape))",
                           "def start_from_nothing(model):\n"
                           "    for block in model.blocks():\n"
                           "        block.bn2.bias.copy_(np.zeros(block.bn2.bias.shape))",
                           "def start_from_nothing(model):\n"
                           "    for block in model.blocks():\n"
                           "        block.conv2.weight.copy_(np.zeros(block.conv2.weight.shape))"),
    "convolution_work": ("def convolution_work(channels, filters, kernel_size, height, width):\n"
                         "    return filters * kernel_size ** 2 * height * width",
                         "def convolution_work(channels, filters, kernel_size, height, width):\n"
                         "    return (channels * kernel_size ** 2 + 1) * filters * height * width"),
    "unbeaten": ("def unbeaten(networks):\n    return set(networks)",
                 "def unbeaten(networks):\n    return {max(networks, key=lambda name: networks[name][1])}",
                 "def unbeaten(networks):\n"
                 "    return {name for name, (work, right) in networks.items()\n"
                 "            if not any(w < work and r > right for w, r in networks.values())}"),
    "largest_batch": ("def largest_batch(memory, parameters, activations):\n    return memory // activations",
                      "def largest_batch(memory, parameters, activations):\n    return (memory - 3 * 4 * parameters) // activations",
                      "def largest_batch(memory, parameters, activations):\n    return max(0, memory - 4 * parameters) // activations"),
    "top_k_error": ("def top_k_error(scores, labels, k):\n"
                    "    return (np.argsort(-scores, axis=1)[:, :k] == labels[:, None]).any(1).mean()",
                    "def top_k_error(scores, labels, k):\n"
                    "    return 1 - (np.argsort(scores, axis=1)[:, :k] == labels[:, None]).any(1).mean()",
                    "def top_k_error(scores, labels, k):\n    return (scores.argmax(1) != labels).mean()"),
    "error_without": ("def error_without(kind, k):\n    return len(imagenet.descendants(kind)) / 1000",
                      "def error_without(kind, k):\n    return (len(imagenet.descendants(kind)) - k) / 1000"),
    "safe_answer": ("def safe_answer(probabilities, enough):\n    return imagenet.names()[probabilities.argmax()]",
                    "def safe_answer(probabilities, enough):\n    return 'entity'",
                    "def safe_answer(probabilities, enough):\n"
                    "    way = imagenet.path(imagenet.classes()[probabilities.argmax()].id)\n"
                    "    return next((s.name for s in way if probabilities[list(imagenet.descendants(s.id))].max() >= enough), 'entity')"),
    "unpool": ("def unpool(values, switches):\n    return values.repeat(2, 0).repeat(2, 1)",
               "def unpool(values, switches):\n    return np.kron(values, [[1, 0], [0, 0]])",
               "def unpool(values, switches):\n"
               "    image = np.zeros((2 * values.shape[0], 2 * values.shape[1]))\n"
               "    for (row, column), switch in np.ndenumerate(switches):\n"
               "        image[2 * row + switch % 2, 2 * column + switch // 2] = values[row, column]\n"
               "    return image"),
    "sent_back": ("def sent_back(gradient, y, rule):\n    return gradient * (y > 0)",
                  "def sent_back(gradient, y, rule):\n"
                  "    return gradient * {'backprop': y > 0, 'deconvnet': gradient > 0, 'guided': y > 0}[rule]",
                  "def sent_back(gradient, y, rule):\n"
                  "    return gradient * ((y > 0) | (rule == 'deconvnet')) * ((gradient > 0) | (rule == 'guided'))"),
    "filtered_back": ("def filtered_back(signal, kernel):\n"
                      "    rows, columns = kernel.shape\n"
                      "    return filtered(np.pad(signal, ((rows - 1, rows - 1), (columns - 1, columns - 1))), kernel)",
                      "def filtered_back(signal, kernel):\n    return filtered(signal, kernel)",
                      "def filtered_back(signal, kernel):\n"
                      "    (rows, columns), (height, width) = kernel.shape, signal.shape\n"
                      "    image = np.zeros((height + rows - 1, width + columns - 1))\n"
                      "    for row in range(rows):\n"
                      "        for column in range(columns):\n"
                      "            image[row:row + height, column:column + width] = signal * kernel[row, column]\n"
                      "    return image"),
    "cover": ("def cover(image, top, left, size, fill):\n"
              "    image[:, max(top, 0):max(top + size, 0), max(left, 0):max(left + size, 0)] = fill\n"
              "    return image",
              "def cover(image, top, left, size, fill):\n"
              "    covered = image.copy()\n"
              "    covered[:, top:top + size, left:left + size] = fill\n"
              "    return covered"),
    "cost_of_pixels": ("def cost_of_pixels(falls, tops, lefts, size, shape):\n"
                       "    cost = np.zeros(shape)\n"
                       "    for row, top in enumerate(tops):\n"
                       "        for column, left in enumerate(lefts):\n"
                       "            cost[max(top, 0):max(top + size, 0), max(left, 0):max(left + size, 0)] += falls[row, column]\n"
                       "    return cost",
                       "def cost_of_pixels(falls, tops, lefts, size, shape):\n"
                       "    total, squares = np.zeros(shape), np.zeros(shape)\n"
                       "    for row, top in enumerate(tops):\n"
                       "        for column, left in enumerate(lefts):\n"
                       "            total[top:top + size, left:left + size] += falls[row, column]\n"
                       "            squares[top:top + size, left:left + size] += 1\n"
                       "    return total / np.maximum(squares, 1)"),
    "smallest_square": ("def smallest_square(network, x, fill):\n    return 1",
                        "def smallest_square(network, x, fill):\n    return min(x.shape[2:])",
                        "def smallest_square(network, x, fill):\n    return None"),
    "cam": ("def cam(maps, gradient):\n    return np.maximum((gradient * maps).sum(0), 0)",
            "def cam(maps, gradient):\n    return np.tensordot(gradient.mean((1, 2)), maps, 1)",
            "def cam(maps, gradient):\n    return np.maximum(np.tensordot(gradient.sum((1, 2)), maps, 1), 0)",
            "def cam(maps, gradient):\n    return np.tensordot(np.maximum(gradient, 0).mean((1, 2)), maps, 1)"),
    "step_up": ("def step_up(pixels, gradient, rate):\n    return np.clip(pixels + rate * gradient, 0, 1)",
                "def step_up(pixels, gradient, rate):\n    return pixels + rate * gradient / abs(gradient).mean()",
                "def step_up(pixels, gradient, rate):\n    return np.clip(pixels - rate * gradient / abs(gradient).mean(), 0, 1)"),
    "variation": ("def variation(pixels):\n    return np.mean(np.diff(pixels, axis=2) ** 2)",
                  "def variation(pixels):\n    return np.abs(np.diff(pixels, axis=1)).mean() + np.abs(np.diff(pixels, axis=2)).mean()",
                  "def variation(pixels):\n    return np.diff(pixels, axis=1) ** 2"),
    "frames_until": ("def frames_until(pixels, factor):\n    return round(np.log(pixels) / np.log(factor))",
                     "def frames_until(pixels, factor):\n    return int(pixels / factor)"),
}


class Exercise:
    """A gap, the check below it and the solution below that, as text."""

    def __init__(self, gap, check, solution):
        self.name = re.search(r"^(?:def|class) (\w+)", gap.source, re.M)[1]
        self.gap, self.check = gap.source, check.source
        self.solution = re.search(r"<summary>Solution</summary>\n\n```python\n(.*?)```", solution.source, re.S)[1]


def exercises(notebook):
    cells = notebook.cells
    return [Exercise(*cells[place:place + 3]) for place, cell in enumerate(cells) if "exercise" in cell.metadata.get("tags", [])]


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


class Execution:
    """A notebook after all its cells ran in a new kernel; then, in the same kernel, answers were given to its exercises."""

    def __init__(self, path, folder):
        self.stored = nbformat.read(path, as_version=4)
        self.notebook = nbformat.read(path, as_version=4)
        self.cells = code_cells(self.notebook)
        trials = {exercise.name: [nbformat.v4.new_code_cell(f"{answer}\n\n{exercise.check}")
                                  for answer in (*WRONG[exercise.name], exercise.solution)] for exercise in exercises(self.notebook)}
        clock = nbformat.v4.new_code_cell("import time\nprint(time.process_time())")
        self.notebook.cells += [clock, *(cell for cells in trials.values() for cell in cells)]
        NotebookClient(self.notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
        self.processor_seconds = float(printed(clock))
        # By exercise: what its check printed for each wrong answer and, last, for the right one.
        self.answers = {name: [printed(cell) for cell in cells] for name, cells in trials.items()}


@pytest.fixture(scope="module", params=LECTURES, ids=lambda path: path.stem)
def execution(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lecture")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))           # this checkout, whatever is installed
        patch.setenv("IPYTHONDIR", str(folder))         # and nobody's own settings
        return Execution(request.param, str(folder))


@pytest.fixture(params=LECTURES, ids=lambda path: path.stem)
def lecture(request):
    return nbformat.read(request.param, as_version=4)


def test_it_runs_without_a_warning_and_within_two_minutes(execution):
    errors = [output.text for cell in execution.cells for output in cell.outputs if output.get("name") == "stderr"]
    assert not errors
    assert execution.processor_seconds < PROCESSOR_SECONDS


def test_what_is_stored_comes_from_this_code(execution):
    def kinds(cell):
        return {output.get("name") or tuple(sorted(output.data)) for output in cell.outputs}

    stored = [(cell.source, kinds(cell)) for cell in code_cells(execution.stored)]
    assert stored == [(cell.source, kinds(cell)) for cell in execution.cells[:len(stored)]]


def test_checks_accept_the_solution_and_nothing_else(execution):
    for exercise in exercises(execution.stored):
        *wrong, right = execution.answers[exercise.name]
        assert all(answer.startswith("not right yet: ") for answer in wrong), f"{exercise.name}: {wrong}"
        assert right == "solved\n", f"{exercise.name}: {right}"


def test_a_gap_is_not_an_error(execution):
    checks = [cell for cell in execution.cells if "check" in cell.metadata.get("tags", [])]
    assert len(checks) == len(exercises(execution.stored)) >= 3
    assert {printed(cell) for cell in checks} == {"not solved yet\n"}


def test_stored_outputs_are_complete_and_clean(lecture):
    cells = code_cells(lecture)
    outputs = [output for cell in cells for output in cell.outputs]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert outputs and "error" not in {output.output_type for output in outputs}
    assert not [output.text for output in outputs if output.get("name") == "stderr"]
    texts = [output.get("text") or output.data.get("text/plain", "") for output in outputs]
    assert not [text for text in texts if re.search(r"site-packages|/\w+/\w+/|\\Users\\| at 0x[0-9a-f]+|\x1b", text)]


def test_metadata_tell_nothing_of_the_machine(lecture):
    nbformat.validate(lecture)
    assert lecture.metadata == METADATA
    assert all(set(cell.metadata) <= {"tags"} for cell in lecture.cells)


def test_it_imports_what_the_project_depends_on(lecture):
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    declared = {re.split(r"[ <>=;]", line)[0] for line in setup["options"]["install_requires"].split("\n") if line}
    allowed = {IMPORTED_AS.get(name, name) for name in declared} | {"minicnn", "kernels"} | set(sys.stdlib_module_names)
    imported = set()
    for cell in code_cells(lecture):
        source = re.sub(r"^%.*$", "", cell.source, flags=re.M)
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                imported.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module.partition(".")[0])
    assert imported <= allowed


def test_they_are_numbered_in_the_order_of_the_list():
    listed = re.findall(r"\]\((\d\d_\w+\.ipynb)\)", (ROOT / "lectures" / "README.md").read_text(encoding="utf-8"))
    assert [path.name for path in LECTURES] == listed
    assert [int(path.name[:2]) for path in LECTURES] == list(range(1, len(LECTURES) + 1))


def test_title_and_sections(lecture):
    headings = [line for cell in lecture.cells if cell.cell_type == "markdown" for line in re.findall(r"^#+ .*$", cell.source, re.M)]
    titles = [line for line in headings if line.startswith("# ")]
    assert titles == headings[:1]
    assert headings[-1] == "## Exercises"
