"""The constructions behind `--method`: a registry, and what each proposes. Nothing here is certified."""
