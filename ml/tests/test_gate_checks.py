"""The gate's checks one by one, at the very edge of what each lets through, on figures made by hand."""

import numpy as np
import pytest

from ml import gate
from ml.gate import RULES, Rules
from ml.history import History
from ml.id_maps import IdMap
from ml.panels import Panel, Sides
from ml.protocols import Case, Measured

ENOUGH = 20
TITLES = IdMap(range(1, 9))


def sides(*panels, ours=None, theirs=None, disliked=()):
    """Give each person of each panel a gain; `ours` and `theirs` are the lists that everybody is shown."""
    lists = [np.array([shown or [1, 2, 3, 4]]) for shown in (ours, theirs)]
    cases = [[Case(History.of([5]), (6,), (), disliked)] * len(gains) for gains in panels]
    mine, other = (
        [Measured({"ndcg@20": base}, np.repeat(shown, len(base), axis=0)) for base in bases]
        for shown, bases in zip(
            lists,
            ([np.array(gains, dtype=float) for gains in panels], [np.zeros(len(gains)) for gains in panels]),
            strict=True,
        )
    )
    return Sides([Panel(f"people {n}", each, (None,)) for n, each in enumerate(cases)], mine, other, TITLES)


def on_the_whole(gains, rules=None):
    check = gate._on_the_whole(sides(gains), rules or RULES)
    return check.passed, check.sentence


def test_everybody_together_may_not_fall_at_all():
    assert on_the_whole([0.0] * ENOUGH) == (
        True,
        "Over all 20 people NDCG@20 changes by +0.000 [+0.000, +0.000].",
    )
    passed, sentence = on_the_whole([-0.0005] * ENOUGH)
    assert not passed
    assert sentence.endswith("; it must not fall.")
    assert on_the_whole([-0.5] * ENOUGH, Rules(mean_tolerance=0.5, tolerance=0.75))[0]


def test_nor_may_it_be_possible_that_they_fall_far():
    """Half of them gain, half lose a little less: on average it is better, and may well not be."""
    passed, sentence = on_the_whole([0.1, -0.09] * 10)
    assert not passed
    assert ": a fall of 0.0" in sentence
    assert sentence.endswith(" is possible, 0.010 is allowed.")
    assert on_the_whole([0.011, -0.009] * 10)[0]
    edge = Rules(mean_tolerance=1.0, tolerance=0.5)
    assert not on_the_whole([-0.5] * ENOUGH, edge)[0]
    assert on_the_whole([-0.25] * ENOUGH, edge)[0]


def test_panels_too_small_are_not_taken_together():
    few, many = [-1.0] * (ENOUGH - 1), [0.0] * ENOUGH
    assert gate._on_the_whole(sides(few), RULES).sentence == "Nobody is left to take together."
    assert gate._on_the_whole(sides(few), RULES).passed
    assert gate._on_the_whole(sides(few, many), RULES).sentence.startswith("Over all 20 people")


def ranking(mean, low, high, *, counted=True, rules=None):
    interval = {"mean": mean, "low": low, "high": high, "n": 25}
    figures = {"people": 25, "counted": counted, "difference": {"ndcg@20": interval}}
    (check,) = gate._rankings({"people": figures}, rules or RULES)
    assert check.name == "ranking for people"
    return check.passed, check.sentence


def test_a_panel_is_shown_to_fall_where_the_whole_interval_is_below_zero():
    falls = "On 25 people NDCG@20 falls by 0.020 [0.010, 0.030]; 0.010 is allowed."
    assert ranking(-0.02, -0.03, -0.01) == (False, falls)
    assert ranking(-0.02, -0.03, 0.0) == (True, "NDCG@20 -0.020 [-0.030, +0.000] on 25 people.")
    assert ranking(-0.5, -0.75, -0.25, rules=Rules(panel_tolerance=0.5))[0]  # as much as is allowed
    assert ranking(-0.009, -0.0095, -0.008)[0]
    assert not ranking(-0.011, -0.012, -0.0105)[0]
    assert ranking(-0.02, -0.03, -0.01, counted=False) == (
        True,
        "25 people are too few to go by; NDCG@20 -0.020 [-0.030, -0.010].",
    )


def test_there_is_evidence_from_twenty_people_on():
    def evidence(*panels):
        check = gate._evidence(sides(*panels), RULES)
        return check.passed, check.sentence

    wanted = "at least 7 must show a gain; with 14 more it need only be no worse."
    assert evidence([0.5] * 6) == (False, f"Compared on 6 people: {wanted}")
    assert evidence([0.5])[1].startswith("Compared on 1 person: at least 7")
    assert evidence()[1].startswith("Compared on 0 people: at least 7")
    assert evidence([0.5] * 7)[0]
    assert not evidence([0.0] * 19)[0]
    assert evidence([0.0] * 20) == (True, "20 people to compare on.")
    assert evidence([0.0] * 20, [0.0] * 19, [0.0] * 25) == (True, "45 people to compare on.")
    assert evidence([0.0] * 10, [0.0] * 10) == (True, "20 people to compare on.")
    assert not evidence([0.0] * 10, [0.0] * 9)[0]


def test_a_few_may_be_lucky_as_often_as_is_allowed():
    """Of the 128 ways in which seven might have gained or lost the same, one is as good as what they did."""
    seven = sides([0.5] * 7)
    check = gate._evidence(seven, Rules(few_chance=1 / 128))
    assert check.passed
    assert check.sentence == (
        "Compared on 7 people, NDCG@20 changes by +0.500 [+0.500, +0.500], by luck alone 0.8 times in 100;"
        " of so few 0.8 times in 100 is allowed; with 13 more it need only be no worse."
    )
    assert not gate._evidence(seven, Rules(few_chance=0.99 / 128)).passed
    assert gate.chance_of(np.array([4.0, 2.0, -1.0])) == 2 / 8  # they sum to 5, and only 7 is as much


@pytest.mark.parametrize(
    ("chance", "said"),
    [
        (1.0, "100.0 times in 100"),
        (0.0123, "1.2 times in 100"),
        (0.001, "0.1 times in 100"),
        (0.0009, "less than once in 1,000"),
    ],
)
def test_luck_is_said_in_a_hundred_tries(chance, said):
    assert gate._often(chance) == said


def test_lists_may_lose_a_quarter_of_their_titles_and_no_more():
    kept, shares = gate._coverage(sides([0.0] * 3, ours=[1, 2, 3, 3], theirs=[1, 2, 3, 4]), RULES)
    assert kept.passed
    assert kept.sentence == "The top 20 lists show 3 different titles, the champion's 4."
    assert shares == {"candidate": 3 / 8, "champion": 4 / 8}
    lost, _ = gate._coverage(sides([0.0] * 3, ours=[1, 1, 2, 2], theirs=[1, 2, 3, 4]), RULES)
    assert not lost.passed
    assert lost.sentence.endswith("the champion's 4; 75% of that are needed.")
    assert gate._coverage(sides(), RULES)[0].passed
    assert gate._coverage(sides(), RULES)[1] == {}


@pytest.mark.parametrize(("allowed", "passed"), [(0.5, True), (0.49, False)])
def test_disliked_titles_may_rise_so_far(allowed, passed):
    """Everybody dislikes two titles; the champion shows neither, the candidate one."""
    shown = sides([0.0] * ENOUGH, ours=[1, 2, 7, 4], theirs=[1, 2, 3, 4], disliked=(7, 8))
    check, interval = gate._dislikes(shown, Rules(dislikes_tolerance=allowed))
    assert check.passed is passed
    assert interval["mean"] == 0.5
    assert check.sentence == (
        "The share of disliked titles that the top 20 of 20 people shows changes by +0.500 [+0.500, +0.500];"
        f" a rise of {allowed:.3f} is allowed."
    )
    assert not gate._dislikes(shown, RULES)[0].passed


def test_dislikes_count_from_twenty_people_on():
    few = sides([0.0] * (ENOUGH - 1), ours=[7, 7, 7, 7], disliked=(7,))
    check, interval = gate._dislikes(few, RULES)
    assert (check.passed, interval) == (True, None)
    assert check.sentence.startswith("Only 19 people have a title held out that they dislike")


@pytest.fixture
def timed(monkeypatch):
    """Decide what the clock says: a list of (candidate's, champion's) seconds, one for each attempt."""

    def take(*times, rules=None, people=1):
        asked = []

        def measured(candidate, champion, histories):
            asked.append(len(histories))
            return times[len(asked) - 1]

        monkeypatch.setattr(gate, "median_times", measured)
        panels = [Panel("people", [Case(History.of([1]), (2,), ())] * people)] if people else []
        check, seconds = gate._latency(None, None, panels, rules or RULES)
        return check, seconds, asked

    return take


def test_a_list_may_take_twice_as_long(timed):
    check, seconds, asked = timed((0.5, 0.25))
    assert check.passed
    assert check.sentence == "A list takes 500.0 ms of processor time, the champion's 250.0 ms."
    assert (seconds, asked) == ({"candidate": 0.5, "champion": 0.25}, [1])
    slow = (0.6, 0.25)
    check, _, asked = timed(slow, slow, slow)
    assert not check.passed
    assert check.sentence.endswith("the champion's 250.0 ms; 2 times that is allowed.")
    assert len(asked) == 3


def test_what_is_quick_anyway_may_take_longer(timed):
    assert timed((0.005, 0.001))[0].passed
    assert not timed(*[(0.006, 0.001)] * 3)[0].passed


def test_no_list_may_take_more_than_a_second(timed):
    edge, _, _ = timed((1.0, 0.9))
    assert edge.passed
    assert edge.sentence.endswith("the champion's 900.0 ms.")
    half = timed(*[(0.75, 0.7)] * 3, rules=Rules(latency_ceiling=0.5))[0]
    assert half.sentence.endswith("; 500 ms are allowed.")
    check, _, asked = timed(*[(1.25, 1.0)] * 3)
    assert not check.passed
    assert check.sentence.endswith("; 1000 ms are allowed.")
    assert len(asked) == 3


def test_a_failure_of_the_clock_must_repeat_itself(timed):
    check, seconds, asked = timed((0.9, 0.1), (1.5, 1.4), (0.2, 0.1))
    assert check.passed
    assert (seconds["candidate"], len(asked)) == (0.2, 3)


@pytest.mark.parametrize(("people", "histories"), [(0, 1), (1, 1), (24, 24), (25, 13), (48, 24), (100, 20)])
def test_at_most_two_dozen_histories_are_timed(timed, people, histories):
    assert timed((0.1, 0.1), people=people)[2] == [histories]


def test_a_promotion_says_what_it_rests_on():
    gain = {"mean": 0.02, "low": 0.01, "high": 0.03}
    compared = {
        name: {"people": n, "counted": n >= ENOUGH, "difference": {"ndcg@20": gain}}
        for name, n in {"of the ratings": 120, "of the site": 20, "of today": 3}.items()
    }
    assert gate._praise(compared) == (
        "Promoted: NDCG@20 +0.020 [+0.010, +0.030] on 120 of the ratings,"
        " +0.020 [+0.010, +0.030] on 20 of the site."
    )


class Titles:
    def __init__(self, *item_ids):
        self.item_ids = item_ids


def test_a_candidate_has_the_champions_titles_in_their_places():
    check = gate._titles(Titles(3, 1, 2, 9), Titles(3, 1, 2))
    assert (check.passed, check.sentence) == (True, "It knows the champion's 3 titles and 1 new.")
    assert "lacks 2 of" in gate._titles(Titles(3, 4, 5), Titles(3, 1, 2)).sentence
    assert "in another order" in gate._titles(Titles(1, 3, 2), Titles(3, 1, 2)).sentence
    assert not gate._titles(Titles(), Titles(3)).passed
