"""Optimisers, schedules for their learning rate, and the average of what they find."""
from minicnn.optim.adam import Adam
from minicnn.optim.averaging import WeightAverage
from minicnn.optim.optimizer import Optimizer
from minicnn.optim.schedule import (CosineAnnealingLR, MultiStepLR, PolynomialLR, ReduceLROnPlateau, Schedule, StepLR,
                                    WarmupLR)
from minicnn.optim.sgd import SGD

__all__ = ["SGD", "Adam", "CosineAnnealingLR", "MultiStepLR", "Optimizer", "PolynomialLR", "ReduceLROnPlateau",
           "Schedule", "StepLR", "WarmupLR", "WeightAverage"]
