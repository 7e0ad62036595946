"""Softmax and cross entropy by their definitions, for each row of a matrix.

    x, y, logits, probabilities ...   (N, K)   K classes
    labels                            (N,)     int64, the class of each row; a row labelled ignore_index takes no part
    losses                            (N,)

Every exponential is of x - max(x): that changes no quotient, and nothing overflows (Goodfellow et al., "Deep Learning",
section 4.1).
"""
import numpy as np


def softmax(x, y):
    """y[n, k] = e^x[n, k] / sum over j of e^x[n, j]"""
    exponentials = np.exp(x - x.max(axis=1, keepdims=True))
    y[...] = exponentials / exponentials.sum(axis=1, keepdims=True)


def softmax_grad_input(grad_y, y, grad_x):
    """grad_x[n, k] = y[n, k] (grad_y[n, k] - sum over j of grad_y[n, j] y[n, j])"""
    grad_x[...] = y * (grad_y - (grad_y * y).sum(axis=1, keepdims=True))


def log_softmax(x, y):
    """y[n, k] = x[n, k] - log(sum over j of e^x[n, j])"""
    shifted = x - x.max(axis=1, keepdims=True)
    y[...] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def log_softmax_grad_input(grad_y, y, grad_x):
    """grad_x[n, k] = grad_y[n, k] - e^y[n, k] (sum over j of grad_y[n, j])"""
    grad_x[...] = grad_y - np.exp(y) * grad_y.sum(axis=1, keepdims=True)


def cross_entropy(logits, labels, losses, probabilities, label_smoothing, ignore_index):
    """losses[n] = - sum over k of target[n, k] log(probabilities[n, k]), probabilities = softmax(logits); 0 for ignored rows.

    The target is 1 - s + s/K for the row's class and s/K for the others, s the label smoothing (Szegedy et al., CVPR 2016,
    section 7).
    """
    softmax(logits, probabilities)
    logarithms = np.empty_like(logits)
    log_softmax(logits, logarithms)
    for n, label in enumerate(labels):
        if label == ignore_index:
            losses[n] = 0
        else:
            losses[n] = -(1 - label_smoothing) * logarithms[n, label]
            if label_smoothing:   # without it, classes of probability 0 would make 0 times infinity
                losses[n] -= label_smoothing * logarithms[n].mean()


def cross_entropy_grad_input(grad_losses, probabilities, labels, grad_logits, label_smoothing, ignore_index):
    """grad_logits[n, k] = grad_losses[n] (probabilities[n, k] - target[n, k]), target as in cross_entropy; 0 for ignored rows."""
    grad_logits[...] = 0
    for n, label in enumerate(labels):
        if label != ignore_index:
            grad_logits[n] = probabilities[n] - label_smoothing / len(probabilities[n])
            grad_logits[n, label] -= 1 - label_smoothing
            grad_logits[n] *= grad_losses[n]
