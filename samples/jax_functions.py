"""For jax: an activation with a vjp by hand, one that forgets the chain rule, and a `where` with a NaN in its vjp."""

import jax
import jax.numpy as jnp


@jax.custom_vjp
def squared_tanh(x):
    return jnp.tanh(x) ** 2


def _forward(x):
    return squared_tanh(x), jnp.tanh(x)


squared_tanh.defvjp(_forward, lambda t, upstream: (2 * t * (1 - t**2) * upstream,))


@jax.custom_vjp
def squared_tanh_broken(x):
    return jnp.tanh(x) ** 2


squared_tanh_broken.defvjp(_forward, lambda t, upstream: (2 * t * upstream,))


def root(x):
    """A root for x > 1, whose vjp is NaN for x < 0: 0 times the slope of the root there, which is NaN."""
    return jnp.where(x < 1, x, jnp.sqrt(x))
