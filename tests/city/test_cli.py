"""The command line as a person meets it: answers, formats, releases, errors in two languages."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys

import pytest

import program
from stadtgraph.cli import main, parser
from stadtgraph.errors import StadtgraphError, UsageError
from town import Town

HEIGHTS = "SELECT ?tree ?h { ?tree <https://town.example/ns#height> ?h } ORDER BY ?tree"


def run(town: Town, *arguments: str, stdin: str = "", lang: str = "en") -> subprocess.CompletedProcess[str]:
    """Run the program in a process of its own."""
    return program.run(*arguments, "--city", str(town.city_folder), "--lang", lang, stdin=stdin)


@pytest.fixture
def built(town: Town) -> Town:
    """A city with one release."""
    town.build()
    return town


def test_a_query_is_answered_in_every_format(built: Town) -> None:
    """Text, standard input and file; table for people, standard formats for programs."""
    table = run(built, "query", HEIGHTS)
    assert table.returncode == 0 and "id/tree/0" in table.stdout and "3 row(s)" in table.stdout
    rows = list(csv.reader(io.StringIO(run(built, "query", "-", "--format", "csv", stdin=HEIGHTS).stdout)))
    assert rows[0] == ["tree", "h"] and len(rows) == 4
    file = built.files / "heights.rq"
    file.write_text(HEIGHTS)
    answer = json.loads(run(built, "query", str(file), "--format", "json").stdout)
    assert len(answer["results"]["bindings"]) == 3
    assert "<sparql" in run(built, "query", HEIGHTS, "--format", "xml").stdout
    assert run(built, "query", HEIGHTS, "--format", "tsv").stdout.startswith("?tree\t?h")
    construct = "CONSTRUCT { ?s a ?t } WHERE { ?s a ?t }"
    assert "town.example" in run(built, "query", construct).stdout
    assert run(built, "query", construct, "--format", "nt").stdout.count(" .\n") > 3
    assert json.loads(run(built, "query", construct, "--format", "jsonld").stdout)
    assert run(built, "query", "ASK { ?s ?p ?o }", lang="de").stdout == "ja\n"


def test_an_example_query_is_run_by_name_with_parameters(built: Town) -> None:
    """Wrong names and values say what was expected."""
    queries = built.data / "queries"
    queries.mkdir()
    (queries / "taller-than.rq").write_text(
        "#: question.de: Welche Bäume sind höher?\n#: question.en: Which trees are taller?\n"
        "#: param: height string 4 | Höhe | height\n"
        "SELECT ?tree { ?tree <https://town.example/ns#height> ?h FILTER(?h > $height) }\n"
    )
    assert "3 row(s)" in run(built, "query", "taller-than").stdout
    assert "0 row(s)" in run(built, "query", "taller-than", "-p", "height=9").stdout
    assert run(built, "query", "taler-than").returncode == 2
    assert "taller-than" in run(built, "query", "taler-than").stderr
    assert run(built, "query", "taller-than", "-p", "hoehe=9").returncode == 2
    assert run(built, "query", "taller-than", "-p", "height").returncode == 2
    assert run(built, "query", HEIGHTS, "-p", "height=9").returncode == 2


def test_releases_are_listed_shown_compared_and_returned_to(built: Town) -> None:
    """What an operator does in a bad hour."""
    first = (built.city_folder / "current").read_text().strip()
    built.trees(4, height="6")
    second = built.build()
    assert run(built, "release", "list").stdout.splitlines()[0].startswith(second)
    assert "graph/source/trees" in run(built, "release", "show", "current").stdout
    changes = run(built, "release", "diff", first, second).stdout
    assert "graph/source/trees: 5 added, 3 removed" in changes and "+ <https://town.example/id/tree/3>" in changes
    assert run(built, "release", "rollback", first).returncode == 0
    assert "3 row(s)" in run(built, "query", HEIGHTS).stdout
    assert "4 row(s)" in run(built, "query", HEIGHTS, "--release", second).stdout
    assert run(built, "release", "pin", second).returncode == 0
    assert "2 release(s) remain" in run(built, "release", "prune").stdout
    assert run(built, "release", "show", "20200101T000000Z-000000").returncode == 2
    assert run(built, "release", "show", "../..").returncode == 2
    assert run(built, "release", "diff", first, first).stdout.strip() == "The two releases hold the same graphs."
    assert run(built, "release", "withdraw", "urn:none").returncode == 2


ERRORS = [
    (["buidl"], 2),
    (["query", "SELECT * {"], 2),
    (["query", "SELECT * { ?s nope:p ?o }"], 2),
    (["query", "ASK {}", "--format", "ttl"], 2),
    (["query", "CONSTRUCT WHERE { ?s ?p ?o }", "--format", "csv"], 2),
    (["query", "ASK {}", "--release", "nope"], 2),
    (["build", "--real-data", "/no/such/folder"], 2),
    (["build", "--source", "nope"], 2),
    (["load", "nope.ttl", "--source", "units"], 3),
    (["load", "/dev/null", "--source", "units"], 3),
    (["serve", "--port", "99999"], 2),
    (["query", "latin1.rq"], 3),
    (["load", "ftp://example.org/x.ttl", "--source", "units"], 3),
]


@pytest.mark.parametrize("lang", ["de", "en"])
@pytest.mark.parametrize(("arguments", "code"), ERRORS, ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_a_mistake_is_answered_in_one_line_in_the_readers_language(
    built: Town, arguments: list[str], code: int, lang: str
) -> None:
    """Exit code as promised, no traceback, and the two languages differ."""
    (built.files / "latin1.rq").write_bytes(b"# \xe4\nASK {}")
    arguments = [str(built.files / name) if name == "latin1.rq" else name for name in arguments]
    result = run(built, *arguments, lang=lang)
    assert "unexpected" not in result.stderr and "Unerwartetes" not in result.stderr
    errors = [line for line in result.stderr.splitlines() if line.startswith("stadtgraph: ")]
    assert (result.returncode, len(errors)) == (code, 1), result.stderr
    assert "Traceback" not in result.stderr
    other = run(built, *arguments, lang="en" if lang == "de" else "de").stderr.splitlines()[-1]
    assert errors[0] != other


def test_a_city_without_a_release_says_how_to_get_one(town: Town) -> None:
    """The next step is named."""
    result = run(town, "query", "ASK {}")
    assert result.returncode == 2 and "stadtgraph build" in result.stderr


def test_a_missing_current_release_says_what_to_do(built: Town) -> None:
    """Somebody deleted its folder: no new history is begun beside the old one, another release can be gone to."""
    first = (built.city_folder / "current").read_text().strip()
    built.trees(4)
    second = built.build()
    shutil.rmtree(built.city_folder / "releases" / second)
    for arguments in (["query", "ASK {}"], ["build", "--real-data", str(built.files)]):
        result = run(built, *arguments)
        assert result.returncode == 3 and "stadtgraph release rollback" in result.stderr
    assert first in run(built, "release", "list").stdout
    assert run(built, "release", "rollback", first).returncode == 0
    assert run(built, "build", "--real-data", str(built.files)).returncode == 0


def test_an_unknown_setting_in_the_environment_names_the_nearest(built: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the settings file."""
    monkeypatch.setenv("STADTGRAPH_SERVE_PROT", "9000")
    result = run(built, "query", "ASK {}")
    assert result.returncode == 2 and "STADTGRAPH_SERVE_PORT" in result.stderr


CALLS = {
    "cli-choice": ["buidl"],
    "cli-required": ["load", "x.ttl"],
    "cli-unrecognized": ["build", "--fresh"],
    "cli-no-value": ["build", "--real-data"],
    "cli-no-number": ["serve", "--port", "http"],
}


@pytest.mark.parametrize("key", CALLS)
def test_a_wrong_call_is_told_in_our_words(key: str) -> None:
    """Not in those of the library, which knows English alone."""
    with pytest.raises(UsageError) as caught:
        parser("de").parse_args(CALLS[key])
    assert caught.value.key == key
    assert not {"argument", "invalid", "expected", "following"} & set(caught.value.text("de").split())


WIDE = {"--city": "elsewhere", "--lang": "de", "--debug": None}
"""Options that every command takes."""
PLACES = [(["query", "ASK {}"], 0), (["query", "ASK {}"], 1), (["query", "ASK {}"], 2), (["links", "run"], 0)]
PLACES += [(["links", "run"], 1), (["links", "run"], 2), (["release", "show", "x"], 2)]


@pytest.mark.parametrize("option", WIDE)
@pytest.mark.parametrize(("call", "at"), PLACES)
def test_an_option_of_all_commands_is_taken_wherever_it_stands(
    monkeypatch: pytest.MonkeyPatch, call: list[str], at: int, option: str
) -> None:
    """Before the command, between command and verb, and after both; the last one holds."""
    monkeypatch.delenv("STADTGRAPH_CITY", raising=False)
    value = WIDE[option]
    known = parser("en")
    for given in [[option] if value is None else [option, value], [option] if value is None else [f"{option}={value}"]]:
        found = known.parse_args([*call[:at], *given, *call[at:]])
        assert getattr(found, option.removeprefix("--")) == (value or True) and found.command == call[0]
    if value is not None:
        assert getattr(known.parse_args([option, "en", *call, option, value]), option.removeprefix("--")) == value
    plain = known.parse_args(call)
    assert (plain.city, plain.lang, plain.debug) == ("city", None, False)


@pytest.mark.parametrize("before", [True, False])
def test_options_of_all_commands_do_the_same_before_and_after_the_command(
    built: Town, capsys: pytest.CaptureFixture[str], before: bool
) -> None:
    """The city is found, messages are German, and problems are shown where they arise."""
    place = ["--city", str(built.city_folder)]

    def called(*options: str) -> tuple[int, str]:
        call = ["query", "no-such-query"]
        code = main([*options, *call] if before else [*call, *options])
        return code, capsys.readouterr().err

    assert main([*place, "query", "ASK {}"] if before else ["query", "ASK {}", *place]) == 0
    capsys.readouterr()
    german, english = (called(*place, "--lang", lang) for lang in ("de", "en"))
    assert german[0] == english[0] == 2 and "Beispielabfrage" in german[1] and "example query" in english[1]
    assert called(*place, "--lang", "xx") == called(*place, "--lang=xx")
    assert "'de', 'en'" in called(*place, "--lang", "xx")[1]
    with pytest.raises(StadtgraphError):
        called(*place, "--debug")


def test_the_doctor_finds_a_damaged_release(built: Town) -> None:
    """Exit code 0 when all is well, 3 with one line about what is not."""
    assert run(built, "doctor").returncode == 0
    release = next((built.city_folder / "releases").iterdir())
    (release / "manifest.json").write_text("{")
    result = run(built, "doctor")
    assert result.returncode == 3 and "manifest" in result.stdout
    result = run(built, "query", "ASK {}")
    assert result.returncode == 3 and len(result.stderr.splitlines()) == 1


def test_a_second_writer_is_refused_while_a_build_runs(built: Town) -> None:
    """It names the process that writes."""
    from stadtgraph.release import writer_lock

    with writer_lock(built.city_folder):
        result = run(built, "build")
    assert result.returncode == 3 and "Another process is writing" in result.stderr


def test_help_is_there_in_both_languages(built: Town) -> None:
    """Every command explains itself."""
    for command in ("build", "load", "query", "release", "serve", "demo", "doctor"):
        german, english = (program.run(command, "--help", "--lang", lang) for lang in ("de", "en"))
        assert german.returncode == english.returncode == 0
        assert german.stdout != english.stdout
    alone = [sys.executable, "-m", "stadtgraph", "doctor", "--help", "--lang", "en"]
    assert subprocess.run(alone, capture_output=True, text=True).stdout == english.stdout
