"""One HTML page per campaign: audits, sweeps, groups of networks, regions, stability, landscapes (`verifier.report` has the page of a certificate)."""
