"""Where the package may import inside functions: nowhere, but for what keeps start-up fast or a light install alive."""

import ast
from pathlib import Path

import networkx
import pytest

import verifier

ROOT = Path(verifier.__file__).parent
# Libraries that take long to load, are needed by few commands, or are left out of the light install.
HEAVY = (
    "torch", "cvxpy", "clarabel", "matplotlib", "sklearn", "pandas", "pyarrow", "joblib", "distributed", "jinja2", "markupsafe", "threadpoolctl", "tqdm",
    "scipy.optimize", "scipy.sparse.linalg", "scipy.stats", "scipy.spatial", "fcntl", "numba",
)  # fmt: skip
# What rooms of the package itself may be imported inside functions, and why.
DOORS = {
    "verifier.training.torch_losses": "imports torch when it is loaded",
}
FILES = {
    "checking.py": "files are checked in the light install, which has no reader of checkpoints",
    "files.py": "written to by commands that need no numpy",
    "pipeline/endpoints.py": "networks are trained on where --polish asks for it, and scipy.optimize takes long",
    "pipeline/result.py": "a run without a report loads no pages",
    "sweep/tasks.py": "torch and certify are loaded when a pair is certified, not when tasks are planned",
}


def inner_imports(file):
    """(line, module) of every import inside a function."""
    tree = ast.parse(file.read_text())
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    found = set()
    for node in (n for f in functions for n in ast.walk(f)):
        if isinstance(node, ast.Import):
            found |= {(node.lineno, alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {(node.lineno, f"{node.module}.{alias.name}") for alias in node.names}
    return found


def allowed(file, module):
    place = file.relative_to(ROOT).as_posix()
    # The command line reads names and help from light modules; what a command needs is loaded when it runs.
    if place.startswith("cli/") or place in FILES:
        return True
    return any(module == name or module.startswith(f"{name}.") for name in (*HEAVY, *DOORS))


def loaded_by(file):
    """Modules of the package that this one imports when it is loaded, TYPE_CHECKING aside."""

    def nodes(body):
        for node in body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield node
            elif isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test):
                yield from nodes(node.body)

    for node in nodes(ast.parse(file.read_text()).body):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (n for a in node.names for n in (f"{node.module}.{a.name}", node.module))
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_no_module_is_loaded_while_it_loads():
    """No circles among modules, within rooms either; between rooms import-linter forbids them."""
    modules = {".".join(p.relative_to(ROOT.parent).with_suffix("").parts): p for p in ROOT.rglob("*.py")}
    graph = networkx.DiGraph()
    for name, file in modules.items():
        graph.add_edges_from((name, m) for m in loaded_by(file) if m in modules)
    assert len(graph) > 300
    assert [sorted(c) for c in networkx.strongly_connected_components(graph) if len(c) > 1] == []


@pytest.mark.parametrize("room", sorted({p.relative_to(ROOT).parts[0] for p in ROOT.rglob("*.py")}))
def test_imports_stand_at_the_top(room):
    files = [ROOT / room] if room.endswith(".py") else sorted((ROOT / room).rglob("*.py"))
    wrong = [
        f"{p.relative_to(ROOT)}:{line}: {m}" for p in files for line, m in sorted(inner_imports(p)) if not allowed(p, m)
    ]
    assert wrong == []
    assert files
