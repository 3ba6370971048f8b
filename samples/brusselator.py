"""A stiff system of 800 unknowns: its sparsity pattern is found, and given to scipy's solver."""

import numpy as np
from scipy.integrate import solve_ivp

import jacinspect

CELLS, DIFFUSION = 400, 0.02 * 401**2


def brusselator(t, y):
    """Two chemicals that react and diffuse along a line (Hairer & Wanner 1996), interleaved: u0, v0, u1, v1 …"""
    u, v = y[::2], y[1::2]
    left_u, right_u = np.r_[1.0, u[:-1]], np.r_[u[1:], 1.0]
    left_v, right_v = np.r_[3.0, v[:-1]], np.r_[v[1:], 3.0]
    rate = np.empty(y.size)
    rate[::2] = 1 + u**2 * v - 4 * u + DIFFUSION * (left_u - 2 * u + right_u)
    rate[1::2] = 3 * u - u**2 * v + DIFFUSION * (left_v - 2 * v + right_v)
    return rate


def start(cells=CELLS):
    x = np.arange(1, cells + 1) / (cells + 1)
    y = np.empty(2 * cells)
    y[::2], y[1::2] = 1 + np.sin(2 * np.pi * x), 3.0
    return y


def main():
    y0 = start()
    pattern = jacinspect.sparsity(brusselator, 0.0, others={"y": y0}, wrt="y")
    matrix, groups = pattern.to_scipy(), pattern.groups()
    print(f"{matrix.nnz} of {y0.size**2} entries, {groups.max() + 1} groups of columns")
    done = solve_ivp(brusselator, (0, 1), y0, method="BDF", jac_sparsity=matrix)
    print(f"solve_ivp: {done.message}")


if __name__ == "__main__":
    main()
