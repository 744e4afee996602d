"""Fully connected ReLU networks as immutable float64 arrays, and the readers that make them from checkpoints."""

from verifier.networks.network import Network

__all__ = ["Network"]
