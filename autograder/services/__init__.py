"""Real servers without Docker: Kafka, PostgreSQL, MLflow and a Spark cluster, on free loopback ports, each in a folder of its own.

`service.py` says what a service is; `kafka.py`, `postgres.py`, `mlflow.py` and `spark.py` are the four. Each has a context
manager for notebooks, tests and the sandbox, whose server never outlives the process that started it; `daemons.py` is
`course services`, whose servers go on. `stream/` sends paced events to them. `api/` is a REST API in threads of its own process, and
`client.py` a client that asks it with patience.
"""
