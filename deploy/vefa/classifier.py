"""``vefa classifier``: how good a model is on texts that people labelled."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from .base import AsJson, Failed, console, print_json, print_table, progress_console

app = typer.Typer(no_args_is_help=True, help="The model of the classifier")
CONFUSED = 15
"""Rows of the table of confusion; --json has all."""


@app.callback()
def _group() -> None:
    """Keeps the name of the command where there is one only."""


@app.command()
def evaluate(
    file: Annotated[Path, typer.Argument(help="Labelled texts: CSV with a header, or .jsonl; UTF-8")],
    text: Annotated[str, typer.Option("--text", help="Column of the text")] = "text",
    label: Annotated[str, typer.Option("--label", help="Column of the label that a person gave")] = "label",
    train: Annotated[
        Path | None, typer.Option("--train", help="Train on this file first (FILE itself: a fifth of it is held out)")
    ] = None,
    head: Annotated[
        Literal["topic", "kind", "urgency", "sentiment", "action"], typer.Option("--head", help="What the label is of")
    ] = "topic",
    as_json: AsJson = False,
) -> None:
    """Measure the shipped model, or one trained on a file of yours: accuracy, coverage, calibration, every label,
    what is taken for what, capitals and missing diacritics, time per text. Needs no running platform."""
    from services.classifier import measuring  # numpy and the model: for this command alone

    try:
        tested = measuring.labelled(file, text, label)
        learned = None
        if train is not None:
            same = train.resolve() == file.resolve()
            learned = tested if same else measuring.labelled(train, text, label)
            progress_console.print(f"Training on {train} ...", highlight=False)
        report = measuring.measured(tested, head, learned, same=train is not None and same)
    except ImportError as e:
        raise Failed(
            f"--train needs scikit-learn, which is not here ({e.name}); install it beside vefa: "
            "pip install 'scikit-learn>=1.7'"
        ) from None
    except ValueError as e:
        raise Failed(str(e)) from None
    if as_json:
        print_json({"file": str(file), "train": str(train) if train else None, **report})
        return
    for name, figure in lines(report):
        console.print(f"{name:34} {figure}", highlight=False, markup=False)
    print_table(
        "By label", ("label", "texts", "precision", "recall", "F1"),
        ((r["label"], r["support"], _percent(r["precision"]), _percent(r["recall"]), _percent(r["f1"]))
         for r in report["labels"]),
    )  # fmt: skip
    wrong = sorted((r for r in report["confusion"] if r["human"] != r["machine"]), key=lambda r: -r["texts"])
    if wrong:
        rows = ((r["human"], r["machine"], r["texts"]) for r in wrong[:CONFUSED])
        print_table("Most often taken for another", ("a person said", "the model said", "texts"), rows)


def lines(report: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures of one head in words."""
    learned = f"trained on {report['trained_on']} texts" if report["trained_on"] else "as it is shipped"
    left_out = f", {report['left_out']} near-duplicates of measured texts left out" if report["left_out"] else ""
    skipped = f"; {report['without_label']} rows without text or label left out" if report["without_label"] else ""
    found = [
        ("model", f"{report['model']}, {learned}{left_out}"),
        ("texts", f"{report['texts']}{skipped}"),
        ("right at first", _percent(report["accuracy"])),
        ("right among the first three", _percent(report["top_3"])),
        ("mean F1 of the labels", _percent(report["macro_f1"])),
        (f"coverage at {_percent(report['at_precision'])} precision", _percent(report["coverage"])),
        ("expected calibration error", f"{report['ece']:.3f}"),
        ("right at first, in capitals", _percent(report["accuracy_upper_case"])),
        ("right at first, without diacritics", _percent(report["accuracy_ascii"])),
        ("work per text (CPU)", f"p50 {report['p50_ms']} ms, p99 {report['p99_ms']} ms"),
    ]
    if "urgent_in_first_tenth" in report:
        found.append(("urgent in the first tenth by rank", _percent(report["urgent_in_first_tenth"])))
    return found


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
