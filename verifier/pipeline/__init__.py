"""The main job: two networks in, bounds, a certificate and a report out."""
