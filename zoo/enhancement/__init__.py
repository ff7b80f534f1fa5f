"""Speech enhancers: Fu et al. 2019's BLSTM and DNN masks, Manocha et al. 2020's waveform network, and a causal one of our own."""

from zoo.base.lazy import lazy

__getattr__, __dir__ = lazy(__name__, __path__)
