"""Polylines: straight lines, strings and curves, trained or the user's."""
