"""Certificates in folders: `correct/` must verify, `rejected/` must be readable and fail, `malformed/` must not be readable.

Every file is made by `python -m tests.corpus.make`; every bad file is named for its attack.
"""
