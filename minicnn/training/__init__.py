"""Training a classifier: the loop, its files, and what a person sees of it."""
