"""Polynomials fitted by least squares of relative errors, in plain Python: small times count as much as large ones."""


def solve(matrix, right):
    """x of matrix x = right, by elimination with row exchanges."""
    n = len(right)
    rows = [list(row) + [value] for row, value in zip(matrix, right)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        if rows[i][i] == 0:
            raise ValueError("the sizes are too few or equal: no unique fit")
        for r in range(n):
            if r != i:
                factor = rows[r][i] / rows[i][i]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i])]
    return [rows[i][n] / rows[i][i] for i in range(n)]


def fit(xs, ys, degree):
    """y = c0 + c1 x + ... with the sum of ((fit - y) / y)^2 smallest.

    Gives {"coefficients", "r2", "departure", "intercept_share", "leading_share"}: r2 of relative errors; departure is the
    largest |y / fit - 1|; the shares are those of c0 and of the highest power in the fit at the largest x.
    """
    scale = max(xs)  # powers of x / scale: the equations stay well conditioned
    terms = [[(x / scale) ** k for k in range(degree + 1)] for x in xs]
    weights = [1 / y ** 2 for y in ys]
    matrix = [[sum(w * t[i] * t[j] for w, t in zip(weights, terms)) for j in range(degree + 1)] for i in range(degree + 1)]
    right = [sum(w * t[i] * y for w, t, y in zip(weights, terms, ys)) for i in range(degree + 1)]
    scaled = solve(matrix, right)
    fitted = [sum(c * t for c, t in zip(scaled, row)) for row in terms]
    mean = sum(w * y for w, y in zip(weights, ys)) / sum(weights)
    around = sum(w * (y - mean) ** 2 for w, y in zip(weights, ys))
    missed = sum(w * (y - f) ** 2 for w, y, f in zip(weights, ys, fitted))
    largest = max(range(len(xs)), key=lambda i: xs[i])
    return {
        "coefficients": [c / scale ** k for k, c in enumerate(scaled)],
        "r2": 1 - missed / around if around > 0 else 1.0,
        "departure": max(abs(y / f - 1) if f else float("inf") for y, f in zip(ys, fitted)),
        "intercept_share": scaled[0] / fitted[largest],
        "leading_share": scaled[degree] / fitted[largest],
    }


def value(coefficients, x):
    return sum(c * x ** k for k, c in enumerate(coefficients))
