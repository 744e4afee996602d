"""Fully connected ReLU networks as immutable float64 arrays, and the readers that make them from checkpoints."""

from verifier.networks.checkpoint import Checkpoint, load_checkpoint, network_from_state_dict, save_checkpoint
from verifier.networks.module import network_from_module
from verifier.networks.network import Network

__all__ = [
    "Checkpoint",
    "Network",
    "load_checkpoint",
    "network_from_module",
    "network_from_state_dict",
    "save_checkpoint",
]
