"""The reference evaluation: Arb balls and exact rationals. Imports nothing of the fast one."""
