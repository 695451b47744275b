"""Weights out of a checkpoint into a network, without running any code that the checkpoint might carry."""

from froq_lightning.backbones.weights.files import file_sha256
from froq_lightning.backbones.weights.loading import load_checkpoint, load_weights, network_sha256, read_state_dict

__all__ = ["file_sha256", "load_checkpoint", "load_weights", "network_sha256", "read_state_dict"]
