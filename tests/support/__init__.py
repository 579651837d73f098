"""What tests of several folders share: `from tests.support.houses import HOUSE`.

A module here imports no more than its subject needs, because some sessions install a part of the libraries only:
`houses`, `predictor` and `runtime_api` are for the runtime's session too, where there is no numpy.
"""
