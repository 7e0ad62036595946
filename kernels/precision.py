"""How exactly single precision is multiplied where the hardware offers a choice: a setting, which minicnn sets and kernels.cuda reads."""

PRECISIONS = ("highest", "high", "medium")

matmul_precision = "highest"
