"""A plain JAX loop with a loss of the zoo and Optax, on the bundled recording: prints true PESQ of held-back speech.

    KERAS_BACKEND=jax python examples/train_with_jax.py

The network scales the bins of the noisy spectrum. It learns from the first 70 % of a sentence in noise, and is measured
on the rest. The loss is an ordinary function of arrays: one jitted step holds it, its gradient and the network.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import numpy as np
import optax

import zoo

BINS, HIDDEN, CONTEXT, CLIP = 257, 64, (-2, -1, 0, 1, 2), 16000


def new_weights(key):
    first, second = jax.random.split(key)
    inputs = BINS * len(CONTEXT)
    return {
        "hidden": jax.random.normal(first, (inputs, HIDDEN)) / jnp.sqrt(inputs),
        "masks": jax.random.normal(second, (HIDDEN, BINS)) / jnp.sqrt(HIDDEN),
        "bias": jnp.zeros(BINS),
    }


def enhance(weights, noisy):
    """Scale each bin of the spectrum by 0..1, from the frames around it."""
    real, imaginary = zoo.audio.dsp.stft(noisy)
    x = jnp.log(jnp.sqrt(real**2 + imaginary**2 + 1e-12) + 1e-3)
    x = jnp.concatenate([jnp.roll(x, shift, axis=1) for shift in CONTEXT], axis=2)
    masks = jax.nn.sigmoid(jax.nn.relu(x @ weights["hidden"]) @ weights["masks"] + weights["bias"])
    return zoo.audio.dsp.istft(real * masks, imaginary * masks, samples=noisy.shape[1])


def true_pesq(reference, estimate):
    return zoo.metrics.speech.pesq(np.asarray(reference), np.asarray(estimate), 16000).item()


def main(steps=60):
    reference, noisy = (zoo.audio.io.read(zoo.examples()[name])[0] for name in ("reference", "degraded"))
    split, rng = int(0.7 * len(reference)), np.random.default_rng(0)
    loss = zoo.loss({"quality-net-lite-refreshed-pesq-wb-16k": 1.0, "multi-resolution-stft": 0.1})
    weights, optimizer = new_weights(jax.random.key(0)), optax.adam(3e-3)
    value_and_gradient = jax.jit(jax.value_and_grad(lambda weights, clips: loss(clips[0], enhance(weights, clips[1]))))
    state = optimizer.init(weights)
    for step in range(steps):
        starts = rng.integers(split - CLIP, size=4)
        clips = [np.stack([audio[start : start + CLIP] for start in starts]) for audio in (reference, noisy)]
        value, gradient = value_and_gradient(weights, clips)
        updates, state = optimizer.update(gradient, state)
        weights = optax.apply_updates(weights, updates)
        if step % 20 == 0:
            print(f"step {step}: loss {value:.3f}")
    before = true_pesq(reference[split:], noisy[split:])
    whole = len(noisy) // 256 * 256  # whole hops
    after = true_pesq(reference[split:whole], enhance(weights, noisy[None, :whole])[0, split:])
    print(f"PESQ of speech held back: {before:.2f} noisy, {after:.2f} enhanced")
    return before, after


if __name__ == "__main__":
    main()
