"""The generator's state."""
import json

import minicnn as mc


def test_state_goes_through_json_and_continues():
    mc.manual_seed(5)
    mc.rand(3)
    state = json.loads(json.dumps(mc.random.get_state()))
    expected = mc.rand(4).tolist()
    mc.manual_seed(6)
    mc.random.set_state(state)
    assert mc.rand(4).tolist() == expected
