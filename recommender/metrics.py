"""What is measured of ranking and of what people are shown, in each web process."""

from prometheus_client import Counter, Gauge, Histogram

RANKING = Histogram(
    "nostrade_ranking_seconds",
    "One ranking of the catalogue by the model.",
    buckets=(0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0),
)
IMPRESSIONS_WAITING = Gauge(
    "nostrade_impression_pages_waiting", "Pages whose cards are not logged yet.", multiprocess_mode="livesum"
)
IMPRESSIONS_LOST = Counter(
    "nostrade_impression_pages_lost", "Pages whose cards were dropped: the database was away."
)
