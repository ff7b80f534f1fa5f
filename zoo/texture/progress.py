"""The bar of a synthesis on a terminal: loss, rate and time left of each of its two stages."""


def silent(stage: str, done: int, total: int, value: float) -> None:
    """A progress that shows nothing; arguments as for `Bar`."""


class Bar:
    """A bar on a terminal for each of the two stages; nothing where there is no terminal.

    Its clock starts with the first call of a stage, which `zoo.texture.synthesize` makes once all is compiled: the time
    left is right from the second iteration on.

    Call:
        bar(stage, done, total, value): stage "spectrogram" with the loss, "phases" with the spectral convergence.

    Example:
        >>> with Bar() as bar:
        ...     bar("spectrogram", 0, 2, 0.5)
        ...     bar("spectrogram", 1, 2, 0.4)
    """

    def __init__(self):
        self.stage, self.bar = None, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.bar is not None:
            self.bar.close()

    def __call__(self, stage: str, done: int, total: int, value: float) -> None:
        from tqdm import tqdm  # late: who passes a progress of their own needs none

        if stage != self.stage:
            self.__exit__()
            # The first round of the phases is reported when it is done.
            before = done - 1 if stage == "phases" else done
            self.stage, self.bar = stage, tqdm(total=total, desc=stage, unit="it", initial=before, disable=None)
        self.bar.set_postfix_str(f"{'loss' if stage == 'spectrogram' else 'convergence'} {value:.4g}", refresh=False)
        self.bar.update(done - self.bar.n)
