"""What a ranker said is remembered for as long as nothing changes what it was asked."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from django.contrib.auth.models import User

from ml.ranker import Ranker
from recommender import remembered
from recommender.feed import FeedPage, feed_for
from recommender.models import Checkpoint
from recommender.remembered import Remembered
from recommender.tests.fixtures import say


def said(page: FeedPage) -> list[tuple[int, str]]:
    return [(card.item.pk, card.reason.text) for card in page.cards]


def test_it_works(live: Checkpoint, ann: User) -> None:
    """The same feed again asks the model nothing; a reaction, another page or another filter does."""
    say(ann, 1)
    first = feed_for(ann)
    with (
        patch.object(Ranker, "rank", autospec=True, side_effect=Ranker.rank) as rank,
        patch.object(Ranker, "explain", autospec=True, side_effect=Ranker.explain) as explain,
    ):
        again = feed_for(ann)
        assert (rank.call_count, explain.call_count) == (0, 0)
        assert said(again) == said(first)
        assert [card.match for card in again.cards] == [card.match for card in first.cards]
        say(ann, 40)
        assert said(feed_for(ann)) != said(first)
        assert (rank.call_count, explain.call_count) == (1, 1)
        feed_for(ann, page=2)
        assert explain.call_count == 2


def test_the_longest_unasked_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MOST", 2)
    answers, worked_out = Remembered(), []

    def ask(question: str) -> str:
        return answers.answer(question, lambda: worked_out.append(question) or question.upper())

    assert [ask(question) for question in "abab"] == ["A", "B", "A", "B"]
    assert [ask(question) for question in "aca"] == ["A", "C", "A"]
    assert (worked_out, len(answers)) == (["a", "b", "c"], 2)
    ask("b")
    assert worked_out == ["a", "b", "c", "b"]
