"""A Jacobian with a full row and a full column, from three products with it: jvp and vjp together."""

import numpy as np

import jacinspect

N = 200


def arrowhead(x):
    """Each output reads its input and the first one, and the last output reads all inputs."""
    y = np.sin(x) * x[0]
    y[-1] = x @ x
    return y


def jvp(x, v):
    product = np.cos(x) * v * x[0] + np.sin(x) * v[0]
    product[-1] = 2 * x @ v
    return product


def vjp(x, w):
    inner = np.r_[w[:-1], 0.0]
    product = np.cos(x) * inner * x[0] + 2 * w[-1] * x
    product[0] += np.sin(x) @ inner
    return product


def recovered(pattern, forward, backward):
    """Return J from J·v and wᵀ·J, for a function of one vector; v and w are sums of a group's unit vectors."""
    columns, rows = pattern.bidirectional_groups()
    forwards, backwards = (
        {group: product(1.0 * (groups == group)) for group in range(groups.max(initial=-1) + 1)}
        for groups, product in ((columns, forward), (rows, backward))
    )
    J = pattern.to_scipy().tocoo()
    for k, (i, j) in enumerate(zip(*J.coords, strict=True)):
        beside = J.col[J.row == i]  # the columns that row i reads
        if columns[j] >= 0 and np.sum(columns[beside] == columns[j]) == 1:
            J.data[k] = forwards[columns[j]][i]
        else:
            J.data[k] = backwards[rows[i]][j]
    return J.tocsr()


def main():
    x = np.linspace(0.5, 1.5, N)
    pattern = jacinspect.sparsity(arrowhead, x)
    columns, rows = pattern.bidirectional_groups()
    print(f"columns alone: {pattern.groups().max() + 1} groups")
    print(f"both directions: {columns.max() + 1} of columns and {rows.max() + 1} of rows")
    J = recovered(pattern, lambda v: jvp(x, v), lambda w: vjp(x, w))
    print("recovered:", np.allclose(J.toarray(), np.stack([jvp(x, v) for v in np.eye(N)], axis=1)))


if __name__ == "__main__":
    main()
