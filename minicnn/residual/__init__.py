"""Residual networks understood: how gradients travel through them, why depth hurts plain networks, and what single blocks are worth.

    python -m minicnn.residual runs/resnet20-cifar10
"""
