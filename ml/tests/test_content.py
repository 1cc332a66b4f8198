import numpy as np
import pandas as pd
import pytest

from ml import prepare
from ml.content import ContentMatrix, ContentOnly, ItemContent, read_items
from ml.data import Dataset
from ml.feedback import Feedback
from ml.history import History
from ml.id_maps import IdMap
from ml.ratings import DataError

LIBRARY = """anime_id,name,genre,type,episodes,rating,members
1,Star Robots,"Mecha, Sci-Fi",TV,24,7.1,100
2,Star Robots Second,"Mecha, Sci-Fi",TV,24,7.1,100
3,School Days of Love,"Romance, School",TV,12,7.1,100
4,Days of Spring,"Romance, School",Movie,1,7.1,100
5,Steel Heart,"Mecha, Romance",TV,12,7.1,100
6,Untold,,,,,
"""


@pytest.fixture
def library(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text(LIBRARY)
    return read_items(path)


def order(scorer, history):
    scores = scorer.scores([history])[0]
    return [scorer.id_map.id_of(int(i)) for i in np.argsort(-scores, kind="stable") if i]


def test_vectors_have_length_one_or_none(library):
    vectors = ContentMatrix(library).vectors.to_dense()
    lengths = (vectors**2).sum(1).tolist()
    assert lengths[:5] == pytest.approx([1.0] * 5, abs=1e-5)
    assert lengths[5] == 0


def test_tf_idf_by_hand():
    table = pd.DataFrame({"item_id": [1, 2, 3], "genre": ["a, b", "b", "a, b"]})
    vectors = ContentMatrix(table).vectors.to_dense().numpy()
    rare, common = np.log(4 / 2), np.log(4 / 3)
    np.testing.assert_allclose(vectors[0] @ vectors[1], common / np.hypot(rare, common), atol=1e-6)
    np.testing.assert_allclose(vectors[0] @ vectors[2], 1.0, atol=1e-6)


def test_blocks_weigh_what_they_should():
    table = pd.DataFrame(
        {"item_id": [1, 2, 3, 4], "genre": ["a", "a", "b", "b"], "type": ["x", "y", "x", "y"]}
    )
    vectors = ContentMatrix(table, {"genre": 1.0, "type": 0.25}).vectors.to_dense().numpy()
    np.testing.assert_allclose(vectors[0] @ vectors[1:].T, [0.8, 0.2, 0.0], atol=1e-6)
    with pytest.raises(ValueError, match="Unknown blocks"):
        ContentMatrix(table, {"colour": 1.0})


def test_content_is_rows_in_id_map_order_then_cold_titles(library):
    content = ItemContent.of(library.iloc[:5])
    ordered = content.ordered(IdMap([4, 77, 1]))
    assert ordered.item_ids.tolist() == [4, 77, 1, 2, 3, 5]
    assert np.diff(ordered.offsets)[1] == 0  # 77 has no content
    before, after = (ContentMatrix(c).vectors.to_dense().numpy() for c in (content, ordered))
    np.testing.assert_array_equal(after[[0, 2, 3, 4, 5]], before[[3, 0, 1, 2, 4]])
    genres = ordered.maps["genre"]
    first = ordered.features[: ordered.offsets[1]]
    assert {genres[f] for f in first if f < len(genres)} == {"romance", "school"}


def test_several_items_files_fill_each_other(tmp_path):
    (tmp_path / "a.csv").write_text("item_id,genre,year\n1,x,\n2,x,1999\n")
    (tmp_path / "b.csv").write_text("item_id,studio,year\n1,Moon,2001\n2,Moon,2002\n3,Sun,\n")
    table = read_items(tmp_path / "a.csv", tmp_path / "b.csv").set_index("item_id")
    assert table.loc[1].to_dict() == {"genre": "x", "year": "2001", "studio": "Moon"}
    assert table.loc[2, "year"] == "1999"  # the first file wins
    assert table.loc[3, "genre"] == ""


def test_prepare_writes_content_that_loads_and_is_part_of_the_fingerprint(tmp_path, library, capsys):
    (tmp_path / "r.csv").write_text("user_id,item_id\n1,5\n1,3\n2,5\n2,3\n")
    common = ["--ratings", str(tmp_path / "r.csv"), "--min-item-count", "1"]
    items = ["--items", str(tmp_path / "items.csv")]
    assert prepare.main([*common, "--out", str(tmp_path / "bare")]) == 0
    assert prepare.main([*common, *items, "--out", str(tmp_path / "rich")]) == 0
    bare, rich = Dataset.load(tmp_path / "bare"), Dataset.load(tmp_path / "rich")
    assert bare.content is None
    assert rich.content.item_ids.tolist() == [3, 5, 1, 2, 4, 6]
    assert bare.fingerprint != rich.fingerprint
    chosen = rich.people(np.array([True, False]))
    assert chosen.content is rich.content
    wanted = ContentMatrix(library).rows(rich.id_map).to_dense()
    assert (ContentMatrix(rich.content).rows(rich.id_map).to_dense() == wanted).all()
    np.save(tmp_path / "rich" / "content_values.npy", rich.content.values * 2)
    with pytest.raises(DataError, match="does not match its fingerprint"):
        Dataset.load(tmp_path / "rich")
    assert prepare.main([*common, "--items", "none.csv", "--out", str(tmp_path / "x")]) == 1
    assert "no such file" in capsys.readouterr().err


def test_likes_draw_near_and_dislikes_push_away(library):
    scorer = ContentOnly(ContentMatrix(library))
    assert order(scorer, History.of([1], Feedback.LOVE))[:3] == [1, 2, 5]
    neutral = History.of([5], Feedback.LIKE)
    disliked = neutral.added(1, Feedback.DISLIKE)
    assert scorer.scores([disliked])[0, 2] < scorer.scores([neutral])[0, 2]
    assert scorer.scores([neutral.added(1, Feedback.LOVE)])[0, 2] > scorer.scores([neutral])[0, 2]


def test_cold_titles_are_ranked_and_strangers_score_zero(library):
    content = ContentMatrix(library)
    assert set(ContentOnly(content).id_map.ids) == {1, 2, 3, 4, 5, 6}
    known = ContentOnly(content, IdMap([3, 5, 77]))  # 77 has no content, 1 does not compete
    scores = known.scores([History.of([1]), History(), History.of([77])])
    assert scores.shape == (3, 4)
    assert scores[0, 2] > scores[0, 1] >= 0 == scores[0, 3]
    assert (scores[1:, 1:] == 0).all()
    assert (scores[:, 0] == -np.inf).all()
    everything = ContentOnly(content).scores([History.of([1])])[0]
    assert scores[0, 2] == pytest.approx(everything[5])


def test_year_and_synopsis_count_where_known(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text(
        "item_id,year,synopsis\n1,1998.0,A ship in space\n2,1991,\n3,2001,A ship at sea\n4,2015,\n"
    )
    vectors = ContentMatrix(read_items(path)).vectors.to_dense().numpy()
    assert vectors[0] @ vectors[1] > 0  # the same decade
    assert vectors[0] @ vectors[2] > 0  # a ship
    assert vectors[0] @ vectors[3] == 0


def test_read_items_refuses_bad_files(tmp_path):
    path = tmp_path / "items.csv"
    for text, message in [
        ("anime_id,name\n1,a\nx,b\n", "line 3: anime_id is 'x'"),
        ("anime_id,name\n1,a\n1,b\n", "line 3: anime_id is '1'"),
        ("name\na\n", "the header needs"),
        ("anime_id,colour\n1,red\n", "the header needs"),
        ("", "not a CSV file"),
    ]:
        path.write_text(text)
        with pytest.raises(DataError, match=message):
            read_items(path)
    with pytest.raises(DataError, match="no such file"):
        read_items(tmp_path / "none.csv")


def test_real_titles_have_real_neighbours(real_ratings):
    path = real_ratings.with_name("anime.csv")
    if not path.exists():
        pytest.skip("anime.csv is not beside rating.csv")
    scorer = ContentOnly(ContentMatrix(read_items(path)))
    assert len(scorer.id_map) > 12_000
    assert 1735 in order(scorer, History.of([20]))[1:11]  # Naruto, Naruto: Shippuuden
