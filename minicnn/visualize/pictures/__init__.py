"""The pictures of the visualisations: each function takes what a method measures, and returns a Figure."""
