"""Training of networks, and torch versions of losses and penalties."""

from verifier.training.protocols import PROTOCOLS
from verifier.training.train import TrainedNetwork, train_network

__all__ = ["PROTOCOLS", "TrainedNetwork", "train_network"]
