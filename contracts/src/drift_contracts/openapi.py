def document():
    return {"paths": {p: {m: {"operationId": o} for m, o in d.items()} for p, d in {
      "/predict": {"post": "predict"}, "/predict/batch": {"post": "predictBatch"}, "/health": {"get": "health"}, "/model": {"get": "model"},
      "/models/{name}/predict": {"post": "predictWith"}, "/models/{name}/predict/batch": {"post": "predictBatchWith"}, "/openapi.json": {"get": "openapi"}}.items()}}
