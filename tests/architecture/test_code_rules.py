"""Rules of the architecture that no linter knows: who reads the environment, who catches all, what files are called."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("events", "shared", "services")
ROOMS = {"intake", "prescription", "referral", "monitoring", "history", "partners", "portal"}
BESIDE_THE_ROOMS = {"__init__.py", "suite.py", "cli.py", "cli", "docs.py", "docs", "Dockerfile", "nginx.conf"}
ROLES = {"__init__", "domain", "application", "policies", "timers", "worklists", "api", "exchange", "service"}
ROLES_OF_PAGES = {"pages", "charts", "templates", "static"}
CATCHES_ALL = {"Exception", "BaseException"}
ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def offences(rule: Callable[[ast.AST], bool], allowed: Callable[[str], bool]) -> list[str]:
    """Path and line of every place outside the allowed files that the rule is true of."""
    return [
        f"{path}:{node.lineno}"
        for source in sources()
        if not allowed(path := source.relative_to(ROOT).as_posix())
        for node in ast.walk(ast.parse(source.read_text(), path))
        if rule(node)
    ]


def reads_the_environment(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and node.value.id == "os" and node.attr in ENVIRONMENT
    if isinstance(node, ast.ImportFrom):
        return node.module == "os" and any(name.name in ENVIRONMENT for name in node.names)
    return False


def catches_everything(node: ast.AST) -> bool:
    if isinstance(node, ast.ExceptHandler):
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        return any(name is None or _last_name(name) in CATCHES_ALL for name in caught) and not _hands_it_over(node)
    if isinstance(node, ast.Call) and _last_name(node.func) == "suppress":
        return any(_last_name(argument) in CATCHES_ALL for argument in node.args)
    return False


def _hands_it_over(handler: ast.ExceptHandler) -> bool:
    """Whether the error is raised again, or given to the thread that waits for it in a future."""
    inside = [node for statement in handler.body for node in ast.walk(statement)]
    return isinstance(handler.body[-1], ast.Raise) or any(
        isinstance(node, ast.Call) and _last_name(node.func) == "set_exception" for node in inside
    )


def _last_name(node: ast.AST) -> str:
    return getattr(node, "attr", None) or getattr(node, "id", "")


def found_in(code: str, rule: Callable[[ast.AST], bool]) -> bool:
    return any(rule(node) for node in ast.walk(ast.parse(code)))


class TestEnvironment:
    def test_is_read_by_the_settings_alone(self):
        assert offences(reads_the_environment, allowed=lambda path: path == "shared/settings.py") == []

    @pytest.mark.parametrize(
        "code", ["import os\nos.environ['A']", "import os\nos.getenv('A')", "from os import environ", "os.environ.get"]
    )
    def test_is_noticed_however_it_is_read(self, code):
        assert found_in(code, reads_the_environment)


class TestCatchingEverything:
    def test_is_left_to_the_loops_of_messaging(self):
        assert offences(catches_everything, allowed=lambda path: path.startswith("shared/messaging/")) == []

    @pytest.mark.parametrize(
        "code",
        [
            "try: pass\nexcept Exception: pass",
            "try: pass\nexcept: pass",
            "try: pass\nexcept (ValueError, BaseException): pass",
            "with suppress(Exception): pass",
            "with contextlib.suppress(Exception): pass",
        ],
    )
    def test_is_noticed_however_it_is_written(self, code):
        assert found_in(code, catches_everything)

    @pytest.mark.parametrize(
        "code",
        [
            "try: pass\nexcept (ValueError, KeyError): pass",
            "try: pass\nexcept BaseException as error: future.set_exception(error)",
            "try: pass\nexcept BaseException:\n    undo()\n    raise",
        ],
    )
    def test_is_not_seen_where_nothing_is_swallowed(self, code):
        assert not found_in(code, catches_everything)


def visible(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir() if entry.name[0] != "." and entry.name != "__pycache__"}


class TestRooms:
    def test_are_the_seven_of_the_architecture(self):
        assert visible(ROOT / "services") - ROOMS - BESIDE_THE_ROOMS == set()

    def test_name_their_files_by_role(self):
        roles = {room: ROLES | (ROLES_OF_PAGES if room == "portal" else set()) for room in ROOMS}
        misnamed = [
            f"{room}/{name}"
            for room in sorted(ROOMS & visible(ROOT / "services"))
            for name in sorted(visible(ROOT / "services" / room))
            if name.removesuffix(".py") not in roles[room]
        ]

        assert misnamed == []
