# Every command makes the environment it needs, .venv, the first time; PYTHON=python3.12 chooses the Python it is made from.
# ARGS goes on to the command: make lenet ARGS="--epochs 3 --seed 1".

PYTHON ?= python3
PROGRAMS := .venv/bin
ifneq ($(wildcard ../shared/data),)
export MINICNN_DATA ?= ../shared/data
endif

.DEFAULT_GOAL := help
SANITIZER = PATH="$$PATH:/usr/local/cuda/bin" compute-sanitizer --error-exitcode 1
.PHONY: help lenet test test-gpu lint bench lectures install install-test install-cuda install-lectures

help: ## show this list
	@printf '\nminicnn: convolutional neural networks that one can read to the bottom\n\n'
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-17s %s\n", $$1, $$2 }'
	@printf '\n'

lenet: install ## train LeNet on MNIST; pictures and weights go to runs/
	$(PROGRAMS)/python -m minicnn.train lenet $(ARGS)

test: install-test ## run the tests
	$(PROGRAMS)/python -m pytest $(ARGS)

test-gpu: install-test install-cuda ## run the kernels' tests on an NVIDIA GPU, then compute-sanitizer, if it is there, over all of them
	MINICNN_TEST_DEVICE=cuda $(PROGRAMS)/python -m pytest tests/kernels/cuda tests/test_cuda.py $(ARGS)
	@if $(SANITIZER) --version > /dev/null 2>&1; then \
	    for tool in memcheck racecheck; do echo "compute-sanitizer, $$tool"; \
	        $(SANITIZER) --tool $$tool $(PROGRAMS)/python -m tests.kernels.cuda.every_kernel || exit 1; done; \
	else echo "compute-sanitizer is not installed: it comes with the CUDA toolkit"; fi

lint: install-test ## look for slips in the code
	$(PROGRAMS)/ruff check $(ARGS) .

bench: install ## time the kernels against the reference, and against PyTorch where it is installed
	$(PROGRAMS)/python -m benchmarks $(ARGS)

lectures: install-lectures ## open the lectures in the browser
	$(PROGRAMS)/jupyter lab lectures $(ARGS)

install: .venv/installed
install-test: .venv/installed-test
install-cuda: .venv/installed-cuda
install-lectures: .venv/installed-lectures

$(PROGRAMS)/pip:   # comes last into a new environment
	$(PYTHON) -m venv .venv

.venv/installed: setup.cfg pyproject.toml | $(PROGRAMS)/pip
	$(PROGRAMS)/python -m pip install --quiet --editable .
	@touch $@

.venv/installed-%: setup.cfg pyproject.toml | $(PROGRAMS)/pip
	$(PROGRAMS)/python -m pip install --quiet --editable '.[$*]'
	@touch $@
