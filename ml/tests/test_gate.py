"""The promotion gate, with real small models: what it lets through, and each thing it stops."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from ml.baselines import EASE, Popularity
from ml.checkpoint import Checkpoint
from ml.config import SASREC_ALONE
from ml.data import clean
from ml.feedback import Feedback
from ml.fine_tuning import fine_tune
from ml.gate import Panel, Rules, chance_of, judge
from ml.history import History
from ml.id_maps import IdMap
from ml.leave_out import leave_one_out_in_time
from ml.panels import measured
from ml.protocols import fold_in
from ml.ranker import Ranker
from ml.splits import Split
from ml.tests.conftest import TINY, tiny_config
from ml.training import train

N_KINDS, N_EACH, N_BAD = 6, 30, 4  # the last titles of each kind are what people of other kinds dislike
TITLES = IdMap(range(1, N_KINDS * N_EACH + 1))
BAD = [title for title in TITLES.ids if (title - 1) % N_EACH >= N_EACH - N_BAD]
CONFIG = replace(TINY, split=Split(0.0, 0.0), epochs=4)
RATINGS, SITE = "held-out people of the ratings", "held-out people of the site"


def kinds(n_people: int, seed: int, shuffled: bool = False) -> pd.DataFrame:
    """Make people who watch ten titles of one kind and dislike two of others; `shuffled` mixes all up."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(n_people):
        mine = person % N_KINDS
        good = 1 + mine * N_EACH + rng.choice(N_EACH, 10, replace=False)
        bad = rng.choice([title for title in BAD if (title - 1) // N_EACH != mine], 2, replace=False)
        rows += [(f"{seed}-{person}", int(item), int(rng.choice([2, 3, 4]))) for item in good]
        rows += [(f"{seed}-{person}", int(item), int(Feedback.DISLIKE)) for item in bad]
    table = pd.DataFrame(rows, columns=["user_id", "item_id", "feedback"]).assign(timestamp=np.nan)
    if shuffled:
        table["item_id"] = rng.permutation(table["item_id"])
    return table.astype({"feedback": "int8"})


def data(n_people: int, seed: int, **options: bool):
    return clean([kinds(n_people, seed, **options)], min_item_count=1).reindexed(TITLES)


@pytest.fixture(scope="module")
def champion() -> Checkpoint:
    """Know every title, and little about any."""
    learners = data(60, seed=1)
    return train(learners, tiny_config(learners.n_items), CONFIG, "cpu")


@pytest.fixture(scope="module")
def better(champion) -> Checkpoint:
    """Learn from five times as many people."""
    return train(data(300, seed=2), champion.config, CONFIG, "cpu")


@pytest.fixture(scope="module")
def panels():
    return [
        Panel(RATINGS, fold_in(data(120, seed=3)), (3, None)),
        Panel(SITE, fold_in(data(60, seed=4)), (3,)),
    ]


def failed(verdict) -> set[str]:
    return {check.name for check in verdict.checks if not check.passed}


def found(verdict, name: str):
    return next(check for check in verdict.checks if check.name == name)


def test_a_better_candidate_passes(champion, better, panels):
    # Fifty-one people say little of dislikes, and how little hangs on the processor.
    verdict = judge(Ranker(better), Ranker(champion), panels, {}, Rules(dislikes_tolerance=0.1))
    assert verdict.passed, verdict.sentence
    assert failed(verdict) == set()
    assert verdict.sentence.startswith("Promoted: NDCG@20 +0.")
    assert f" on 120 {RATINGS}, +0." in verdict.sentence
    assert verdict.sentence.endswith(f" on 60 {SITE}.")
    gain = verdict.figures["panels"][RATINGS]["difference"]["ndcg@20"]
    assert 0 < gain["low"] < gain["mean"] < gain["high"]


def test_the_champion_passes_against_itself(champion, panels):
    verdict = judge(Ranker(champion), Ranker(champion), panels, {})
    assert verdict.passed
    disliking = sum(bool(case.disliked) for panel in panels for case in panel.cases)
    assert verdict.figures["disliked@20"] == {"mean": 0.0, "low": 0.0, "high": 0.0, "n": disliking}
    assert "+0.000 [+0.000, +0.000]" in verdict.sentence
    names = ["titles", "scores", "evidence", f"ranking for {RATINGS}", f"ranking for {SITE}"]
    names += ["on the whole", "coverage", "dislikes", "latency"]
    assert [check.name for check in verdict.checks] == names
    assert verdict.figures.keys() == {"panels", "coverage@20", "disliked@20", "rank seconds"}


def test_twenty_people_count(champion, panels):
    exactly = [replace(panels[0], cases=panels[0].cases[:20])]
    verdict = judge(Ranker(champion), Ranker(champion), exactly, {})
    assert verdict.figures["panels"][RATINGS]["counted"] is True


def test_what_is_compared_is_the_mean_over_lengths_of_the_same_people(champion, better, panels):
    figures = judge(Ranker(better), Ranker(champion), panels, {}).figures["panels"][SITE]
    values = [measured(Ranker(c), panels[1]).values["ndcg@20"] for c in (better, champion)]
    assert figures["people"] == len(values[0]) == 60
    assert figures["difference"]["ndcg@20"]["mean"] == pytest.approx((values[0] - values[1]).mean())
    assert set(figures["loved ndcg@20"]) == {"candidate", "champion"}


def test_a_candidate_trained_on_shuffled_titles_is_rejected(champion, better, panels):
    nonsense = data(150, seed=5, shuffled=True)
    candidate = train(nonsense, champion.config, CONFIG, "cpu")
    verdict = judge(Ranker(candidate), Ranker(better), panels, {})
    assert not verdict.passed
    assert f"ranking for {RATINGS}" in failed(verdict)
    assert verdict.sentence.startswith(f"Rejected: on 120 {RATINGS} NDCG@20 falls by 0.")
    assert verdict.sentence.endswith("; 0.010 is allowed.")


def few(panels, n: int) -> list[Panel]:
    """Keep the first n people, in two panels."""
    return [Panel(RATINGS, panels[0].cases[: n // 2], (3,)), Panel(SITE, panels[1].cases[: n - n // 2], (3,))]


@pytest.mark.parametrize("n", [0, 1, 3, 6])
def test_fewer_than_seven_people_show_nothing_and_it_says_how_many_more_it_takes(champion, better, panels, n):
    verdict = judge(Ranker(better), Ranker(champion), few(panels, n), {})
    assert failed(verdict) == {"evidence"}
    missing = 20 - n
    person = "person" if n == 1 else "people"
    assert verdict.sentence == (
        f"Kept the champion: compared on {n} {person}: at least 7 must show a gain; with {missing} more it"
        " need only be no worse."
    )


def test_a_few_people_who_gain_alike_are_enough(champion, better, panels):
    verdict = judge(Ranker(better), Ranker(champion), few(panels, 15), {})
    assert verdict.passed, verdict.sentence
    assert verdict.sentence.startswith("Promoted: compared on 15 people, NDCG@20 changes by +0.")
    assert verdict.sentence.endswith(" 1.0 times in 100 is allowed; with 5 more it need only be no worse.")


def test_panels_too_small_alone_are_enough_together(champion, better, panels):
    verdict = judge(Ranker(better), Ranker(champion), few(panels, 24), {})
    assert verdict.passed, verdict.sentence
    assert verdict.sentence.startswith("Promoted: over all 24 people NDCG@20 changes by +0.")


@pytest.mark.parametrize("n", [7, 19])
def test_a_tie_of_a_few_keeps_the_champion(champion, panels, n):
    verdict = judge(Ranker(champion), Ranker(champion), few(panels, n), {})
    assert failed(verdict) == {"evidence"}
    assert verdict.sentence.startswith(
        f"Kept the champion: compared on {n} people, NDCG@20 changes by +0.000"
    )


def test_a_few_people_are_fooled_by_noise_no_more_than_they_may_be():
    """Gains that are losses as often: one in a hundred passes, of any number of people."""
    rng = np.random.default_rng(0)
    for n in (5, 7, 12):
        gains = rng.normal(0, 1, (2000, n)) * (rng.random((2000, n)) < 0.7)
        assert np.mean([chance_of(row) <= 0.01 for row in gains]) <= 0.015
    assert chance_of(np.full(7, 0.1)) == 1 / 128
    assert chance_of(np.full(6, 0.1)) > 0.01
    assert chance_of(np.zeros(12)) == 1.0


def test_a_fall_on_one_panel_is_enough(champion, better, panels):
    """A candidate that forgot one kind is no better for it elsewhere."""
    of_first_kind = [case for case in panels[0].cases if np.median(case.known.item_ids) <= N_EACH]
    parts = [Panel("people of all kinds", panels[0].cases, (3,)), Panel("of the first", of_first_kind, (3,))]
    bias = better.weights["bias"].clone()
    bias[1 : N_EACH + 1] -= 60
    candidate = Ranker(replace(better, weights=better.weights | {"bias": bias}))
    verdict = judge(candidate, Ranker(champion), parts, {}, Rules(fewest_people=15))
    assert "ranking for of the first" in failed(verdict)
    assert "ranking for people of all kinds" not in failed(verdict)


def test_a_loss_that_is_possible_but_not_shown_is_rejected_and_says_so(champion, panels):
    weights = dict(champion.weights)
    noise = torch.randn(weights["bias"].shape, generator=torch.Generator().manual_seed(1))
    candidate = Ranker(replace(champion, weights=weights | {"bias": weights["bias"] + 0.02 * noise}))
    lax = Rules(tolerance=0.0, mean_tolerance=1.0)
    verdict = judge(candidate, Ranker(champion), panels[1:], {}, lax)
    assert failed(verdict) == {"on the whole"}
    assert "NDCG@20 changes by " in verdict.sentence
    assert " is possible, 0.000 is allowed." in verdict.sentence


def test_a_weight_that_is_not_a_number_is_rejected(champion, panels):
    table = champion.weights["items.weight"].clone()
    table[7, 3] = float("nan")
    candidate = Ranker(replace(champion, weights=champion.weights | {"items.weight": table}))
    for groups in (panels, []):
        verdict = judge(candidate, Ranker(champion), groups, {})
        assert [check.name for check in verdict.checks] == ["titles", "scores"]
        assert failed(verdict) == {"scores"}
        assert verdict.sentence.startswith("Rejected: the scores of ")
        assert "not finite numbers" in verdict.sentence


def test_titles_in_another_order_or_lost_are_rejected(champion, panels):
    ids = champion.id_map.ids
    permuted = Ranker(replace(champion, id_map=IdMap((ids[1], ids[0], *ids[2:]))))
    verdict = judge(permuted, Ranker(champion), panels, {})
    assert verdict.sentence.startswith("Rejected: the candidate has the champion's titles in another order")
    other = Ranker(replace(champion, id_map=IdMap((*ids[:-1], 9999))))
    assert "lacks 1 of the champion's titles" in judge(other, Ranker(champion), panels, {}).sentence


def test_scores_of_another_shape_than_the_titles_are_rejected(champion, panels):
    longer = Ranker(replace(champion, id_map=champion.id_map.extend([9999])))
    verdict = judge(longer, Ranker(champion), panels, {})
    assert failed(verdict) == {"scores"}
    assert "shape" in verdict.sentence


def test_a_candidate_with_new_titles_passes(champion, panels):
    verdict = judge(Ranker(champion.extended((9998, 9999))), Ranker(champion), panels, {})
    assert verdict.passed, verdict.sentence
    assert "180 titles and 2 new" in found(verdict, "titles").sentence


def test_the_same_list_for_everybody_is_rejected(better, panels):
    table = better.weights["items.weight"]
    popular = replace(better, mix=SASREC_ALONE, weights=better.weights | {"items.weight": 0 * table})
    verdict = judge(Ranker(popular), Ranker(better), panels, {})
    assert {"coverage", f"ranking for {RATINGS}"} <= failed(verdict)
    coverage = verdict.figures["coverage@20"]
    assert coverage["candidate"] < 0.5 * coverage["champion"]


def test_disliked_titles_that_rise_are_rejected(better, panels):
    bias = better.weights["bias"].clone()
    bias[BAD] += 3
    candidate = Ranker(replace(better, weights=better.weights | {"bias": bias}))
    verdict = judge(
        candidate, Ranker(better), panels, {}, Rules(tolerance=1.0, mean_tolerance=1.0, panel_tolerance=1.0)
    )
    assert failed(verdict) == {"dislikes"}
    assert verdict.sentence.startswith("Rejected: the share of disliked titles that the top 20 of ")
    assert verdict.figures["disliked@20"]["low"] > 0.02


def test_dislikes_of_too_few_people_decide_nothing(champion, better, panels):
    content = [Panel(RATINGS, [replace(case, disliked=()) for case in panels[0].cases], (3,))]
    verdict = judge(Ranker(better), Ranker(champion), content, {})
    assert verdict.passed
    assert verdict.figures["disliked@20"] is None
    assert "0 people have a title held out that they dislike" in found(verdict, "dislikes").sentence


class Dawdler(Ranker):
    """Does the work eight times over."""

    def rank(self, history, k, **options):
        for _ in range(8):
            best = super().rank(history, k, **options)
        return best


def test_a_slow_candidate_is_rejected(champion, panels):
    panels = [Panel(RATINGS, panels[0].cases[:24], (3,))]
    verdict = judge(Dawdler(champion), Ranker(champion), panels, {}, Rules(latency_floor=0.0))
    assert failed(verdict) == {"latency"}
    assert verdict.sentence.startswith("Rejected: a list takes ")
    seconds = verdict.figures["rank seconds"]
    assert seconds["candidate"] > 3 * seconds["champion"]
    never = judge(Ranker(champion), Ranker(champion), panels, {}, Rules(latency_ceiling=1e-9))
    assert failed(never) == {"latency"}


def test_too_few_people_keep_the_champion(champion, better, panels):
    small = [replace(panel, cases=panel.cases[:3]) for panel in panels]
    verdict = judge(Ranker(better), Ranker(champion), small, {})
    assert not verdict.passed
    assert verdict.sentence == (
        "Kept the champion: compared on 6 people: at least 7 must show a gain;"
        " with 14 more it need only be no worse."
    )
    assert verdict.figures["panels"][SITE]["people"] == 3  # measured all the same
    nobody = judge(Ranker(better), Ranker(champion), [], {})
    assert nobody.sentence == (
        "Kept the champion: compared on 0 people: at least 7 must show a gain;"
        " with 20 more it need only be no worse."
    )


def test_a_panel_too_small_is_reported_and_does_not_decide(champion, better, panels):
    worse, few = Ranker(champion), [panels[0], replace(panels[1], cases=panels[1].cases[:7])]
    verdict = judge(Ranker(better), worse, few, {})
    assert verdict.passed
    assert SITE not in verdict.sentence
    assert f"7 {SITE} are too few to go by" in found(verdict, f"ranking for {SITE}").sentence


def test_references_are_measured_on_the_same_people_and_do_not_decide(champion, better, panels):
    learners = data(300, seed=2)
    references = {"EASE": EASE(learners), "popularity": Popularity(learners)}
    verdict = judge(Ranker(champion), Ranker(champion), panels, references)
    assert verdict.passed  # though EASE, which learned from more people, beats it
    figures = verdict.figures["panels"][RATINGS]
    by_ranker = figures["ndcg@20"]
    assert set(by_ranker) == {"candidate", "champion", "EASE", "popularity"}
    assert by_ranker["EASE"]["mean"] > by_ranker["champion"]["mean"] > by_ranker["popularity"]["mean"]
    assert {interval["n"] for interval in by_ranker.values()} == {120}


def test_the_verdict_is_the_same_again_but_for_the_times_and_fits_json(champion, better, panels):
    told = []
    for _ in range(2):
        verdict = judge(Ranker(better), Ranker(champion), panels, {}).to_dict()
        del verdict["figures"]["rank seconds"]
        verdict["checks"] = [check for check in verdict["checks"] if check["name"] != "latency"]
        told.append(json.dumps(verdict, allow_nan=False))
    assert told[0] == told[1]


def test_events_held_out_in_time_make_a_panel(champion, panels):
    table = kinds(40, seed=6)
    newest = clean([table.assign(timestamp=1.7e9 + np.arange(len(table)) * 60.0)], min_item_count=1)
    panel = Panel("people of the site, their newest event", leave_one_out_in_time(newest).test, (None,))
    assert panel.cases[0].disliked == panel.cases[0].targets  # a bad title is the last of everybody's list
    child = fine_tune(champion, data(120, seed=7), None, replace(CONFIG, max_steps=5), device="cpu")
    figures = judge(Ranker(child), Ranker(champion), [panel], {}).figures["panels"][panel.name]
    assert figures["people"] == 40
    assert "loved ndcg@20" not in figures  # nobody's last event was a love


def test_a_person_who_knows_everything_is_no_broken_model(champion, panels):
    seen = replace(panels[0].cases[0], known=History.of(champion.id_map.ids), targets=(9999,), disliked=())
    verdict = judge(Ranker(champion), Ranker(champion), [Panel("people", [seen] * 20, (None,))], {})
    assert "scores" not in failed(verdict)


def test_small_losses_that_would_add_up_are_rejected(champion, better, panels):
    """Within what every panel allows, and yet worse on average."""
    lax = Rules(tolerance=1.0, panel_tolerance=1.0, dislikes_tolerance=1.0, coverage_kept=0.0)
    verdict = judge(Ranker(champion), Ranker(better), panels, {}, lax)
    assert failed(verdict) == {"on the whole"}
    assert verdict.sentence.endswith("; it must not fall.")
