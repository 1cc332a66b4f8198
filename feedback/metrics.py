"""What is counted of the log, in each web process."""

from prometheus_client import Counter

REACTIONS = Counter(
    "nostrade_reactions", "Reactions logged one by one (no lists), retractions too.", ["type"]
)
UPLOADS = Counter("nostrade_list_uploads", "Lists that were uploaded: read, or refused.", ["outcome"])
