"""For jax: an activation with a derivative by hand, in reverse mode alone, and one that forgets the chain rule."""

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
