"""``stadtgraph validate``: any RDF against any shapes, by itself."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pyoxigraph as ox
import pytest

from stadtgraph.cli import main
from stadtgraph.terms import SH

SHAPES = """
@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix ex: <http://x/> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
ex:Named a sh:NodeShape ; sh:targetClass ex:Thing ; sh:property ex:name , ex:size .
ex:name a sh:PropertyShape ; sh:path ex:name ; sh:minCount 1 ; sh:severity sh:Warning ;
    sh:message "Ein Name fehlt."@de , "A name is missing."@en .
"""
MORE = """
@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix ex: <http://x/> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
ex:size a sh:PropertyShape ; sh:path ex:size ; sh:datatype xsd:nonNegativeInteger .
"""
DATA = """@prefix ex: <http://x/> .
ex:a a ex:Thing ; ex:name "A" .

<http://x/b> a ex:Thing ;
    ex:size "-1"^^<http://www.w3.org/2001/XMLSchema#nonNegativeInteger> .
ex:c ex:part [ a ex:Thing ] .
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with shapes in two files and data."""
    for name, text in (("shapes.ttl", SHAPES), ("more.ttl", MORE), ("data.ttl", DATA)):
        (tmp_path / name).write_text(text)
    return tmp_path


def call(folder: Path, *arguments: str, lang: str = "en") -> int:
    """Validate in English without a city."""
    shapes = ["--shapes", str(folder / "shapes.ttl"), "--shapes", str(folder / "more.ttl")]
    return main(["validate", *arguments, *shapes, "--city", str(folder / "none"), "--lang", lang])


def rows(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    """Read the table that was printed."""
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out.removeprefix("\ufeff"))))


@pytest.mark.parametrize("using", ["shacl", "pyshacl"])
def test_findings_name_file_and_line(files: Path, capsys: pytest.CaptureFixture[str], using: str) -> None:
    """Prefixed names, whole IRIs, and a blank node by the node that leads to it; literals as they are written."""
    assert call(files, str(files / "data.ttl"), "--format", "csv", "--using", using) == 1
    found = {(r["concerns"], r["value"]): r["source graph or file"] for r in rows(capsys)}
    blank = next(key for key in found if key[0].startswith("_:"))
    assert found.pop(blank) == "file:data.ttl#L6"
    assert found == {("http://x/b", ""): "file:data.ttl#L4", ("http://x/b", "'-1"): "file:data.ttl#L4"}


def test_the_text_says_what_was_validated_and_what_is_wrong(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Shapes without a remedy say their message; the language is the reader's."""
    assert call(files, str(files / "data.ttl"), lang="de") == 1
    text = capsys.readouterr().out
    assert text.startswith("Prüfung von data.ttl") and "Ein Name fehlt." in text and "(data.ttl#L4)" in text


@pytest.mark.parametrize(
    ("fail_on", "code"), [("violation", 1), ("warning", 1), ("never", 0)], ids=["violation", "warning", "never"]
)
def test_fail_on_decides_the_exit_code(files: Path, fail_on: str, code: int) -> None:
    """By default a violation fails."""
    assert call(files, str(files / "data.ttl"), "--fail-on", fail_on) == code
    (files / "mild.ttl").write_text("@prefix ex: <http://x/> . ex:a a ex:Thing .")
    assert call(files, str(files / "mild.ttl"), "--fail-on", fail_on) == (1 if fail_on == "warning" else 0)


@pytest.mark.parametrize("form", ["nt", "rdf", "jsonld", "trig", "nq", "ttl.gz"])
def test_every_rdf_format_is_read(files: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    """The same findings, whatever the data are written in, packed or not."""
    file = files / f"data.{form}"
    formats = {"rdf": ox.RdfFormat.RDF_XML, "jsonld": ox.RdfFormat.JSON_LD, "trig": ox.RdfFormat.TRIG}
    if form == "ttl.gz":
        file.write_bytes(gzip.compress(DATA.encode()))
    else:
        triples = [quad.triple for quad in ox.parse(DATA.encode(), format=ox.RdfFormat.TURTLE)]
        ox.serialize(triples, str(file), format=formats.get(form, ox.RdfFormat.N_TRIPLES))
    assert call(files, str(file), "--format", "csv") == 1
    found = rows(capsys)
    assert len(found) == 3 and all(
        r["source graph or file"].startswith(f"file:data.{form}#L") for r in found if "x/b" in r["concerns"]
    )


def test_blank_nodes_of_two_files_are_two_nodes(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Equal labels mean nothing across files."""
    for name in ("one", "two"):
        (files / f"{name}.nt").write_text(f'_:b <http://x/{name}> "{name}" .\n_:b a <http://x/Thing> .\n'.replace(
            " a ", " <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> "))  # fmt: skip
    assert call(files, str(files / "one.nt"), str(files / "two.nt"), "--format", "json", "--fail-on", "never") == 0
    assert len(json.loads(capsys.readouterr().out)["findings"]) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@prefix ex: <http://x/> .\nex:a ex:b ex:c\nex:d ex:e ex:f .\n", "bad.ttl:3:"),
        ("ex:a ex:b ex:c .\n", "bad.ttl:1:"),
    ],
    ids=["a missing dot", "an unknown prefix"],
)
def test_malformed_data_are_one_line_with_file_line_and_column(
    files: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    """Exit code 3: the work could not be done; nothing is said about the other files."""
    (files / "bad.ttl").write_text(text)
    assert call(files, str(files / "data.ttl"), str(files / "bad.ttl")) == 3
    captured = capsys.readouterr()
    assert not captured.out and captured.err.count("\n") == 1
    assert said in captured.err or f"bad.ttl, line {said.split(':')[1]}" in captured.err, captured.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@prefix sh: <http://www.w3.org/ns/shacl#> .\n<http://x/S> sh:path <p> ; sh:minCount\n", "bad.ttl:3:"),
        ('@prefix sh: <http://www.w3.org/ns/shacl#> .\n<http://x/S> sh:path <p> ; sh:minCount "1" .\n', "sh:minCount"),
        ("@prefix sh: <http://www.w3.org/ns/shacl#> .\n<http://x/S> sh:targetClas <c> .\n", "sh:targetClass"),
    ],
    ids=["malformed", "a value that is none", "an unknown word"],
)
def test_a_shapes_file_with_an_error_is_named(
    files: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    """With file and place, or file, shape and the nearest right word."""
    (files / "bad.ttl").write_text(text)
    arguments = ["validate", str(files / "data.ttl"), "--shapes", str(files / "bad.ttl"), "--lang", "en"]
    assert main([*arguments, "--city", str(files / "none")]) == 3
    problem = capsys.readouterr().err
    assert "bad.ttl" in problem and said in problem and problem.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk to write to")
@pytest.mark.parametrize("form", ["text", "csv", "xlsx", "ttl", "json", "html"])
def test_a_full_disk_is_one_line_and_exit_code_3(files: Path, form: str) -> None:
    """Standard output of a real process goes to a disk without space."""
    command = [sys.executable, "-c", "from stadtgraph.cli import run; run()", "validate", str(files / "data.ttl")]
    command += ["--shapes", str(files / "shapes.ttl"), "--shapes", str(files / "more.ttl"), "--format", form]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*command, "--lang", "en", "--city", str(files / "none")],
            stdout=full,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
    assert done.returncode == 3
    assert done.stderr.decode().count("\n") == 1 and "could not be written" in done.stderr.decode(), done.stderr


def test_a_report_of_shacl_comes_out(files: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Turtle that another tool reads."""
    assert call(files, str(files / "data.ttl"), "--format", "ttl", "--fail-on", "never") == 0
    triples = list(ox.parse(capsysbinary.readouterr().out, format=ox.RdfFormat.TURTLE))
    assert sum(t.object == SH.ValidationResult for t in triples) == 3
    assert any(t.predicate == SH.conforms and t.object == ox.Literal(False) for t in triples)


def test_the_number_of_listed_findings_can_be_chosen(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And a number that is none is a wrong call."""
    assert call(files, str(files / "data.ttl"), "--format", "json", "--most", "1") == 1
    data = json.loads(capsys.readouterr().out)
    assert len(data["findings"]) == 2 and data["limited"][0]["number"] == 2
    assert call(files, str(files / "data.ttl"), "--most", "0") == 2
