"""The shipped model on complaints that nobody here wrote: labelled collections beside the checkout, by mapped topic.

Only labels that mean one of our topics are mapped; the rest (small talk, advertisements seen, what is two topics at
once) is left out. The Turkish telecom rows are those that complain and want something done.
"""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from services.classifier.evaluate import Figures, figures
from services.classifier.model import Model
from services.classifier.train import SEED_MODEL

DATA = Path(__file__).parents[3] / "shared/data"

TELECOM = {
    "fatura": "billing",
    "ek paket": "billing",
    "network": "fault",
    "kampanya": "campaign",
    "çağrı merkezi yetkinlik": "staff",
    "bayi": "staff",
    "mnp": "cancellation",
    "cihaz": "quality",
    "KVKK": "privacy",
}
BANKING = {
    "card_arrival": "delivery",
    "card_delivery_estimate": "delivery",
    "Refund_not_showing_up": "refund",
    "request_refund": "refund",
    "extra_charge_on_statement": "billing",
    "card_payment_fee_charged": "billing",
    "cash_withdrawal_charge": "billing",
    "transfer_fee_charged": "billing",
    "top_up_by_card_charge": "billing",
    "declined_card_payment": "payment",
    "declined_transfer": "payment",
    "failed_transfer": "payment",
    "pending_transfer": "payment",
    "pending_card_payment": "payment",
    "transfer_not_received_by_recipient": "payment",
    "top_up_failed": "payment",
    "balance_not_updated_after_bank_transfer": "payment",
    "passcode_forgotten": "account",
    "edit_personal_details": "account",
    "unable_to_verify_identity": "account",
    "pin_blocked": "account",
    "terminate_account": "cancellation",
}
CLINC = {
    "order_status": "delivery",
    "lost_luggage": "delivery",
    "replacement_card_duration": "delivery",
    "bill_balance": "billing",
    "bill_due": "billing",
    "international_fees": "billing",
    "pay_bill": "payment",
    "transfer": "payment",
    "card_declined": "payment",
    "account_blocked": "account",
    "pin_change": "account",
    "cancel_reservation": "cancellation",
    "rewards_balance": "campaign",
    "redeem_rewards": "campaign",
}

# Texts tried in each collection: every nth, so that all of its labels come.
SAMPLE = 800

Texts = list[tuple[str, str]]


def telecom(path: Path) -> Texts:
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["sentiment"] == "olumsuz" and row["action_needed"] == "1"]
    return [(row["text"], TELECOM[row["reason"]]) for row in rows if row["reason"] in TELECOM]


def banking(path: Path) -> Texts:
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["text"], BANKING[row["category"]]) for row in csv.DictReader(file) if row["category"] in BANKING]


def clinc(path: Path) -> Texts:
    stored = json.loads(path.read_text(encoding="utf-8"))
    return [(text, CLINC[label]) for part in ("train", "val") for text, label in stored[part] if label in CLINC]


COLLECTIONS = {
    "tr_telecom/dev.csv": telecom,
    "en_banking77/train.csv": banking,
    "en_clinc150/train_val.json": clinc,
}
# Least share right at once and among the three best; what was measured is in docs/classifier.md.
WANTED = {
    "tr_telecom/dev.csv": (0.58, 0.84),
    "en_banking77/train.csv": (0.78, 0.93),
    "en_clinc150/train_val.json": (0.77, 0.93),
}


def topics(model: Model, texts: Sequence[tuple[str, str]]) -> Figures:
    return figures([topic for _, topic in texts], [model.predict(text)["topic"] for text, _ in texts])


@pytest.fixture(scope="module")
def seed() -> Model:
    return Model.load(SEED_MODEL)


@pytest.mark.parametrize("name", COLLECTIONS)
def test_a_fresh_install_places_complaints_that_nobody_here_wrote(seed: Model, name: str) -> None:
    if not (DATA / name).is_file():
        pytest.skip(f"../shared/data/{name} is not there")
    texts = COLLECTIONS[name](DATA / name)
    found = topics(seed, texts[:: max(1, len(texts) // SAMPLE)])
    least, among_three = WANTED[name]
    assert (found.accuracy >= least, found.top_3 >= among_three) == (True, True), found
