"""The outcome table and the words shown for an attempt."""

from __future__ import annotations

import string

import pytest

from privata.webhooks.outcomes import RULES, Outcome, classify, diagnose


def test_every_class_has_its_rule() -> None:
    assert set(RULES) == set(Outcome)


def test_only_our_own_faults_and_successes_do_not_count() -> None:
    free = {outcome for outcome, rule in RULES.items() if not rule.counts}
    assert free == {Outcome.DELIVERED, Outcome.INTERNAL}
    assert {outcome for outcome, rule in RULES.items() if rule.ours} == {Outcome.INTERNAL}
    assert {outcome for outcome, rule in RULES.items() if not rule.retried} == {Outcome.DELIVERED}


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "delivered"), (204, "delivered"), (299, "delivered"), (300, "redirect"),
        (301, "redirect"), (304, "redirect"), (399, "redirect"), (400, "http_error"),
        (410, "http_error"), (500, "http_error"), (599, "http_error"), (700, "http_error"),
    ],
)  # fmt: skip
def test_classify(status: int, outcome: str) -> None:
    assert classify(status) == outcome


def test_words_for_a_server_error() -> None:
    found = diagnose(Outcome.HTTP_ERROR, 500, 1812.0)
    assert found.title == "Your server returned 500"
    assert found.text == (
        "Your server returned 500 after 1.8 s. The request reached you, so DNS, the connection "
        "and TLS are fine."
    )


def test_hints_and_details_follow_the_sentence() -> None:
    assert "Check the secret" in diagnose(Outcome.HTTP_ERROR, 401, 12).text
    text = diagnose(Outcome.TIMEOUT, None, 5000, "Waiting for headers.").text
    assert text.startswith("The attempt timed out after 5.0 s.")
    assert text.endswith("Waiting for headers.")


def test_a_fault_of_ours_shows_what_the_partner_can_do_about_it() -> None:
    """Its named cause is in our log alone; `detail` is written for the partner."""
    detail = "We cannot reach IPv6 addresses from here."
    told = diagnose(Outcome.INTERNAL, None, 0.2, detail)
    assert told.text.startswith("A problem on our side stopped this attempt.")
    assert told.text.endswith(detail)


@pytest.mark.parametrize("outcome", Outcome)
def test_no_template_is_left_unfilled(outcome: Outcome) -> None:
    fields = {name for _, name, _, _ in string.Formatter().parse(RULES[outcome].sentence) if name}
    assert fields <= {"status", "seconds"}
    found = diagnose(outcome, None, 3.4, "A {brace} stays.")
    assert "{" not in found.text.removesuffix("A {brace} stays.")
