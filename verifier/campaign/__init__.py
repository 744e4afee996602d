"""Many tasks: one store, one runner, one way to fail. Sweeps, audits, `certify --all`, stability, regions and landscapes are built on it."""
