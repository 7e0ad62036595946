"""A GPU in Python."""
from .machine import Simulator as Simulator, simulate as simulate
