"""A disk that is full at the last bytes of a file, whose writer says nothing of it."""

import os

import soundfile


def cutting(suffix, cut=200):
    """A `soundfile.SoundFile` that drops the last bytes of what it writes into files with a suffix."""

    class Cutting(soundfile.SoundFile):
        def close(self):
            written = not self.closed and self.mode == "w" and isinstance(self.name, (str, bytes))
            super().close()
            if written and os.fsdecode(self.name).endswith(suffix):
                os.truncate(self.name, os.path.getsize(self.name) - cut)

    return Cutting
