"""The small world of the recommender's tests, for the tests here that ask for it."""

from recommender.tests.fixtures import ann, catalogue, live, log, own_ranker, promote, trained  # noqa: F401
