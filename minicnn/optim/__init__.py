"""Optimisers, and schedules for their learning rate."""
from minicnn.optim.adam import Adam
from minicnn.optim.optimizer import Optimizer
from minicnn.optim.schedule import CosineAnnealingLR, Schedule, StepLR, WarmupLR
from minicnn.optim.sgd import SGD

__all__ = ["SGD", "Adam", "CosineAnnealingLR", "Optimizer", "Schedule", "StepLR", "WarmupLR"]
