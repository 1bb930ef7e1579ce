"""Diagnose a diffusers model: the script of docs/howto/diffusers.md."""

import numpy as np

from phasediag import diagnose
from phasediag.plotting import save_figure
from phasediag.score import from_diffusers, generate

train, test = np.load("train.npy"), np.load("test.npy")  # flattened images, scaled as in training
score = from_diffusers("my-model")  # saved by pipeline.save_pretrained("my-model")

times = np.geomspace(1000, 0.01, 30)
made = generate(score, 32, times, dim=train.shape[1], rng=0)
made += times[-1] * score(made, times[-1])

found = diagnose(score, [0.01, 0.1, 1.0], test[:8], train, test, generated=made, points=100)
print(found.copying.rate, *found.notes, sep="\n")
save_figure(found.plot()[0], "diagnosis.pdf")
