from recommender.tests.fixtures import (  # noqa: F401
    _own_ranker,
    ann,
    catalogue,
    live,
    log,
    promote,
    trained,
)
