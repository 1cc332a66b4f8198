import pytest

from recommender.tests.fixtures import (  # noqa: F401
    ann,
    catalogue,
    live,
    log,
    own_ranker,
    promote,
    trained,
)


@pytest.fixture(autouse=True)
def _own_ranker(own_ranker: None) -> None:  # noqa: F811
    """All tests of this app are about a ranker, or might load one."""
