"""`python -m verifier COMMAND`: results on stdout, everything else on stderr, exit codes of `verifier.errors` and `verifier.outcomes`."""

from __future__ import annotations

import argparse
import atexit
import errno
import gc
import json
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module

from verifier.cli.parser import Parser

COMMANDS = {
    "train": "train small networks whose checkpoints record data, loss and penalty",
    "certify": "certify the energy gap of a pair, or of all pairs of several checkpoints; write certificates and a report",
    "regions": "count activation regions, settle rank and minimum of a network's region, redo the experiments of K23",
    "sweep": "train and certify many pairs, with statistics; resumes where it was left",
    "stability": "experiments (A) and (B) of Nguyen et al. 2021 on trained networks: Theorem 4.1 against dropout, per layer and width",
    "landscape": "every minimum and pass of a tiny problem, or the exact gap of a pair, with certificates",
    "audit": "try the papers' claims on trained, random and searched instances; write counterexamples",
    "check": "re-check certificates with the kernel alone",
    "report": "rebuild the HTML report of certificates",
}
EXIT_CODES = "exit codes: 0 certified or verified, 1 internal error, 2 usage, 3 inconclusive, 4 unreadable or malformed input, 5 rejected or refuted"


def one_blas_thread() -> None:
    """Before numpy loads: two BLAS threads on a busy machine were measured 50 times slower than one."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")


def seldom_collected() -> None:
    """Importing torch makes 10^5 objects that last; the search for garbage cycles would visit them again and again, and once more when the process ends: a
    sixth of a short run. Nothing waits for that last search: files are written and closed before.
    """
    gc.set_threshold(20_000, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)


class _Version(argparse.Action):
    """Looked up when it is asked for: the metadata of packages would slow every start."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from verifier.distribution import tool_version

        print(f"verifier {tool_version() or '(a checkout that is not installed)'}")
        parser.exit()


def make_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="verifier",
        description="Certified bounds on the loss barrier between two trained ReLU networks.",
        epilog=EXIT_CODES,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", epilog=EXIT_CODES)
        import_module(f"verifier.cli.{name}").add_arguments(command)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. argv: None for the words of this process, which is then the command's alone."""
    one_blas_thread()
    if argv is None:
        seldom_collected()
    args = make_parser().parse_args(sys.argv[1:] if argv is None else argv)
    from verifier.errors import VerifierError, said_by

    try:
        code = import_module(f"verifier.cli.{args.command}").run(args)
        sys.stdout.flush()  # or a full disk would show only after the exit code
        return code
    except VerifierError as error:
        print(f"verifier {said_by(args.command, error)}", file=sys.stderr)
        if getattr(args, "json", False):
            # Whoever reads stdout as JSON is answered in JSON.
            print(json.dumps({"outcome": None, "error": str(error), "exit_code": error.exit_code}))
        return error.exit_code
    except ModuleNotFoundError as error:
        # The light installation has only what `check` needs.
        if not error.name or error.name.partition(".")[0] == "verifier":
            return _defect(args.command)
        print(
            f"verifier {args.command}: needs the package {error.name}, which is not installed here; installed without --no-deps (in a clone: `pip install .`) "
            "verifier brings all that the commands but check need",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print(f"verifier {args.command}: interrupted; nothing half-written is left behind", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read stdout has closed it.
        _abandon_stdout()
        return 1
    except OSError as error:
        # Files are named in their errors; the streams have no name.
        if error.filename is not None or error.errno not in (errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT):
            return _defect(args.command)
        _abandon_stdout()
        print(
            f"verifier {args.command}: cannot write to standard output ({error.strerror}); choose another place",
            file=sys.stderr,
        )
        return 2
    except Exception:
        return _defect(args.command)


def _abandon_stdout() -> None:
    """Keep the interpreter from complaining while it flushes what cannot be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _defect(command: str) -> int:
    traceback.print_exc()
    print(f"verifier {command}: internal error, a defect of verifier; please report the lines above", file=sys.stderr)
    return 1
