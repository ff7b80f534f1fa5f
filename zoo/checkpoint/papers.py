"""The papers that pages of checkpoints cite. A family may define others in its `card` module."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Paper:
    """A paper.

    Attributes:
        title: in words, with authors and year.
        url: of the paper.
        bibtex: its entry.
        code: address of the authors' own code or material; None where there is none.
    """

    title: str
    url: str
    bibtex: str
    code: str | None = None


FU = Paper(
    "Fu, Liao, Tsao 2019, Learning with Learned Loss Function",
    "https://arxiv.org/abs/1905.01898",
    r"""@article{fu2019quality,
  title   = {Learning with Learned Loss Function: Speech Enhancement with {Quality-Net} to Improve Perceptual Evaluation of Speech Quality},
  author  = {Fu, Szu-Wei and Liao, Chien-Feng and Tsao, Yu},
  year    = {2019},
  eprint  = {1905.01898},
  archivePrefix = {arXiv}
}""",
    "https://github.com/JasonSWFu/Learning-with-Learned-Loss-Function",
)
FU_2018 = Paper(
    "Fu, Tsao, Hwang, Wang 2018, Quality-Net: An End-to-End Non-intrusive Speech Quality Assessment Model based on BLSTM",
    "https://arxiv.org/abs/1808.05344",
    r"""@inproceedings{fu2018quality,
  title     = {{Quality-Net}: An End-to-End Non-intrusive Speech Quality Assessment Model based on {BLSTM}},
  author    = {Fu, Szu-Wei and Tsao, Yu and Hwang, Hsin-Te and Wang, Hsin-Min},
  booktitle = {Interspeech},
  year      = {2018}
}""",
)
MANOCHA = Paper(
    "Manocha et al. 2020, A Differentiable Perceptual Audio Metric Learned from Just Noticeable Differences",
    "https://arxiv.org/abs/2001.04460",
    r"""@inproceedings{manocha2020differentiable,
  title     = {A Differentiable Perceptual Audio Metric Learned from Just Noticeable Differences},
  author    = {Manocha, Pranay and Finkelstein, Adam and Zhang, Richard and Bryan, Nicholas J. and Mysore, Gautham J. and Jin, Zeyu},
  booktitle = {Interspeech},
  year      = {2020}
}""",
    "https://github.com/pranaymanocha/PerceptualAudio",
)
GERMAIN = Paper(
    "Germain, Chen, Koltun 2019, Speech Denoising with Deep Feature Losses",
    "https://arxiv.org/abs/1806.10522",
    r"""@inproceedings{germain2019speech,
  title     = {Speech Denoising with Deep Feature Losses},
  author    = {Germain, Fran{\c{c}}ois G. and Chen, Qifeng and Koltun, Vladlen},
  booktitle = {Interspeech},
  year      = {2019}
}""",
)
MARTIN_DONAS = Paper(
    "Martín-Doñas et al. 2018, A Deep Learning Loss Function Based on the Perceptual Evaluation of the Speech Quality",
    "https://doi.org/10.1109/LSP.2018.2871419",
    r"""@article{martindonas2018deep,
  title   = {A Deep Learning Loss Function Based on the Perceptual Evaluation of the Speech Quality},
  author  = {Martin-Do{\~n}as, Juan Manuel and Gomez, Angel Manuel and Gonzalez, Jose A. and Peinado, Antonio M.},
  journal = {IEEE Signal Processing Letters},
  year    = {2018}
}""",
    "http://sigmat.ugr.es/PMSQE/",
)
ANTOGNINI = Paper(
    "Antognini, Hoffman, Weiss 2019, Audio Texture Synthesis with Random Neural Networks",
    "https://research.google/pubs/audio-texture-synthesis-with-random-neural-networks-improving-diversity-and-quality/",
    r"""@inproceedings{antognini2019audio,
  title     = {Audio Texture Synthesis with Random Neural Networks: Improving Diversity and Quality},
  author    = {Antognini, Joseph M. and Hoffman, Matt and Weiss, Ron J.},
  booktitle = {IEEE International Conference on Acoustics, Speech and Signal Processing},
  year      = {2019}
}""",
    "https://antognini-google.github.io/audio_textures/",
)
CHANDNA = Paper(
    "Chandna et al. 2017, Monoaural Audio Source Separation Using Deep Convolutional Neural Networks",
    "https://doi.org/10.1007/978-3-319-53547-0_25",
    r"""@inproceedings{chandna2017monoaural,
  title     = {Monoaural Audio Source Separation Using Deep Convolutional Neural Networks},
  author    = {Chandna, Pritish and Miron, Marius and Janer, Jordi and G{\'o}mez, Emilia},
  booktitle = {Latent Variable Analysis and Signal Separation},
  year      = {2017}
}""",
    "https://github.com/MTG/DeepConvSep",
)
BRADBURY = Paper(
    "Bradbury, Merity, Xiong, Socher 2017, Quasi-Recurrent Neural Networks",
    "https://arxiv.org/abs/1611.01576",
    r"""@inproceedings{bradbury2017quasi,
  title     = {Quasi-Recurrent Neural Networks},
  author    = {Bradbury, James and Merity, Stephen and Xiong, Caiming and Socher, Richard},
  booktitle = {International Conference on Learning Representations},
  year      = {2017}
}""",
)
OORD = Paper(
    "van den Oord et al. 2016, WaveNet: A Generative Model for Raw Audio",
    "https://arxiv.org/abs/1609.03499",
    r"""@misc{oord2016wavenet,
  title  = {{WaveNet}: A Generative Model for Raw Audio},
  author = {van den Oord, A{\"a}ron and Dieleman, Sander and Zen, Heiga and Simonyan, Karen and Vinyals, Oriol and Graves, Alex and Kalchbrenner, Nal and Senior, Andrew and Kavukcuoglu, Koray},
  note   = {arXiv:1609.03499},
  year   = {2016}
}""",
)
ERDOGAN = Paper(
    "Erdogan, Hershey, Watanabe, Le Roux 2015, Phase-Sensitive and Recognition-Boosted Speech Separation Using Deep Recurrent Neural Networks",
    "https://doi.org/10.1109/ICASSP.2015.7178061",
    r"""@inproceedings{erdogan2015phase,
  title     = {Phase-Sensitive and Recognition-Boosted Speech Separation Using Deep Recurrent Neural Networks},
  author    = {Erdogan, Hakan and Hershey, John R. and Watanabe, Shinji and Le Roux, Jonathan},
  booktitle = {IEEE International Conference on Acoustics, Speech and Signal Processing},
  year      = {2015}
}""",
)
