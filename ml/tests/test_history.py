import pytest

from ml.feedback import Feedback
from ml.history import History
from ml.id_maps import IdMap


def test_without_drops_one_event():
    history = History((5, 6, 7), (1, 2, 3), (None, 10.0, 20.0))
    assert history.without(1) == History((5, 7), (1, 3), (None, 20.0))
    assert len(history) == 3
    with pytest.raises(IndexError, match="no event 3"):
        history.without(3)


def test_added_appends_the_newest():
    assert History.of([5]).added(6, Feedback.LOVE, 7.0) == History((5, 6), (2, 3), (None, 7.0))


def test_a_set_is_not_ordered():
    assert not History.of([1, 2]).is_ordered
    assert History((1,), (2,), (0.0,)).is_ordered


def test_rejects_lengths_that_differ():
    with pytest.raises(ValueError, match="equally long"):
        History((1, 2), (2,), (None, None))


@pytest.mark.parametrize("feedback", [0, 5])
def test_rejects_unknown_feedback(feedback):
    with pytest.raises(ValueError, match="Unknown feedback"):
        History((1,), (feedback,), (None,))


def test_id_map_extends_without_moving_anything():
    old = IdMap([30, 10, 20])
    new = old.extend([20, 40, 40, 5])
    assert new.ids == (30, 10, 20, 40, 5)
    assert new.indices_of(old.ids).tolist() == [1, 2, 3]
    assert old.ids == (30, 10, 20)
    assert new.index_of(99) == 0
    assert new.id_of(4) == 40


def test_id_map_rejects_padding_and_duplicates():
    with pytest.raises(IndexError):
        IdMap([1]).id_of(0)
    with pytest.raises(ValueError, match="each id once"):
        IdMap([1, 1])
