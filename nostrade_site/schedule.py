"""What runs by itself, and when (UTC): read by Celery's beat."""

from celery.schedules import crontab

SCHEDULE = {
    "retrain-nightly": {"task": "recommender.tasks.retrain", "schedule": crontab(hour="3", minute="30")},
    "retrain-when-due": {"task": "recommender.tasks.retrain_when_due", "schedule": 5 * 60},
    "measure-reasons": {
        "task": "recommender.tasks.measure_reasons",
        "schedule": 10 * 60,
        "options": {"expires": 10 * 60},  # behind a long training run they must not pile up
    },
    "draw-map": {
        "task": "recommender.tasks.draw_map",
        "schedule": 10 * 60,
        "options": {"expires": 10 * 60},
    },
    # A reaction counts for a day, so yesterday's impressions can still get one.
    "link-impressions": {
        "task": "recommender.tasks.link_impressions",
        "schedule": crontab(minute="*/5"),
        "kwargs": {"days": 1},
    },
    # What was taken back or carried over later than that.
    "link-impressions-nightly": {
        "task": "recommender.tasks.link_impressions",
        "schedule": crontab(hour="2", minute="32"),
        "kwargs": {"days": 30},
    },
    "prune-impressions-daily": {
        "task": "recommender.tasks.prune_impressions",
        "schedule": crontab(hour="4", minute="2"),
    },
    "prune-guests-weekly": {
        "task": "feedback.tasks.prune_guests",
        "schedule": crontab(hour="4", minute="30", day_of_week="1"),
    },
    "prune-receipts-daily": {
        "task": "feedback.tasks.prune_receipts",
        "schedule": crontab(hour="4", minute="0"),
    },
    "prune-networks-daily": {
        "task": "feedback.tasks.prune_networks",
        "schedule": crontab(hour="4", minute="6"),
    },
    "prune-lists-daily": {"task": "feedback.tasks.prune_lists", "schedule": crontab(hour="4", minute="4")},
    "carry-on-forgotten-lists": {
        "task": "feedback.tasks.carry_on_forgotten_lists",
        "schedule": 60,
        "options": {"expires": 60},
    },
    "clear-sessions-weekly": {
        "task": "nostrade_site.tasks.clear_sessions",
        "schedule": crontab(hour="5", minute="30", day_of_week="1"),
    },
}
