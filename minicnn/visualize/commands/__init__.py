"""What python -m minicnn.visualize does, one file for each word that may follow.

Each has `add(parsers)`, which adds its parser, and `run(options)`, which does it and returns the exit code.
"""
