"""Records as `verifier.stability.experiment.measured` gives them, without any network behind them."""


def made_up(hidden, count, *, a=1e-4, b=0.2):
    """`count` networks of these hidden widths: trained loss about 1e-4, (A) at most `a`, (B) up to `b` at layer 1."""
    out = []
    for k in range(count):
        layers = range(len(hidden) + 1)
        points = {
            "a": [{"layer": l, "value": a * (1 - 0.1 * l), "draws": 1, "how": "uniform", "scale": None} for l in layers],
            "b": [{"layer": l, "value": (b + 0.01 * k) / l, "draws": 5, "how": "random", "scale": 2.0} for l in layers[1:]],
        }  # fmt: skip
        if b < 1e-3:
            points["b"] = [{**p, "value": b / p["layer"]} for p in points["b"]]
        out.append(
            {
                "name": f"{hidden[0]}, seed {k}", "file": f"{k}.pt", "widths": [64, *hidden, 10], "sha256": "0" * 64, "seed": k, "F": 1e-4 + 1e-6 * k,
                "loss": 1e-4, "accuracy": 1.0, "samples": 1797, "data": "digits", "data_sha256": "1" * 64, "objective": "cross_entropy",
                "training_seconds": None, "series": {n: {"points": p, "seconds": 1.0, "kept": False} for n, p in points.items()},
            }
        )  # fmt: skip
    return out
