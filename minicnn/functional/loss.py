"""Losses: how wrong a prediction is, as one number to minimise."""
import numpy as np

from minicnn import arithmetic
from minicnn.autograd import Function
from minicnn.device import broadcast, check_together, contiguous, empty, kernels_for, on_host
from minicnn.functional.reduction import divided
from minicnn.tensor import Tensor


class CrossEntropy(Function):
    """One loss for each row of logits, or if there is a divisor their sum divided by it; keeps the probabilities."""

    def __init__(self, labels, label_smoothing, ignore_index, divisor=None):
        self.labels, self.settings, self.divisor = labels, (label_smoothing, ignore_index), divisor

    def forward(self, logits):
        check_together(self, (logits, self.labels), _name)
        losses, self.probabilities = empty(logits, logits.shape[:1]), empty(logits)
        kernels_for(logits).cross_entropy(logits, self.labels, losses, self.probabilities, *self.settings)
        return losses if self.divisor is None else divided(arithmetic.sum(losses, (0,)).reshape(()), self.divisor)

    def backward(self, gradient):
        if self.divisor is not None:
            gradient = contiguous(broadcast(divided(gradient, self.divisor), self.labels.shape))
        grad_logits = empty(self.probabilities)
        kernels_for(gradient).cross_entropy_grad_input(gradient, self.probabilities, self.labels, grad_logits, *self.settings)
        return (grad_logits,)


def _name(function, place):
    return f"cross_entropy: {('logits', 'labels')[place]}"


def cross_entropy(logits, labels, *, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    """-log softmax(logits)[label], as torch.nn.functional.cross_entropy.

    logits           (N, C)  unnormalised log-probabilities of C classes
    labels           (N,)    integers 0 ... C - 1
    ignore_index     rows with this label have loss 0, and the mean does not count them
    reduction        "mean", "sum", or "none" for the losses of the rows (N,)
    label_smoothing  share of the target that is spread evenly over all classes (Szegedy et al., CVPR 2016, section 7)
    """
    if not isinstance(labels, Tensor) or labels.dtype.kind not in "iu":
        found = f"of {labels.dtype}" if isinstance(labels, Tensor) else type(labels).__name__
        raise TypeError(f"cross_entropy: labels must be a Tensor of integers, not {found}")
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise ValueError(f"cross_entropy: logits {tuple(logits.shape)} must have the shape (N, C) "
                         f"and labels {labels.shape} the shape (N,)")
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"cross_entropy: label_smoothing must be between 0 and 1, not {label_smoothing}")
    classes = labels.settle()
    classes = contiguous(classes if classes.dtype == np.int64 else classes.astype(np.int64))
    counted = _count_labels(classes, logits.shape[1], ignore_index)
    _check_reduction("cross_entropy", reduction)
    divisor = {"mean": counted, "sum": 1, "none": None}[reduction]
    return CrossEntropy(classes, float(label_smoothing), int(ignore_index), divisor)(logits)


def _count_labels(labels, classes, ignore_index):
    """How many labels are not ignored; all of those must be classes."""
    if not on_host(labels):
        if labels.within(classes) and not 0 <= ignore_index < classes:
            return labels.size   # known of labels that have come from the host as they are, so nobody waits
        labels = labels.to_host()
    # As unsigned numbers, negative labels are huge: one pass tells that all is well.
    if not labels.size or (labels.view(np.uint64).max() < classes and not 0 <= ignore_index < classes):
        return labels.size
    ignored = labels == ignore_index
    wrong = np.flatnonzero(~ignored & ((labels < 0) | (labels >= classes)))
    if wrong.size:
        raise IndexError(f"cross_entropy: label {labels[wrong[0]]} in row {wrong[0]} is no class: "
                         f"logits have {classes} classes, 0 to {classes - 1}")
    return labels.size - int(ignored.sum())


def mse_loss(x, target, *, reduction="mean"):
    """(x - target)^2, as torch.nn.functional.mse_loss for equal shapes. reduction: "mean", "sum" or "none"."""
    if x.shape != target.shape:
        raise ValueError(f"mse_loss: x {x.shape} and target {target.shape} must have the same shape")
    _check_reduction("mse_loss", reduction)
    losses = (x - target) ** 2
    return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()


def _check_reduction(function, reduction):
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{function}: reduction must be 'mean', 'sum' or 'none', not {reduction!r}")
