"""What users read is true: help texts, README, links, messages, exported names."""

from __future__ import annotations

import os
import re
import string
import subprocess
import sys
from pathlib import Path

import pytest

import stadtgraph
from stadtgraph import config, errors, messages
from stadtgraph.cli.reference import reference

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_command_reference_is_what_the_program_says() -> None:
    """`docs/commands.md` is made by `python -m stadtgraph.cli`, never by hand."""
    assert (ROOT / "docs" / "commands.md").read_text("utf-8") == reference(), (
        "run: python -m stadtgraph.cli > docs/commands.md"
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    """Relative links name files that exist."""
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_python_of_the_readme_runs(tmp_path: Path) -> None:
    """A newcomer who copies it gets what it promises."""
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    result = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr
    assert "units in release" in result.stdout


def test_the_commands_of_the_readme_exist() -> None:
    """Every `stadtgraph` line of the README is a call that the parser takes."""
    from stadtgraph.cli import parser

    text = (ROOT / "README.md").read_text("utf-8")
    blocks = "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    lines = [line.split("#")[0].strip() for line in blocks.splitlines() if line.startswith("stadtgraph ")]
    assert len(lines) > 5
    for line in lines:
        words = [word.strip("'\"") for word in re.findall(r"'[^']*'|\S+", line)]
        parser("en").parse_args(words[1:])


def test_every_message_is_there_in_both_languages_with_the_same_placeholders() -> None:
    """German and English say the same, and nothing is missing."""
    for key, texts in messages.catalogue().items():
        assert set(texts) == {"de", "en"}, key
        fields = {
            lang: {f.split(".")[0] for _, f, _, _ in string.Formatter().parse(t) if f} for lang, t in texts.items()
        }
        same = {f.removesuffix("_de") for f in fields["de"]} == fields["en"]
        assert same, f"{key}: {fields}"
        assert all(text.strip() for text in texts.values()), key


def test_every_message_key_that_the_code_names_exists() -> None:
    """An error never fails for want of its text."""
    known = messages.catalogue()
    raised = re.compile(
        r"\b(?:[A-Z]\w*(?:Error|Refused|Found|Gone|Conflict|Acceptable|Timeout))\(\s*\"([a-z][a-z0-9-]+)\""
    )
    found = {key for p in (ROOT / "src").rglob("*.py") for key in raised.findall(p.read_text("utf-8"))}
    assert len(found) > 30
    assert found <= set(known), found - set(known)


def test_the_example_settings_are_the_defaults() -> None:
    """Copying the example changes nothing."""
    import tomllib

    example = tomllib.loads((ROOT / "stadtgraph.example.toml").read_text("utf-8"))
    assert config.from_mapping(example, "example") == config.Config()


def test_the_exported_names_can_be_imported() -> None:
    """`from stadtgraph import …` gives what `__all__` names, in order."""
    assert stadtgraph.__all__ == sorted(stadtgraph.__all__, key=str.swapcase) or sorted(stadtgraph.__all__)
    for name in stadtgraph.__all__:
        assert getattr(stadtgraph, name) is not None
    with pytest.raises(AttributeError):
        _ = stadtgraph.nothing_of_that_name


def test_every_error_is_a_builtin_that_a_caller_expects_and_stands_in_the_tree() -> None:
    """The tree in the docstring is the tree in the code."""
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.StadtgraphError)]
    for cls in classes:
        assert cls.__name__ in (errors.__doc__ or "")
        builtin = (ValueError, RuntimeError, LookupError, TimeoutError, PermissionError)
        assert cls is errors.StadtgraphError or issubclass(cls, builtin)


def test_nothing_in_the_project_speaks_of_the_workplace() -> None:
    """The project stands on its own."""
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not files:
        pytest.skip("not a git checkout")
    for name in files:
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".ttl", ".rq", ".yml", ".html"} and path != Path(__file__):
            text = path.read_text("utf-8")
            for word in (f"{os.sep}work{os.sep}main", f"{os.sep}work{os.sep}shared", "TO" + "DO", "FIX" + "ME"):
                assert word not in text, f"{name} holds {word}"
