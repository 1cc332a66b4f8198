"""A person's list in and out: reading and writing MyAnimeList, AniList and CSV files, matching, importing."""
