"""Learned metrics that predict PESQ and STOI: Fu et al. 2019's Quality-Net."""

from zoo.base.lazy import lazy

__getattr__, __dir__ = lazy(__name__, __path__)
