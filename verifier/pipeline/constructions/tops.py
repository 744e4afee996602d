"""What searches for barriers are about: the pair itself, or what of deep networks lies above the hidden layers that paths keep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.errors import UsageError, said_by
from verifier.landscape.above import above_shared, on_top
from verifier.networks.network import Network
from verifier.objective import Risk
from verifier.options.certify import CertifyOptions
from verifier.paths.path import Path
from verifier.pipeline.setting import Setting


@dataclass(frozen=True, eq=False)
class Top:
    """A, B: of one hidden layer. risk: F of these. E: the larger end. deep: A as it was given where layers below are kept; risk's inputs are then features,
    rounded, and exact are these, (whole (N, d) object, exponent), as in `above.Above`."""

    A: Network
    B: Network
    risk: Risk
    E: float
    deep: Network | None = None
    exact: tuple[np.ndarray, int] | None = None

    def require_searched(self, method: str, most: int, coordinates: int, by_name: int) -> None:
        """Raise UsageError, in the name of the method, where a search from `coordinates` of all neurons would be hopeless, more than `most` of them, or, by
        name, `by_name`; and for prices above layers that are kept."""
        penalty = self.risk.objective.penalty
        if self.deep is not None and penalty != "none":
            raise UsageError(
                f"{method}: above hidden layers that are kept no penalty is covered, got {penalty}; ask for --kappa 0"
            )
        if coordinates <= most:
            return
        reads = self.risk.X.shape[1]
        of = f"{reads} {'inputs' if self.deep is None else 'neurons of the layer below, those too that are 0 on all samples and can be left out,'}"
        raise UsageError(
            f"{method}: the neurons have {coordinates} coordinates (each reads {of}{' and a bias' if self.A.b is not None else ''}), hence 2^{coordinates} "
            f"orthants to start from, more than 2^{most}; "
            + (
                f"--method {method} tries up to 2^{by_name}"
                if coordinates <= by_name
                else f"the method is for at most {by_name} coordinates"
            )
        )

    def in_full(self, path: Path) -> Path:
        """A path of tops as one of the networks that were given."""
        return path if self.deep is None else on_top(self.deep, path)


def top_of(s: Setting, o: CertifyOptions, method: str, *, exact: bool = True) -> Top:
    """exact: with exact features, for what is proved of every path; a path is proved by itself.

    Raises UsageError, in the name of the method, where layers below are to be kept that A and B do not share, or that are too large for exact features.
    """
    A, B, risk = s.pair
    if o.hidden_layers == "trained":
        return Top(A, B, risk, s.E)
    try:
        top = above_shared(A, B, risk, exact=exact)
    except UsageError as error:
        raise UsageError(said_by(method, error, room="landscape")) from error
    return Top(top.A, top.B, top.risk, s.E, A, top.exact)
