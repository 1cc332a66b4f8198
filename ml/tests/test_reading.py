import json

import numpy as np
import pandas as pd
import pytest

from ml import ratings
from ml.data import Dataset, clean
from ml.prepare import main
from ml.ratings import DataError, read_ratings


def write(path, text):
    path.write_text(text)
    return path


def test_scores_are_bucketed(tmp_path):
    scores = [-1, 0, 1, 4, 4.5, 5, 7, 8, 10, ""]
    rows = "".join(f"u,{i},{score}\n" for i, score in enumerate(scores))
    table = read_ratings(write(tmp_path / "r.csv", "user_id,anime_id,rating\n" + rows))
    assert table["feedback"].tolist() == [4, 4, 1, 1, 1, 2, 2, 3, 3, 4]
    assert np.isnan(table["timestamp"]).all()


def test_another_scale_is_stretched(tmp_path):
    path = write(tmp_path / "r.csv", "user_id,item_id,rating\n1,1,2\n1,2,3\n1,3,5\n")
    assert read_ratings(path, rating_scale=5)["feedback"].tolist() == [1, 2, 3]


def test_no_rating_is_a_like_and_feedback_wins(tmp_path):
    bare = read_ratings(write(tmp_path / "a.csv", "user_id,item_id\n1,5\n"))
    assert bare["feedback"].tolist() == [2]
    path = write(
        tmp_path / "b.csv", "user_id,item_id,rating,feedback\n1,5,1,love\n1,6,10,Dislike\n1,7,,watched\n"
    )
    assert read_ratings(path)["feedback"].tolist() == [3, 1, 4]


def test_times_are_seconds_or_iso(tmp_path):
    text = "user_id,item_id,timestamp\n1,1,1577836800\n1,2,2020-01-01T01:00:00+01:00\n1,3,2020-01-01\n1,4,\n"
    times = read_ratings(write(tmp_path / "r.csv", text))["timestamp"].tolist()
    assert times[:3] == [1577836800.0] * 3
    assert np.isnan(times[3])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user_id,rating\n1,2\n", "header needs user_id and anime_id"),
        ("anime_id,rating\n1,2\n", "header needs user_id"),
        ("", "not a CSV file"),
        ("user_id,anime_id\n1,5\n2,five\n", "line 3: anime_id is 'five', not a whole number"),
        ("user_id,anime_id\n1,5\n2,\n", "line 3: anime_id is an empty value"),
        ("user_id,anime_id\n1,1.5\n", "line 2: anime_id is '1.5'"),
        ("user_id,anime_id\n,5\n", "line 2: user_id is an empty value"),
        ("user_id,anime_id\n1,5\n\n1,6\n", "line 3: user_id is an empty value"),
        ("user_id,anime_id,rating\n1,5,3\n1,6,11\n", "line 3: rating is '11'"),
        ("user_id,anime_id,rating\n1,5,-2\n", "line 2: rating is '-2'"),
        ("user_id,anime_id,rating\n1,5,3\n1,6,good\n", "line 3: rating is 'good'"),
        ("user_id,anime_id,feedback\n1,5,love\n1,5,hate\n", "line 3: feedback is 'hate'"),
        ("user_id,anime_id,timestamp\n1,5,2020-01-01\n1,5,yesterday\n", "line 3: timestamp is 'yesterday'"),
    ],
)
def test_rejects_a_wrong_file_with_its_line(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read_ratings(write(tmp_path / "r.csv", text))


def test_lines_are_counted_through_quoted_cells_and_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(ratings, "ROWS_AT_A_TIME", 2)
    text = 'user_id,anime_id,"no\nte"\n1,5,"two\nlines"\n1,6,\n1,7,\n2,8,\n2,nine,\n'
    with pytest.raises(DataError, match="line 8: anime_id is 'nine'"):
        read_ratings(write(tmp_path / "r.csv", text))


def test_chunks_join_to_the_same_table(tmp_path, monkeypatch):
    text = "user_id,item_id,rating,timestamp\n7,1,8,\n07,2,,2020-01-01\n7,3,-1,1577836800\n8,4,2,20200101\n"
    path = write(tmp_path / "r.csv", text)
    whole = read_ratings(path)
    monkeypatch.setattr(ratings, "ROWS_AT_A_TIME", 1)
    parts = read_ratings(path)
    same = {"user_id": str}  # the categories may stand in another order
    pd.testing.assert_frame_equal(whole.astype(same), parts.astype(same))
    assert whole["user_id"].tolist() == ["7", "07", "7", "8"]  # as they stand, not as numbers
    assert whole["timestamp"].tolist()[1:] == [1577836800.0, 1577836800.0, 20200101.0]


def test_rejects_a_missing_file(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_ratings(tmp_path / "none.csv")


def test_the_last_row_of_a_person_and_title_wins(tmp_path):
    text = "user_id,item_id,feedback\n1,5,love\n1,6,like\n1,5,dislike\n"
    dataset = clean([read_ratings(write(tmp_path / "r.csv", text))], min_item_count=1)
    assert dataset.history(0).item_ids == (6, 5)
    assert dataset.history(0).feedback == (2, 1)


def test_people_of_different_files_never_collide(tmp_path):
    text = "user_id,item_id\n1,5\n1,6\n"
    tables = [read_ratings(write(tmp_path / name, text)) for name in ("a.csv", "b.csv")]
    dataset = clean(tables, min_item_count=2)
    assert dataset.user_ids.tolist() == ["1", "1"]
    assert dataset.lengths.tolist() == [2, 2]


def test_rare_titles_and_short_lists_go(tmp_path):
    text = "user_id,item_id\n" + "1,5\n1,6\n2,5\n2,6\n3,5\n3,7\n"
    table = read_ratings(write(tmp_path / "r.csv", text))
    dataset = clean([table], min_item_count=2, min_user_count=2)
    assert dataset.id_map.ids == (5, 6)
    assert dataset.user_ids.tolist() == ["1", "2"]
    assert dataset.item_counts().tolist() == [0, 2, 2]
    assert clean([table], min_item_count=2, keep_items={7}).id_map.ids == (5, 6, 7)
    with pytest.raises(DataError, match="No row is left"):
        clean([table], min_item_count=10)


def test_events_with_a_time_come_last_and_in_order(tmp_path):
    text = "user_id,item_id,timestamp\n1,5,300\n1,6,\n1,7,100\n1,8,\n"
    dataset = clean([read_ratings(write(tmp_path / "r.csv", text))], min_item_count=1)
    assert dataset.history(0).item_ids == (6, 8, 7, 5)


def test_prepare_writes_a_dataset_that_loads(tmp_path, capsys):
    path = write(tmp_path / "r.csv", "user_id,anime_id,rating\n1,5,8\n1,6,-1\n2,5,3\n2,6,6\n")
    out = tmp_path / "data"
    assert main(["--ratings", str(path), "--out", str(out), "--min-item-count", "2"]) == 0
    stats = json.loads((out / "stats.json").read_text())
    assert stats["feedback"] == {"dislike": 1, "like": 1, "love": 1, "watched": 1}
    assert Dataset.load(out).fingerprint == stats["fingerprint"]
    assert main(["--ratings", str(path), "--out", str(out), "--min-item-count", "2"]) == 1
    assert "exists already" in capsys.readouterr().err
    np.save(out / "items.npy", np.array([1, 1, 1, 1], dtype=np.int32))
    with pytest.raises(DataError, match="does not match its fingerprint"):
        Dataset.load(out)


def test_prepare_refuses_with_one_sentence(tmp_path, capsys):
    path = write(tmp_path / "r.csv", "user_id,anime_id\n1,5\n")
    assert main(["--ratings", str(path), "--out", str(tmp_path / "data")]) == 1
    assert capsys.readouterr().err.startswith("No row is left")
    assert not (tmp_path / "data").exists()
