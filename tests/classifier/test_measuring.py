"""``vefa classifier evaluate``: the figures of a file, what is held apart, and mistakes by their names."""

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy.vefa.base import Failed
from deploy.vefa.main import app
from services.classifier import train as training
from services.classifier.measuring import Labelled, _apart, labelled, plain, upper_case
from services.classifier.train import seed_examples

WANTED = ("delivery", "billing", "staff")


def written(file: Path, rows: list[tuple[str, str]], header: tuple[str, str] = ("text", "label")) -> str:
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([header, *rows])
    return str(file)


def evaluated(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["classifier", "evaluate", *arguments, "--json"], catch_exceptions=False)
    said: dict[str, Any] = json.loads(result.stdout)
    return said


def refused(*arguments: str) -> str:
    with pytest.raises((Failed, OSError)) as error:
        CliRunner().invoke(app, ["classifier", "evaluate", *arguments], catch_exceptions=False, standalone_mode=False)
    return str(error.value)


@pytest.fixture(scope="module")
def own() -> list[tuple[str, str]]:
    some = [example for example in seed_examples() if example.labels["topic"] in WANTED]
    return [(example.text, example.labels["topic"]) for example in some]


def test_the_shipped_model_is_measured_and_its_figures_are_numbers(tmp_path: Path) -> None:
    file = written(
        tmp_path / "own.csv",
        [("Kargom beş gündür gelmedi", "delivery"), ("Faturam yanlış geldi", "billing"),
         ("My parcel is late", "delivery"),
         ("The bill is wrong", "billing"), ("", "billing"), ("hiç", "")],
    )  # fmt: skip
    said = evaluated(file)
    assert (said["texts"], said["without_label"], said["trained_on"]) == (4, 2, 0)
    for name in ("accuracy", "top_3", "coverage", "ece", "accuracy_upper_case", "accuracy_ascii", "p50_ms", "p99_ms"):
        assert isinstance(said[name], float), name
    assert said["at_precision"] == 0.95
    assert sum(row["texts"] for row in said["confusion"]) == 4
    assert {row["label"] for row in said["labels"]} >= {"delivery", "billing"}


@pytest.mark.long
def test_a_file_that_is_trained_and_measured_on_holds_a_part_of_itself_out(
    tmp_path: Path, own: list[tuple[str, str]]
) -> None:
    said = evaluated(written(tmp_path / "a.csv", own), "--train", str(tmp_path / "a.csv"))
    assert said["trained_on"] + said["texts"] == len(own)
    assert said["accuracy"] > 0.7
    assert said["accuracy_upper_case"] == said["accuracy_ascii"] == said["accuracy"]


def test_what_nearly_repeats_a_measured_text_is_not_learned(own: list[tuple[str, str]]) -> None:
    texts, labels = zip(*own, strict=True)
    learned = Labelled(tuple(texts), tuple(labels))
    tested = Labelled((texts[0].upper(), "a text that nobody wrote before"), (labels[0], "staff"))
    _, rest, left_out = _apart(tested, learned, same=False)
    assert left_out >= 1
    assert texts[0] not in rest.texts
    assert len(rest.texts) + left_out == len(own)


def test_the_labels_of_a_trained_model_are_the_files_own(tmp_path: Path, own: list[tuple[str, str]]) -> None:
    mine = [(text, f"our {label}") for text, label in own]
    train, test = written(tmp_path / "train.csv", mine[20:]), written(tmp_path / "test.csv", mine[:20])
    said = evaluated(test, "--train", train)
    assert {row["human"] for row in said["confusion"]} <= {f"our {label}" for label in WANTED}


def test_urgency_is_also_measured_as_a_ranked_queue(tmp_path: Path) -> None:
    own = [(example.text, example.labels["urgency"]) for example in seed_examples()[:240]]
    said = evaluated(
        written(tmp_path / "a.csv", own), "--train", str(tmp_path / "a.csv"), "--head", "urgency"
    )  # fmt: skip
    assert 0.0 <= said["urgent_in_first_tenth"] <= 1.0


def test_a_table_says_the_same_in_words(tmp_path: Path) -> None:
    file = written(tmp_path / "own.csv", [("Kargom gelmedi", "delivery"), ("Faturam yanlış", "billing")])
    out = CliRunner().invoke(app, ["classifier", "evaluate", file], catch_exceptions=False).stdout
    assert "coverage at 95.0 % precision" in out
    assert "By label" in out


@pytest.mark.parametrize("delimiter", [";", "\t", ","])
def test_other_delimiters_other_columns_and_lines_of_json_are_read(tmp_path: Path, delimiter: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f'\ufeffmetin{delimiter}konu\n"iki\nsatır"{delimiter}kargo\n', "utf-8")
    assert labelled(file, "metin", "konu") == Labelled(("iki\nsatır",), ("kargo",))
    lines = tmp_path / "a.jsonl"
    lines.write_text('{"metin": "a", "konu": 1}\n\n', "utf-8")
    assert labelled(lines, "metin", "konu") == Labelled(("a",), ("1",))


def test_mistakes_are_named_with_their_remedy(tmp_path: Path) -> None:
    file = written(tmp_path / "a.csv", [("Kargom gelmedi", "shipping")])
    assert "knows no topic 'shipping'; it knows account" in refused(file)
    assert "--train" in refused(file)
    assert "has no column 'topic'; there are text, label" in refused(file, "--label", "topic")
    assert "no row has both" in refused(written(tmp_path / "b.csv", [("x", "")]))
    (tmp_path / "c.csv").write_bytes(b"")
    assert "has no rows" in refused(str(tmp_path / "c.csv"))
    (tmp_path / "d.csv").write_bytes("text,label\nİade,return\n".encode("iso-8859-9"))
    assert "is not UTF-8 (byte 11)" in refused(str(tmp_path / "d.csv"))
    (tmp_path / "e.jsonl").write_text("[1]\n")
    assert "no JSON object" in refused(str(tmp_path / "e.jsonl"))
    assert "larger than field limit" in refused(written(tmp_path / "f.csv", [("x" * 200_000, "a")]))
    assert "head 'topic' has 1 label" in refused(file, "--train", written(tmp_path / "g.csv", [("a b", "x")] * 9))


def test_without_scikit_learn_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path / "a.csv", [(f"kargo {n} gelmedi", "a") for n in range(9)] + [("fatura", "b")])

    def missing(*_: object, **__: object) -> bytes:
        raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn")

    monkeypatch.setattr(sys.modules["services.classifier.measuring"], "train", missing)
    assert training.train is not missing
    assert "pip install 'scikit-learn" in refused(file, "--train", written(tmp_path / "b.csv", [("x y", "a")] * 9))


def test_copies_are_in_turkish_capitals_and_on_an_english_keyboard() -> None:
    assert (upper_case("Kırık iade"), upper_case("mine")) == ("KIRIK İADE", "MINE")
    assert plain("Şikâyet ığdır İĞÜ") == "Sikayet igdir IGU"
