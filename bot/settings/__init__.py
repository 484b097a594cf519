"""Settings: environment variables in, frozen values out; every problem at once, and no value in a message.

| file | for | loads |
| --- | --- | --- |
| `environment.py` | the one reader of the process environment, and what child programs get of it | standard library |
| `values.py` | the values that settings become | standard library |
| `node.py` | the commands on a node | standard library |
| `service.py` | the service and its operator's commands | pydantic-settings, cryptography, SQLAlchemy |
"""
