"""The hand-written loops of minicnn, once for each place they run.

`kernels.reference` is plain NumPy: the definition of every kernel. `kernels.cpu` has the same functions, with the same names
and arguments, in Numba. A kernel gets arrays that have been checked, writes into outputs it is given, and knows nothing of
tensors or gradients: `minicnn.functional` is where the two meet.
"""
