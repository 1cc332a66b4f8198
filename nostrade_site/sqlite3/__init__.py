"""Django's SQLite, where writers of one web process do not all wait for the same lock."""
