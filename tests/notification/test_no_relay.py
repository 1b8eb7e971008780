"""Nobody sends their words to strangers through us: the first mail to an address that anybody typed has none of what
they typed, and however much is typed, an address gets only so many of them."""

import random
from collections import Counter
from datetime import timedelta

import pytest

from contracts.notification import NoticeQueued
from services.notification.policy import Templates
from services.notification.wording import filled, render, values

from .conftest import Desk, Sink
from .trade import classified, known, opened, scene

POSTS, STRANGERS = 2_000, 40
EVIL = ("BUY-NOW", "http://evil.example/x", "<b>EVIL-HTML</b>", "{{ evil }}", "EVIL-SUBJECT\r\nBcc: evil@example.org")


def case_id(number: int) -> str:
    return f"01980000-0000-7000-8000-{number:012x}"


def test_however_many_posts_an_address_gets_few_mails_and_each_thread_one() -> None:
    dice, play = random.Random(4), scene()
    for number in range(STRANGERS):
        play.given(
            known(f"{number:032x}", customer=f"customer-{number}", address=f"v{number}@example.org", name=EVIL[0])
        )
    sent, threads = Counter[str](), Counter[str]()
    for number in range(POSTS):
        stranger = dice.randrange(STRANGERS)
        whose = {"contact": f"{stranger:032x}", "customer": f"customer-{stranger}"}
        post = opened(case_id(number), channel="web", subject=dice.choice(EVIL), text=dice.choice(EVIL), **whose)
        play.later(seconds=10)  # all of them within a day
        for event in (*play.when(post), *play.when(classified(case_id(number), **whose))):
            if isinstance(event, NoticeQueued):
                sent[event.contact] += 1
                threads[str(event.case)] += 1
    volume = play.memory.policy("templates").document.volume
    assert volume.window >= timedelta(days=1).total_seconds()
    assert max(sent.values()) == volume.automatic_per_contact == 5
    assert max(threads.values()) == 1
    assert len(sent) == STRANGERS  # each was told, so what held the others back was the volume


@pytest.mark.parametrize("language", ["tr", "en"])
def test_no_word_of_an_anonymous_post_is_in_its_acknowledgement(language: str) -> None:
    policy: Templates = scene().memory.policy("templates").document
    dice = random.Random(language)
    for _ in range(200):
        words = [dice.choice(EVIL) for _ in range(3)]
        post = opened(subject=words[0], text=words[1], channel=dice.choice(("web", "email", "api")), verified=False)
        rules = list(policy.rules_on(post.TOPIC, filled(post)))
        assert rules
        for rule in rules:
            given = values(post, "Europe/Istanbul", company=policy.company, name=words[2], number=post.number, link="")
            text = rule.texts[language]  # type: ignore[index]
            mail = render(text.subject, text.text, given)
            assert [w for w in ("EVIL", "evil", "BUY-NOW") if w in mail.subject + mail.text + mail.html] == []


@pytest.mark.servers
async def test_what_arrives_has_none_of_it(desk: Desk, sink: Sink) -> None:
    for number, channel in enumerate(("web", "email", "api")):
        whose = {"contact": f"{number:032x}", "customer": f"customer-{number}"}
        await desk.tell(
            known(whose["contact"], customer=whose["customer"], address=f"v{number}@example.org", name=EVIL[0]),
            opened(case_id(number), channel=channel, subject=EVIL[4], text=" ".join(EVIL), message_id=None, **whose),
            classified(case_id(number), **whose),
        )  # fmt: skip
    await desk.send_due()
    assert len(sink.mails) == 3
    for content in sink.raw:
        assert not any(word in content for word in (b"EVIL", b"evil", b"BUY-NOW"))
    assert sorted(to for each in sink.recipients for to in each) == [f"v{number}@example.org" for number in range(3)]
