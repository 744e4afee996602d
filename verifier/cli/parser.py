"""The command line's parser: a mistake is answered in one line, with what was probably meant."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

# What others call by other names: options, and the losses of PyTorch.
ELSEWHERE = {
    "--weight-decay": "--penalty weight_decay --kappa",
    "--weight_decay": "--penalty weight_decay --kappa",
    "--wd": "--penalty weight_decay --kappa",
    "--frozen-hidden-layers": "--hidden-layers frozen",
}
LOSSES = {
    "mse": "squared", "mseloss": "squared", "l2": "squared", "bce": "logistic", "bceloss": "logistic", "bcewithlogits": "logistic",
    "bcewithlogitsloss": "logistic", "ce": "cross_entropy", "crossentropy": "cross_entropy", "crossentropyloss": "cross_entropy",
    "nll": "cross_entropy", "l1": "absolute", "mae": "absolute", "l1loss": "absolute", "huberloss": "huber",
}  # fmt: skip


class Parser(argparse.ArgumentParser):
    """Subcommands' parsers are of this class too, as argparse makes them of the class of their parent."""

    given: Sequence[str] = ()

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> Any:
        self.given = list(args) if args is not None else []
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Exit code 2. The usage of a command with sixty options would hide what is wrong."""
        self.exit(2, f"{self.prog}: {message}{self._meant()}; {self.prog} --help says more\n")

    def _meant(self) -> str:
        """For every option that is none, and for a command that is none, those that are spelt nearly like it."""
        from difflib import get_close_matches  # only where something is wrong

        names, commands = self._names()
        out = []
        for word in self.given:
            option = word.split("=")[0]
            if option in ELSEWHERE:
                out.append(f"{option}: here {ELSEWHERE[option]}")
                continue
            known = names if option.startswith("--") else commands if word == self.given[0] else None
            if not known or any(name.startswith(option) for name in known):
                continue
            near = get_close_matches(option, known, n=1, cutoff=0.6)
            out += [f"{option}: did you mean {near[0]}?"] if near else []
        words = zip(self.given, [*self.given[1:], ""])
        losses = [*(b for a, b in words if a == "--loss"), *(a[7:] for a in self.given if a.startswith("--loss="))]
        out += [f"{name}: here --loss {LOSSES[word]}" for name in losses if (word := name.lower()) in LOSSES]
        return f" ({'; '.join(out)})" if out else ""

    def _names(self) -> tuple[list[str], list[str]]:
        """(long options of this parser and of the command that was given, commands)."""
        names, commands = [], []
        for action in self._actions:
            names += [s for s in action.option_strings if s.startswith("--")]
            if isinstance(action, argparse._SubParsersAction):
                commands += list(action.choices)
                for word in self.given:
                    if word in action.choices:
                        names += [
                            s for a in action.choices[word]._actions for s in a.option_strings if s.startswith("--")
                        ]
        return names, commands
