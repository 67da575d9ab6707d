from core.workflows.stages import Stages


def test_stages_add_up_to_one():
    seen = []
    stages = Stages(lambda stage, done, total, **values: seen.append((stage, done / total, values)), {"a": 1, "b": 3})
    first = stages.stage("a")
    first("inner", 1, 2)
    second = stages.stage("b")
    second("inner", 1, 3, loss=0.5)
    second("inner", 9, 3)
    assert seen == [("a", 0.0, {}), ("a", 0.125, {}), ("b", 0.25, {}), ("b", 0.5, {"loss": 0.5}), ("b", 1.0, {})]
