"""The reference pages name every setting and command there is, and none that is not."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_every_setting_is_documented_and_every_documented_setting_exists() -> None:
    source = (ROOT / "platform/studio/settings.py").read_text()
    read = set(re.findall(r"env(?:\.\w+)?\(\s*\"((?:SLATE|DATABASE)_\w+)\"", source)) | {"SLATE_FIXTURES"}
    documented = set(
        re.findall(r"^\| `(\w+)`", (ROOT / "docs/reference/settings.md").read_text(), re.MULTILINE)
    )
    assert read == documented


def test_every_command_is_documented() -> None:
    commands = {
        path.stem
        for path in (ROOT / "platform/studio").glob("*/management/commands/*.py")
        if path.stem != "__init__"
    }
    page = (ROOT / "docs/reference/commands.md").read_text()
    documented = set(re.findall(r"^\| `(\w+)", page, re.MULTILINE))
    assert commands == documented


def test_links_and_pictures_of_the_readme_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text()):
        assert (ROOT / target).exists(), target
