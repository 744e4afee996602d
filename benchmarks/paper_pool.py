"""Do networks of the paper's protocol come from the pools of Baturin 2026? `python -m benchmarks.paper_pool --networks 100`.

Prints, per data set and width, the means of total, data and l1 loss over the first networks of the pool with their standard errors, beside the means that
the author's code gave over all 1,000 (`benchmarks` hold measurements, not tests: 100 networks of four kinds take some minutes).
"""

from __future__ import annotations

import argparse

import numpy as np

from verifier.data.load import load_data
from verifier.training.train import train_network

# (total, data, l1) over 1,000 networks.
PUBLISHED = {
    ("paper-moons", "squared", 20): (0.048481, 0.044391, 0.004091),
    ("paper-moons", "squared", 200): (0.036730, 0.028192, 0.008538),
    ("paper-breast-cancer", "logistic", 20): (0.028276, 0.006798, 0.021478),
    ("paper-breast-cancer", "logistic", 200): (0.032448, 0.002398, 0.030049),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=100)
    count = parser.parse_args().networks
    for (data, loss, width), published in PUBLISHED.items():
        dataset = load_data(data, loss=loss)
        found = []
        for seed in range(count):
            t = train_network(dataset, width, loss, seed=seed, protocol="paper")
            targets = t.objective.loss.encode(dataset)
            parts = t.objective.loss_value(t.network, dataset.X, targets), t.objective.penalty_value(t.network)
            found.append((sum(parts), *parts))
        means, errors = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / np.sqrt(count)
        for name, mean, error, goal in zip(("total", "data", "l1"), means, errors, published):
            off = (mean - goal) / error
            print(
                f"{data} {width} {name}: {mean:.6f} +- {error:.6f}, published {goal:.6f}: {off:+.1f} standard errors",
                flush=True,
            )


if __name__ == "__main__":
    main()
