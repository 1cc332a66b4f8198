"""Who takes part in a run: what people weigh, and the bounds of networks and newcomers."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.utils import timezone

from feedback.models import Event, FeedbackType, LastNetwork, ListImport
from feedback.tests.factories import UserFactory
from recommender import trust
from recommender.tests.fixtures import ROMANCES, say, say_over_days
from recommender.training_data import choose_people
from recommender.trust import JUDGES, RULES, Attendance, Known, level, look_up, take_part, weights_of


@pytest.fixture(autouse=True)
def _same_lots(settings) -> None:
    """Draw the same lots, and hold the same people out, in every run of the tests."""
    settings.SECRET_KEY = "the names that stand for people follow from it"


def people(
    n: int, *, first: int = 1, network: str = "", guest: bool = False, days: int = 60
) -> dict[int, Known]:
    """Return people of one network, or each of their own where none is named."""
    return {first + k: Known(guest, days, 9 if days else 1, network or f"own-{first + k}") for k in range(n)}


def count(known: dict[int, Known], ids: dict[int, Known]) -> float:
    weights = weights_of(known, RULES)
    return sum(weights[user_id] for user_id in ids)


@pytest.mark.parametrize(
    ("one", "counts"),
    [
        (Known(True, 60, 9, "here"), 0.25),
        (Known(False, 0, 1, "here"), 0.5),
        (Known(False, 6, 3, "here"), 0.5),
        (Known(False, 7, 2, "here"), 0.5),
        (Known(False, 7, 3, "here"), 1.0),
    ],
)
def test_a_member_counts_in_full_after_a_week_and_three_visits(one: Known, counts: float) -> None:
    assert weights_of({1: one}, RULES) == {1: counts}
    assert one.is_newcomer(RULES) is (counts < 1)


def test_it_works() -> None:
    members = people(40)
    assert take_part(members, 7, RULES) == members.keys()
    crowd = people(12, first=100, network="one", guest=True, days=0)
    taken = take_part(members | crowd, 7, RULES)
    assert members.keys() <= taken
    assert len(taken & crowd.keys()) == 2


def test_a_household_counts_in_full() -> None:
    home = people(4, first=100, network="home")
    assert take_part(people(5) | home, 1, RULES) >= home.keys()


@pytest.mark.parametrize("n_crowd", [12, 50, 5_000])
@pytest.mark.parametrize("of", [{"guest": True, "days": 0}, {"days": 0}, {"days": 60}])
def test_one_network_counts_as_a_household_or_a_twentieth_of_all(n_crowd: int, of: dict) -> None:
    crowd = people(n_crowd, first=1000, network="one", **of)
    known = people(120) | crowd
    assert count(known, crowd) <= max(4, 0.05 * count(known, known)) * 1.0001
    for seed in range(5):
        assert len(take_part(known, seed, RULES) & crowd.keys()) <= 8


def test_a_network_of_a_large_site_counts_a_twentieth_of_all() -> None:
    """So a school among 120 others counts as 6.3 of 126.3 people, more than a household."""
    school = people(50, first=1000, network="school")
    known = people(120) | school
    assert count(known, school) == pytest.approx(120 * 0.05 / 0.95, rel=1e-3)


@pytest.mark.parametrize("n_members", [0, 6, 60])
def test_guests_of_any_number_of_networks_count_a_twentieth_of_the_members_or_two(n_members: int) -> None:
    members, crowd = people(n_members), people(500, first=1000, guest=True, days=0)
    known = members | crowd
    assert count(known, crowd) == pytest.approx(max(2, 0.05 * n_members))
    assert count(known, members) == pytest.approx(n_members)
    assert len(take_part(known, 3, RULES) & crowd.keys()) == pytest.approx(max(2, 0.05 * n_members), abs=1)


def test_the_bound_of_a_network_cannot_be_raised_by_making_more_networks_of_it() -> None:
    """Each network is measured by all after their bounds, so a few fat ones do not lift one another."""
    fat = [people(100, first=1000 * n, network=f"fat-{n}") for n in range(1, 6)]
    known = people(20) | {pk: one for each in fat for pk, one in each.items()}
    assert count(known, fat[0]) == pytest.approx(4, rel=1e-4)
    assert level([100.0] * 5 + [1.0] * 20, 0.05, 4.0) == pytest.approx(4.0, rel=1e-3)
    assert level([1.0, 1.0], 0.05, 4.0) == 4.0
    assert level([100.0] + [1.0] * 190, 0.05, 4.0) == pytest.approx(10.0, rel=1e-3)
    assert level([], 0.05, 0.0) == 0.0


def test_of_each_network_as_many_take_part_as_it_counts() -> None:
    """Ten networks of twenty count four each, and it is not left to chance which of them sends more."""
    crowds = [people(20, first=1000 * n, network=f"fat-{n}") for n in range(1, 11)]
    known = {pk: one for each in crowds for pk, one in each.items()}
    for night in range(5):
        taken = take_part(known, night, RULES)
        assert [len(taken & each.keys()) for each in crowds] == pytest.approx([4] * 10, abs=1)


def test_a_lot_on_the_edge_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fifth each adds up to whole people, as near as floating-point numbers come to them."""
    monkeypatch.setattr(trust, "_lot", lambda seed, user_id: 0.0)
    assert len(take_part(people(20, network="one"), 0, RULES)) == 4


def test_lots_are_from_0_to_1() -> None:
    lots = [trust._lot(seed, 1) for seed in range(100)]
    assert 0 <= min(lots) < 0.1 < 0.9 < max(lots) < 1


def test_who_of_a_network_takes_part_together_changes_from_night_to_night() -> None:
    crowd = people(20, network="one")
    assert len({frozenset(take_part(crowd, night, RULES)) for night in range(30)}) > 20


def test_a_first_guest_is_not_turned_away() -> None:
    assert take_part(people(1, guest=True, days=0), 0, RULES) == {1}
    assert take_part({}, 0, RULES) == set()
    assert {len(take_part(people(2, guest=True, days=0), night, RULES)) for night in range(30)} == {1}


def test_guests_take_turns() -> None:
    guests = people(30, guest=True, days=0)
    turns = [take_part(guests, night, RULES) for night in range(120)]
    assert all(1 <= len(turn) <= 3 for turn in turns)
    assert len(set().union(*turns)) == 30
    assert turns[0] == take_part(guests, 0, RULES)


def test_more_of_them_may_judge_than_teach() -> None:
    guests = people(200, guest=True, days=0)
    assert len(take_part(guests, 0, JUDGES)) == pytest.approx(24, abs=1)
    assert sum(weights_of(guests, JUDGES).values()) == pytest.approx(24)


@pytest.mark.django_db
def test_age_and_active_days_are_read_from_the_log(live) -> None:
    old, young, guest = UserFactory(), UserFactory(), UserFactory(guest=True)
    say_over_days(old, ROMANCES[10:14])
    say(young, ROMANCES[10])
    say(guest, ROMANCES[10])
    LastNetwork.objects.note(guest, "198.51.100.1")
    known = look_up([old.pk, young.pk, guest.pk])
    assert (known[old.pk].days_active, known[young.pk].days_active) == (4, 1)
    assert [known[one.pk].is_newcomer(RULES) for one in (old, young, guest)] == [False, True, True]
    assert known[guest.pk].guest
    assert known[guest.pk].network == LastNetwork.objects.get().network
    assert known[old.pk].network != known[young.pk].network


@pytest.mark.django_db
def test_a_day_on_which_much_was_said_is_one_day(live) -> None:
    eager, silent = UserFactory(), UserFactory(date_joined=timezone.now() + timedelta(days=1))
    with time_machine.travel(timezone.now().replace(hour=12)):
        for pk in ROMANCES[10:13]:
            say(eager, pk)
        known = look_up([eager.pk, silent.pk])
    assert known[eager.pk].days_active == 1
    assert known[silent.pk].days_active == 0
    assert known[silent.pk].days_old == 0  # though a clock was wrong when the account was made


@pytest.mark.django_db
@pytest.mark.parametrize("one_network", [False, True])
def test_where_everybody_shares_a_network_each_counts_alone(live, settings, one_network: bool) -> None:
    settings.ONE_NETWORK = one_network
    pupils = [UserFactory(), UserFactory()]
    for pupil in pupils:
        LastNetwork.objects.note(pupil, "198.51.100.1")
    networks = {one.network for one in look_up([pupil.pk for pupil in pupils]).values()}
    assert len(networks) == (2 if one_network else 1)


@pytest.mark.django_db
def test_a_list_of_many_years_makes_nobody_known(live) -> None:
    """It says itself when it was said: anybody can upload one of the last ten years."""
    person = UserFactory(date_joined=timezone.now() - timedelta(days=60))
    brought = ListImport.objects.create(user=person, source="csv", scale="out of 10", total=0, state="done")
    Event.objects.record_list(
        [
            Event(
                user=person,
                item_id=pk,
                feedback_type=FeedbackType.LOVE,
                timestamp=timezone.now() - timedelta(days=pk),
                list_import=brought,
            )
            for pk in ROMANCES[10:20]
        ],
        overrule=True,
    )
    assert look_up([person.pk])[person.pk].days_active == 0


@pytest.mark.django_db
def test_a_run_reads_of_a_crowd_what_it_counts(live) -> None:
    """Twelve guests of one address alone: two of them teach, and the run says so."""
    guests = [User.objects.create_user(f"guest-{n:020}", pk=1000 + n) for n in range(12)]
    for guest in guests:
        LastNetwork.objects.note(guest, "198.51.100.1")
        for pk in ROMANCES[10:14]:
            say(guest, pk)
    chosen = choose_people(0, Event.objects.latest("pk").pk, None)
    assert chosen.attendance.taken == len(chosen.news) <= 3
    assert chosen.attendance.newcomers == chosen.attendance.network == chosen.attendance.people > 5
    assert len(chosen.ids) < 12
    replayed = choose_people(Event.objects.latest("pk").pk, Event.objects.latest("pk").pk, None)
    assert not replayed.news
    assert len(replayed.ids) <= 5  # of those whom nobody trains on now, as few are replayed


@pytest.mark.django_db
def test_guests_do_not_crowd_members_out_of_the_replay(live) -> None:
    members = [UserFactory(pk=2000 + n) for n in range(5)]
    guests = [User.objects.create_user(f"guest-{n:020}", pk=1000 + n) for n in range(30)]
    for person in members:
        say_over_days(person, ROMANCES[10:14])
    for person in guests:
        for pk in ROMANCES[10:12]:
            say(person, pk)
    last = Event.objects.latest("pk").pk
    chosen = set(choose_people(last, last, 5).ids)
    everybody = set(choose_people(last, last, None).ids)
    assert everybody & {m.pk for m in members} == chosen & {m.pk for m in members}


def test_the_counts_are_said_in_a_sentence() -> None:
    known = people(40) | people(12, first=100, network="one", guest=True, days=0)
    attendance = Attendance.of(known, take_part(known, 1, RULES), RULES)
    assert attendance.sentence == (
        "52 people have said something new, 42 take part: of 12 guests and newcomers 2 (5 % of the run),"
        " of the 12 of the largest network 2 (5 %)."
    )
    assert attendance.remarks == []
    assert Attendance.from_dict(attendance.to_dict()) == attendance
    assert "0 take part" in Attendance.of({}, set(), RULES).sentence
    first = people(1, guest=True, days=0)
    alone = Attendance.of(first, {1}, RULES)
    assert "of 1 guests and newcomers 1 (100 % of the run)" in alone.sentence
    assert alone.remarks == []  # whoever came takes part


@pytest.mark.parametrize(("together", "others", "hinted"), [(9, 1, True), (8, 2, False), (9, 0, False)])
def test_nine_of_ten_in_one_network_may_be_behind_a_proxy(together: int, others: int, hinted: bool) -> None:
    known = people(together, network="proxy") | people(others, first=100)
    remarks = Attendance.of(known, set(known), RULES).remarks
    assert any("set BEHIND_PROXY" in remark for remark in remarks) is hinted


def test_a_site_of_guests_and_one_behind_an_unknown_proxy_are_said_to_learn_slowly() -> None:
    guests = people(40, guest=True, days=0)
    (slow,) = Attendance.of(guests, take_part(guests, 1, RULES), RULES).remarks
    assert slow.startswith("There are guests and newcomers only, who together count as 2 people")
    behind = people(40, network="proxy")
    (hidden,) = Attendance.of(behind, take_part(behind, 1, RULES), RULES).remarks
    assert "set BEHIND_PROXY" in hidden


def test_everybody_is_really_everybody() -> None:
    known = people(30, network="one", guest=True, days=0)
    known |= people(30, first=100, network="one") | people(30, first=200, days=0)
    assert take_part(known, 1, trust.EVERYBODY) == known.keys()
    assert set(weights_of(known, trust.EVERYBODY).values()) == {1.0}
