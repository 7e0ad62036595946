from minicnn.wording import confidence, percent, shortened


def test_shares_in_percent():
    assert percent(0.99023) == "99.02 %" and percent(1) == "100.00 %" and percent(0.5, 0) == "50 %"


def test_what_a_network_says_is_never_certain():
    assert [confidence(p) for p in (0.5, 0.9994, 0.9996, 1.0, 0.0)] == ["50.0 %", "99.9 %", ">99.9 %", ">99.9 %", "0.0 %"]


def test_long_names_lose_their_end():
    assert [shortened(name) for name in ("cat", "sixteen letters.", "seventeen letters", "Egyptian Mau, a cat")] == [
        "cat", "sixteen letters.", "seventeen lette…", "Egyptian Mau, a…"]
