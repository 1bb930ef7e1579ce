"""Small diffusion networks trained on a law or on samples, to hold the theory of the empirical score against them."""

from phasediag.networks.mlp import MLP
from phasediag.networks.network import TrainedNetwork, load_network
from phasediag.networks.recipe import Recipe
from phasediag.networks.sweep import Sweep, load_sweep, sweep
from phasediag.networks.training import train, training_data
from phasediag.networks.unet import UNet

__all__ = [
    "MLP",
    "Recipe",
    "Sweep",
    "TrainedNetwork",
    "UNet",
    "load_network",
    "load_sweep",
    "sweep",
    "train",
    "training_data",
]
