"""The loss that a synthesis minimises, equation (1) of Antognini et al. 2019, with its gradient, compiled."""

import numpy as np
from keras import ops

from zoo.audio.dsp import Tensor
from zoo.texture import optimize
from zoo.texture.loss import FRAME_RATE, LAGS, AutocorrelationLoss, DiversityLoss, GramLoss, SendikLoss
from zoo.texture.model import RandomConvEnsemble

_DIVERSITY = {"shifts": DiversityLoss, "sendik": SendikLoss}
DIVERSITIES = tuple(_DIVERSITY)


class Objective:
    """The loss of spectrograms against one target, with its gradient, compiled.

    Args:
        target: float (frames, bins) of `zoo.texture.spectrum.log_spectrogram`.
        ensemble: `RandomConvEnsemble`.
        alpha, beta: weights of autocorrelation and diversity; a term of weight 0 is not computed.
        frames: of the spectrograms to synthesise; the longest lag is half of the shorter of both.
        diversity: "shifts", equation (7), or "sendik", equation (6), which needs as many frames as the target has.
        circular: whether autocorrelations go round, as equation (4) is printed; needs as many frames as the target has.

    Attributes:
        shifts: number of shifts of the target in the diversity term.

    Example:
        >>> target = np.random.default_rng(0).random((200, 257)).astype("float32")
        >>> objective = Objective(target, RandomConvEnsemble((2, 4), filters=4), alpha=1e3, beta=0.0, frames=200)
        >>> bool(objective(target)[0] < 1e-6)
        True
    """

    def __init__(
        self,
        target: np.ndarray,
        ensemble: RandomConvEnsemble,
        alpha: float,
        beta: float,
        frames: int,
        diversity: str = "shifts",
        circular: bool = False,
    ):
        self.ensemble, self.alpha, self.beta = ensemble, alpha, beta
        self.gram, self.diversity = GramLoss(ensemble), _DIVERSITY[diversity](ensemble)
        shortest = min(len(target), frames) - max(ensemble.widths) + 1
        lags = LAGS[0], min(LAGS[1], shortest / 2 / FRAME_RATE)
        self.autocorrelation = AutocorrelationLoss(ensemble, lags=lags, circular=circular)
        features = ensemble(ops.convert_to_tensor(target[None]))
        self.targets = {"gram": self.gram.targets(features)}
        if alpha:
            self.targets["autocorrelation"] = self.autocorrelation.targets(features)
        if beta:
            self.targets["diversity"] = self.diversity.targets(features)
        self.shifts = len(target)
        self._compiled = optimize.value_and_gradient(self.loss)

    def loss(self, spectrogram: Tensor, allowed: Tensor | None = None) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of one spectrogram (frames, bins), and its terms.

        Args:
            spectrogram: float tensor (frames, bins).
            allowed: float (shifts,), 1 for the shifts in the diversity term; None to leave the term out.

        Returns:
            total: scalar.
            terms: {"gram", "autocorrelation", "diversity": scalars, "worst": the most similar shift}, as far as they are
                computed.
        """
        features = self.ensemble(spectrogram[None])
        terms = {"gram": self.gram.compare(self.targets["gram"], features)[0]}
        total = terms["gram"]
        if self.alpha:
            terms["autocorrelation"] = self.autocorrelation.compare(self.targets["autocorrelation"], features)[0]
            total = total + self.alpha * terms["autocorrelation"]
        if self.beta and allowed is not None:
            terms |= self._diversity_terms(features, allowed)
            total = total + self.beta * terms["diversity"]
        return total, terms

    def _diversity_terms(self, features, allowed):
        """The diversity term, and for equation (7) the worst shift."""
        target = self.targets["diversity"]
        if isinstance(self.diversity, SendikLoss):
            return {"diversity": self.diversity.compare(target, features)[0]}
        loss, worst = self.diversity.worst(target, features, allowed=allowed)
        return {"diversity": loss[0], "worst": worst[0]}

    def __call__(
        self, spectrogram: np.ndarray, allowed: np.ndarray | None = None
    ) -> tuple[float, dict[str, float], np.ndarray]:
        """Loss, its terms as floats, and the gradient (frames, bins), of a float32 array (frames, bins)."""
        (loss, terms), gradient = self._compiled(spectrogram, *([] if allowed is None else [allowed]))
        return float(loss), {name: float(value) for name, value in terms.items()}, ops.convert_to_numpy(gradient)
