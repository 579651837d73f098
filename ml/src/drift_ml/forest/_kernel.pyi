from collections.abc import Iterable
from typing import final

@final
class Engine:
    def __new__(
        cls,
        features: int,
        missing_accepted: bool,
        split_code_width: int,
        leaf_code_width: int,
        /,
        *columns: bytes | memoryview,
    ) -> Engine: ...
    def predict(self, row: Iterable[float], /) -> float: ...
    def predict_many(self, rows: Iterable[Iterable[float]], /) -> list[float]: ...
