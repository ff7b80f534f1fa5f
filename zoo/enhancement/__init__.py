"""Speech enhancers: Fu et al. 2019's BLSTM and DNN masks, and Manocha et al. 2020's waveform network."""

from zoo.base.lazy import lazy

__getattr__, __dir__ = lazy(__name__, __path__)
